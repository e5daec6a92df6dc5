// Two questions to a JSON text before JSON.parse takes it: both are answered by native searches for nearly every record,
// and by one walk over the text for the rest.

/**
 * Is it nested deeper than `limit`? JSON.parse takes five million levels without a word, while whatever walks the result
 * afterwards (JSON.stringify, structuredClone) dies of a RangeError.
 */
export const isDeeperThan = (limit: number, text: string): boolean =>
  // Text with few openers cannot be deep.
  count(text, '{', limit) + count(text, '[', limit) > limit && walk(text).depth > limit

/**
 * Does it hold more than `limit` commas, lists and objects? Bytes alone do not bound the time of JSON.parse: a megabyte of
 * small objects, each with another field name, takes it 100 ms, a megabyte of one text 2 ms.
 */
export const hasMorePartsThan = (limit: number, text: string): boolean =>
  text.length > limit &&
  count(text, ',', limit) + count(text, '{', limit) + count(text, '[', limit) > limit &&
  walk(text).parts > limit

const count = (text: string, char: string, enough: number): number => {
  let found = 0
  for (let at = text.indexOf(char); at !== -1 && found <= enough; at = text.indexOf(char, at + 1)) found++
  return found
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c

/** Of what is outside of strings: the deepest nesting, and how many commas and openers. */
const walk = (text: string): { depth: number; parts: number } => {
  let depth = 0
  let deepest = 0
  let parts = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === BACKSLASH) at++
      else if (char === QUOTE) inString = false
    } else if (char === QUOTE) inString = true
    else if (char === COMMA) parts++
    // `[` or `{`; setting bit 0x20 tells them apart from nothing else that JSON holds outside of strings.
    else if ((char | 0x20) === 0x7b) {
      parts++
      if (++depth > deepest) deepest = depth
    } else if ((char | 0x20) === 0x7d) depth--
  }
  return { depth: deepest, parts }
}
