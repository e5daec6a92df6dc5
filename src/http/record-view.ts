// The record of a dead letter for a page: readable, as hex, and whole as base64. Text is what it is: the page must not take it for HTML.
import { hexDump, readable } from '../dead-letters/readable.ts'
import type { LetterDetail } from '../sink/letter-store.ts'

const MAX_TEXT = 16 * 1024
const MAX_HEX = 512
const MAX_BASE64 = 1024 * 1024
const MAX_HEADERS = 200
const MAX_HEADER_TEXT = 1_024

/** `cut`: something of it is in no form here. */
export function recordView({ key, value, headers }: Pick<LetterDetail, 'key' | 'value' | 'headers'>) {
  const shown = headers.slice(0, MAX_HEADERS).map(([name, bytes]) => ({ name, ...headerOf(bytes) }))
  const parts = { key: key && viewOf(key), value: value && viewOf(value) }
  const cut = headers.length > MAX_HEADERS || [parts.key, parts.value, ...shown].some((each) => each?.cut)
  return { ...parts, headers: shown.map(({ cut: _, ...header }) => header), cut }
}

function headerOf(bytes: Buffer | null) {
  if (bytes === null) return { form: 'none' as const, text: '', cut: false }
  const { form, text } = readable(bytes)
  return { form, text: text.slice(0, MAX_HEADER_TEXT), cut: text.length > MAX_HEADER_TEXT }
}

function viewOf(bytes: Buffer) {
  const { form, text } = readable(bytes)
  const cut = form === 'hex' ? bytes.length > MAX_HEX : text.length > MAX_TEXT
  const base64 = bytes.subarray(0, MAX_BASE64).toString('base64')
  return { form, bytes: bytes.length, text: text.slice(0, MAX_TEXT), hex: hexDump(bytes, MAX_HEX), base64, cut }
}
