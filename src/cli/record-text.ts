import { hexDump, readable } from '../dead-letters/readable.ts'
import { cell } from '../lib/cell.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { printable, printableLines } from '../lib/printable.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { count } from './dlq-text.ts'

// A record on a terminal: key, headers and value, readable and in hex, with nothing in it that a terminal would obey.

const MAX_TEXT = 16 * 1024
const MAX_HEX = 512

type Field = readonly [name: string, value: string | null]

/** Fields without a value are left out. */
export const section = (title: string, fields: readonly Field[]): string[] => [
  title,
  ...fields.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(12)} ${value}`])),
  '',
]

export const indented = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`))

/** Breaks at spaces, but never within a command. */
export const wrapped = (long: string, width: number): string[] =>
  (long.match(/(?:`[^`]*`|[^\s`])+/g) ?? []).reduce<string[]>((lines, word) => {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) return [...lines, word]
    return [...lines.slice(0, -1), `${last} ${word}`]
  }, [])

/** A JSON pointer into the value. */
export const pathText = (path: string | null): string | null =>
  path === null ? null : path === '' ? '(the whole value)' : printable(path)

/** The bytes of a record, each as base64. */
export const bytesJson = ({ key, value, headers }: Pick<SourceRecord, 'key' | 'value' | 'headers'>) => ({
  key: key?.toString('base64') ?? null,
  value: value?.toString('base64') ?? null,
  headers: headers.map(([name, each]) => [name, each?.toString('base64') ?? null]),
})

export function refuseRawAndJson({ raw, json }: { raw?: true; json?: true }): void {
  if (raw && json) throw new OperatorError('--raw and --json cannot be given together', 'choose one', ExitCode.usage)
}

const sizeOf = (bytes: Buffer, form: string): string =>
  `${count(bytes.length)} ${bytes.length === 1 ? 'byte' : 'bytes'}, ${form}`

function bytesSection(name: string, bytes: Buffer | null, whole: string): string[] {
  if (bytes === null) return [`${name}: none`, '']
  if (bytes.length === 0) return [`${name}: empty`, '']
  const { form, text: shown } = readable(bytes)
  const cut = shown.length > MAX_TEXT ? [`… cut here; all of it: ${whole}`] : []
  const lines = printableLines(shown.slice(0, MAX_TEXT)).split('\n')
  return [`${name} (${sizeOf(bytes, form === 'hex' ? 'not UTF-8: as hex' : form === 'json' ? 'JSON' : 'text')})`, ...indented([...lines, ...cut]), ''] // prettier-ignore
}

export const keySection = (key: Buffer | null): string[] => bytesSection('key', key, '--json')

export function headersSection(headers: SourceRecord['headers']): string[] {
  if (headers.length === 0) return ['headers: none', '']
  const shown = headers.map(([name, value]) => `${cell(name, 100)}: ${headerText(value)}`)
  return [`headers (${count(headers.length)})`, ...indented(shown), '']
}

function headerText(value: Buffer | null): string {
  if (value === null) return '(null)'
  if (value.length === 0) return '(empty)'
  const isHex = readable(value).form === 'hex'
  return isHex ? `0x${cell(value.toString('hex'), 200)}` : cell(value.toString(), 200)
}

/** `whole`: the command that shows all of it. */
export function valueSection(value: Buffer | null, whole: string): string[] {
  const lines = bytesSection('value', value, whole)
  if (value === null || value.length === 0) return lines
  const first = value.length > MAX_HEX ? `the first ${MAX_HEX} bytes` : 'all of it'
  return [...lines, `value, hex (${first})`, ...indented(hexDump(value, MAX_HEX)), '']
}
