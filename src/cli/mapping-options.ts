import { InvalidArgumentError } from 'commander'
import { type Named, parseName } from '../line-items/mapping-name.ts'

export const reasonOption = (text: string): string => {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > 500) throw new InvalidArgumentError('1 to 500 characters.')
  return trimmed
}

export const nameArgument = (text: string): Named => {
  const named = parseName(text)
  if (named) return named
  throw new InvalidArgumentError('item:<number>, a sku, a description, or a key such as sku:85123A.')
}

export const NAMES = `Names: item:17 is an item. A vendor's line is named by its sku or by its description, as they came, or by its key as
\`mapping list\` shows it: sku:85123A, text:white hanging heart.`
