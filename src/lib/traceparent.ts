const FORM = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/

/** The trace id of a W3C `traceparent`; null: there is none, or more than one, or it is not what the standard says. */
export function traceIdOf(headers: readonly (readonly [name: string, value: Buffer | null])[]): string | null {
  const found = headers.filter(([name]) => name.toLowerCase() === 'traceparent')
  const value = found.length === 1 ? found[0]?.[1] : null
  // 55 characters; a later version may have more.
  if (!value || value.length < 55 || value.length > 512) return null
  const [, traceId, parentId] = FORM.exec(value.toString('latin1')) ?? []
  const valid = traceId !== undefined && parentId !== undefined && /[^0]/.test(traceId) && /[^0]/.test(parentId)
  const isPlain = value.length === 55 || !value.subarray(0, 2).equals(Buffer.from('00'))
  return valid && isPlain ? traceId : null
}
