// Another article whose text is nearly the same: what a person would never take for a spelling of the first. The lists are
// the bench's own; some of it (cerise, otter, porcelain) no list of the product has.
import type { Random } from './random.ts'
import type { Vary } from './variants.ts'

const CLASSES: Readonly<Record<string, string>> = {
  colour:
    'RED BLUE GREEN YELLOW ORANGE PURPLE PINK BLACK WHITE GREY BROWN CREAM IVORY GOLD SILVER TURQUOISE LILAC CERISE SAGE OCHRE',
  size: 'SMALL MEDIUM LARGE MINI JUMBO TINY GIANT',
  material: 'WOODEN METAL GLASS CERAMIC PAPER FELT COTTON PLASTIC ZINC ENAMEL PORCELAIN BAMBOO WICKER',
  animal: 'CAT DOG BIRD OWL RABBIT HEN FOX BAT RAT OTTER ELEPHANT BUTTERFLY REINDEER HORSE GOAT',
  shape: 'HEART STAR ROUND SQUARE OVAL HEXAGON DIAMOND',
  season: 'SPRING SUMMER AUTUMN WINTER CHRISTMAS EASTER',
  position: 'LEFT RIGHT TOP BOTTOM FRONT BACK',
  person: 'BOY GIRL MAN WOMAN LADY CHILD BABY',
  count: 'SINGLE DOUBLE TRIPLE PAIR',
}

const inClass =
  (list: readonly string[]): Vary =>
  (text, random) => {
    const parts = text.split(/\s+/)
    const at = parts.findIndex((word) => list.includes(word))
    if (at < 0) return null
    const others = list.filter((word) => word !== parts[at])
    return parts.map((word, index) => (index === at ? random.pick(others) : word)).join(' ')
  }

const number: Vary = (text, random) => {
  const found = /\d+/.exec(text)
  if (!found) return null
  const old = Number(found[0])
  const other = random.pick([old + 1, old * 2, old + 10, Math.max(1, old - 1)])
  return other === old ? null : text.slice(0, found.index) + String(other) + text.slice(found.index + found[0].length)
}

const letter: Vary = (text, random) => {
  const found = /(^|[\s"])([A-SU-Z])(?=$|[\s"])/.exec(text)
  if (!found) return null
  const other = random.pick([...'ABCDEFGHJKLMNPQRSUVXYZ'].filter((each) => each !== found[2]))
  return text.slice(0, found.index) + (found[1] ?? '') + other + text.slice(found.index + found[0].length)
}

const negation: Vary = (text) => (/ WITH /.test(text) ? text.replace(' WITH ', ' WITHOUT ') : `NO ${text}`)

/** One word becomes another word that some description of the file has. */
const otherWord =
  (vocabulary: readonly string[]): Vary =>
  (text, random) => {
    const parts = text.split(/\s+/)
    const long = parts.flatMap((word, at) => (/^[A-Z]{3,}$/.test(word) ? [at] : []))
    if (long.length === 0) return null
    const at = random.pick(long)
    const others = vocabulary.filter((word) => word !== parts[at])
    return parts.map((word, index) => (index === at ? random.pick(others) : word)).join(' ')
  }

const addedWord =
  (vocabulary: readonly string[]): Vary =>
  (text, random) => {
    const parts = text.split(/\s+/)
    return parts.toSpliced(random.below(parts.length + 1), 0, random.pick(vocabulary)).join(' ')
  }

/** As near as can be: a word that is one letter from another word of the file. */
const neighbourWord = (vocabulary: readonly string[]): Vary => {
  const words = new Set(vocabulary)
  const near = new Map<string, string[]>()
  const holes = new Map<string, string[]>()
  for (const word of vocabulary)
    for (let at = 0; at < word.length; at++) {
      const hole = `${word.slice(0, at)}_${word.slice(at + 1)}`
      holes.set(hole, [...(holes.get(hole) ?? []), word])
      const shorter = word.slice(0, at) + word.slice(at + 1)
      if (words.has(shorter) && word !== `${shorter}S`) for (const [one, other] of [[word, shorter], [shorter, word]] as const) near.set(one, [...(near.get(one) ?? []), other]) // prettier-ignore
    }
  for (const same of holes.values())
    for (const word of same) near.set(word, [...(near.get(word) ?? []), ...same.filter((other) => other !== word)])
  return (text: string, random: Random) => {
    const parts = text.split(/\s+/)
    const places = parts.flatMap((word, at) => (near.get(word)?.length ? [at] : []))
    if (places.length === 0) return null
    const at = random.pick(places)
    return parts.map((word, index) => (index === at ? random.pick(near.get(word) ?? []) : word)).join(' ')
  }
}

export const confusables = (texts: readonly string[]): Readonly<Record<string, Vary>> => {
  const vocabulary = [...new Set(texts.flatMap((text) => text.match(/(?<=^|\s)[A-Z]{3,}(?=\s|$)/g) ?? []))]
    .filter((word) => !['THE', 'AND'].includes(word))
    .sort()
  const classes = Object.entries(CLASSES).map(([name, list]): [string, Vary] => [name, inClass(list.split(' '))])
  return {
    ...Object.fromEntries(classes),
    ...{ number, letter, negation, 'other word': otherWord(vocabulary), 'word added': addedWord(vocabulary) },
    'word one letter away': neighbourWord(vocabulary.filter((word) => isWord(word, texts))),
  }
}

/** Of the file's own shortenings and misspellings: one letter from their word, and the same article. */
const NO_WORDS = ['NECKLAC', 'ASS', 'ASST', 'ASSTD']

/** In three descriptions at least: a misspelling of its own (STRAWBERY) has seldom so many. */
const isWord = (word: string, texts: readonly string[]): boolean =>
  !NO_WORDS.includes(word) && texts.filter((text) => text.split(' ').includes(word)).length > 2
