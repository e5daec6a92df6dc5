// The bytes of a record for human eyes. Nothing is re-written: JSON is laid out token by token, so that a number that no
// double holds, a doubled key and a nesting too deep to stringify are shown as they came.
import { isDeeperThan } from '../line-items/json-shape.ts'

export type Readable = { readonly form: 'json' | 'text' | 'hex'; readonly text: string }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const MAX_DEPTH = 64
/** What is larger is no line item; it is shown as it is. */
const MAX_LAID_OUT = 64 * 1024

/** Not made safe for a terminal yet: lib/printable.ts. */
export function readable(bytes: Buffer): Readable {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { form: 'hex', text: bytes.toString('hex') }
  }
  if (bytes.length <= MAX_LAID_OUT && /^\s*[[{]/.test(text) && !isDeeperThan(MAX_DEPTH, text) && isJson(text))
    return { form: 'json', text: laidOut(text) }
  return { form: 'text', text }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** `json` must be JSON. */
function laidOut(json: string): string {
  let out = ''
  let depth = 0
  let opened = false
  const newLine = () => `\n${'  '.repeat(depth)}`
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '}' || token === ']') {
      depth--
      out += (opened ? '' : newLine()) + token
      opened = false
      continue
    }
    if (opened) out += newLine()
    opened = token === '{' || token === '['
    if (opened) depth++
    if (token === ',') out += token + newLine()
    else out += token === ':' ? ': ' : token
  }
  return out
}

const ROW = 16

/** As `hexdump -C` writes it: offset, 16 bytes, and what of them is ASCII. */
export function hexDump(bytes: Buffer, max: number): string[] {
  const shown = bytes.subarray(0, max)
  const lines: string[] = []
  for (let at = 0; at < shown.length; at += ROW) {
    const row = shown.subarray(at, at + ROW)
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0'))
    const ascii = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    const halves = `${hex.slice(0, 8).join(' ').padEnd(23)}  ${hex.slice(8).join(' ').padEnd(23)}`
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves}  |${ascii}|`)
  }
  return lines
}
