import type { Format } from './input.ts'

/** What is published: it decides which options mean anything. */
export type Kind = Format | 'raw' | 'generated'

const GENERATOR = ['seed', 'users', 'invoices', 'bad']
const CSV = ['column', 'dateFormat', 'timeZone', 'delimiter', 'encoding', 'decimalComma']
const DEFAULTS = ['user', 'currency']

const MEANINGLESS: { readonly [kind in Kind]: readonly string[] } = {
  csv: GENERATOR,
  json: [...GENERATOR, ...CSV],
  ndjson: [...GENERATOR, ...CSV],
  raw: [...GENERATOR, ...CSV, ...DEFAULTS],
  generated: [...CSV, ...DEFAULTS, 'format', 'raw'],
}

const SAYS: { readonly [kind in Kind]: string } = {
  csv: 'a CSV file',
  json: 'a JSON file',
  ndjson: 'NDJSON',
  raw: '--raw, which changes nothing in a line',
  generated: '--generate',
}

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** An option that would be ignored was meant to do something: null, or what to say of those given. */
export const optionFault = (kind: Kind, given: readonly string[]): string | null => {
  const flags = given.filter((name) => MEANINGLESS[kind].includes(name)).map(flagOf)
  return flags.length === 0 ? null : `${flags.join(', ')} cannot be used with ${SAYS[kind]}`
}
