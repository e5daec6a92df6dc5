/**
 * Is this JSON text nested deeper than `limit`? Asked before JSON.parse, which takes five million levels without a
 * word, while whatever walks the result afterwards (JSON.stringify, structuredClone) dies of a RangeError.
 */
export const isDeeperThan = (limit: number, text: string): boolean =>
  // Text with few openers cannot be deep: two native searches settle nearly every record.
  count(text, '{', limit) + count(text, '[', limit) > limit && scan(limit, text)

const count = (text: string, opener: string, enough: number): number => {
  let found = 0
  for (let at = text.indexOf(opener); at !== -1 && found <= enough; at = text.indexOf(opener, at + 1)) found++
  return found
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

const scan = (limit: number, text: string): boolean => {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === BACKSLASH) at++
      else if (char === QUOTE) inString = false
    } else if (char === QUOTE) inString = true
    // `[` or `{`; setting bit 0x20 tells them apart from nothing else that JSON holds outside of strings.
    else if ((char | 0x20) === 0x7b && ++depth > limit) return true
    else if ((char | 0x20) === 0x7d) depth--
  }
  return false
}
