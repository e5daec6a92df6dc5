import { ExitCode, OperatorError } from '../lib/operator-error.ts'

const typesOf = (error: unknown): string[] => {
  const types: string[] = []
  for (let at = error; at instanceof Error && types.length < 8; at = at.cause)
    if ('type' in at && typeof at.type === 'string') types.push(at.type)
  return types
}

/** The brokers' refusal, in words that say what to do. */
export const sendFault = (error: unknown, topic: string): OperatorError => {
  if (error instanceof OperatorError) return error
  const types = typesOf(error)
  const refuse = (message: string, remedy: string): OperatorError =>
    new OperatorError(message, remedy, ExitCode.unavailable, { cause: error })
  if (types.includes('UNKNOWN_TOPIC_OR_PARTITION'))
    return refuse(`there is no topic ${topic}`, 'create it: sluice topics create')
  if (types.includes('TOPIC_AUTHORIZATION_FAILED'))
    return refuse(`the brokers do not let us write to ${topic}`, 'grant WRITE on the topic to this user')
  return refuse(
    `sending to ${topic} failed: ${error instanceof Error ? error.message : String(error)}`,
    'sluice doctor checks the brokers; publishing again is harmless',
  )
}
