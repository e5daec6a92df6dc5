import { printable } from '../lib/printable.ts'

export const isPlainText = (text: string): boolean => !/\p{Cc}/u.test(text.replaceAll(/\s/g, ''))

/** At most `limit` characters of a list, with a mark where it was cut. */
export const shortList = (names: readonly string[], limit = 200): string => {
  const text = printable(names.join(', '))
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${names.length.toLocaleString('en')} in all)`
}
