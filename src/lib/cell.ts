import { printable } from './printable.ts'

/** What a record said of itself may be long, and may hold anything. */
export const cell = (text: string | null, max = 24): string => {
  if (text === null || text === '') return '–'
  const plain = printable(text)
  return plain.length <= max ? plain : `${plain.slice(0, max - 1)}…`
}
