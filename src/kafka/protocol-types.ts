/** kafkajs drops the code of this one, and keeps its message. */
const BY_NAME: Readonly<Record<string, string>> = { KafkaJSSASLAuthenticationError: 'SASL_AUTHENTICATION_FAILED' }

const typeOf = (error: Error): string | undefined =>
  'type' in error && typeof error.type === 'string' ? error.type : BY_NAME[error.name]

/** The broker's error codes (`type`) in an error and its causes, outermost first; kafkajs wraps them in several ways. */
export function protocolTypes(error: unknown): string[] {
  const types: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    const type = typeOf(at)
    if (type !== undefined) types.push(type)
  }
  return types
}
