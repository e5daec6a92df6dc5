import { readFileSync } from 'node:fs'

/** Secrets in files end with a newline that is none of theirs: `echo` and editors write it. */
export const withoutNewline = (text: string): string => text.replace(/\r?\n$/, '')

/**
 * What a file holds now, for a password or certificate that is changed while we run. `known` when there is no file, or when
 * it is gone or empty at this moment: it may be about to be replaced, and what we know may still be good.
 */
export const readAgain = (known: string, file: string | undefined): string => {
  if (file === undefined) return known
  try {
    return withoutNewline(readFileSync(file, 'utf8')) || known
  } catch {
    return known
  }
}
