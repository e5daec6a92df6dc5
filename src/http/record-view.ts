// The record of a dead letter for a page: readable, as hex, and whole as base64. Text is what it is: the page must not take it for HTML.
import { hexDump, readable } from '../dead-letters/readable.ts'
import type { LetterDetail } from '../sink/letter-store.ts'

const MAX_TEXT = 16 * 1024
const MAX_HEX = 512
const MAX_BASE64 = 1024 * 1024
const MAX_HEADERS = 200

export function recordView({ key, value, headers }: Pick<LetterDetail, 'key' | 'value' | 'headers'>) {
  const shown = headers
    .slice(0, MAX_HEADERS)
    .map(([name, bytes]) => ({ name, ...(bytes ? shortOf(bytes) : { form: 'none', text: '' }) }))
  const cut = [key, value].some((bytes) => (bytes?.length ?? 0) > MAX_TEXT) || headers.length > MAX_HEADERS
  return { key: key && viewOf(key), value: value && viewOf(value), headers: shown, cut }
}

const shortOf = (bytes: Buffer) => {
  const { form, text } = readable(bytes)
  return { form, text: text.slice(0, 1_024) }
}

function viewOf(bytes: Buffer) {
  const { form, text } = readable(bytes)
  const base64 = bytes.subarray(0, MAX_BASE64).toString('base64')
  return { form, bytes: bytes.length, text: text.slice(0, MAX_TEXT), hex: hexDump(bytes, MAX_HEX), base64 }
}
