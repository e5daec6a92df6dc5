/** The broker's error codes (`type`) in an error and its causes, outermost first; kafkajs wraps them in several ways. */
export function protocolTypes(error: unknown): string[] {
  const types: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++)
    if ('type' in at && typeof at.type === 'string') types.push(at.type)
  return types
}
