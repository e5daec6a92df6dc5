import { describe, expect, it } from 'vitest'
import { createMatcher } from '../../../src/line-items/matcher.ts'
import { keysOfItem, keysOfQuery } from '../../../src/line-items/match-keys.ts'
import { ENOUGH, similarity } from '../../../src/line-items/similarity.ts'
import { readText, stemOf } from '../../../src/line-items/words.ts'

const scoreOf = (query: string, item: string, inUse: readonly string[] = []): number | null =>
  similarity(readText(query), readText(item), (word) => (inUse.includes(word) ? 1 : 0))
const isSame = (query: string, item: string, inUse?: readonly string[]) => (scoreOf(query, item, inUse) ?? 0) >= ENOUGH

describe('one thing', () => {
  it.each([
    ['white hanging heart t-light holder', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['WHITE HANGING HEART TLIGHT HOLDER', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['WHITEHANGING HEART T LIGHT HOLDER', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['HOLDER, T-LIGHT, HANGING HEART WHITE', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['WHITE HANGIGN HEART T-LIGHT HOLDER', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['WHITE HANGING HEARTS T-LIGHT HOLDERS', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['WHT HANGING HEART T-LIGHT HLDR', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['WHITE HANGING HEART T-LIGHT HOL', 'WHITE HANGING HEART T-LIGHT HOLDER'],
    ['PACK 12 RED TISSUES', 'PACK OF 12 RED TISSUES'],
    ['PK OF 12 RED TISSUES', 'PACK OF TWELVE RED TISSUES'],
    ['LRG XMAS TREE', 'LARGE CHRISTMAS TREE'],
    ['CUPS & SAUCERS', 'CUPS AND SAUCERS'],
    ['JAR W/ LID 10CM', 'JAR WITH LID 10 CENTIMETRES'],
    ['VOUCHER £10', 'VOUCHER £10.00'],
    ['CHILDRENS APRON BOXES', "CHILDREN'S APRON BOX"],
    ['ＲＥＤ　ＬＡＮＴＥＲＮ', 'red lantern'],
    ['RÖTE LATERNE GLAS', 'RÖTE LATERNE GLASS'],
  ])('%s = %s', (query, item) => expect(isSame(query, item)).toBe(true))
})

describe('two things', () => {
  it.each([
    ['PACK OF 12 RED TISSUES', 'PACK OF 6 RED TISSUES'],
    ['PACK OF 12 RED TISSUES', 'PACK OF 12 PINK TISSUES'],
    ['PACK OF 12 RED TISSUES', 'PACK OF 120 RED TISSUES'],
    ['SET 1 2 CUPS', 'SET 12 CUPS'],
    ['JAR WITH LID', 'JAR WITHOUT LID'],
    ['JUNK MAIL SIGN', 'NO JUNK MAIL SIGN'],
    ['LETTER A KEY RING', 'LETTER B KEY RING'],
    ['NOTEBOOK A6 SIZE', 'NOTEBOOK A7 SIZE'],
    ['FILLER PAD 40x40cm', 'FILLER PAD 60x40cm'],
    ['UMBRELLA RED/WHITE POLKADOT', 'UMBRELLA WHITE/RED POLKADOT'],
    ['HANGER 3 HOOKS 1 SHELF', 'HANGER 1 HOOK 3 SHELVES'],
    ['WATER 1.5 L BOTTLE', 'WATER 15 L BOTTLE'],
    ['SMALL GLASS CLOCHE', 'LARGE GLASS CLOCHE'],
    ['CERAMIC CAT BOWL', 'CERAMIC BAT BOWL'],
    ['RED PEN CASE', 'RED PIN CASE'],
    ['COFFEE MUG CAT + BIRD', 'COFFEE MUG DOG + BALL'],
    ['MR ROBOT SOFT TOY', 'MRS ROBOT SOFT TOY'],
    ['NECKLACE BLACK', 'NECKLACE'],
    ['OVEN GLOVE', 'OVEN GLOVE DOUBLE'],
    ['DIAMANTE LONG NECKLACE', 'DIAMANTE LONG NECKLACE BLACK'],
    ['SET OF 6 HERB TINS', 'SET OF 6 HERB TINS 12'],
    ['WOODEN STAR WITH BELLS', 'WOODEN STAR'],
    ['damaged', 'damages'],
    ['thrown away', 'throw away'],
  ])('%s ≠ %s', (query, item) => {
    expect(isSame(query, item)).toBe(false)
    expect(isSame(item, query)).toBe(false)
  })
  it('where the other word is in use: it is no misspelling then', () => {
    expect(isSame('JUMBO BAG PAISLAY', 'JUMBO BAG PAISLEY')).toBe(true)
    expect(isSame('JUMBO BAG PARSLEY', 'JUMBO BAG PAISLEY', ['parsley', 'paisley'])).toBe(false)
    expect(isSame('ROSE GARDEN RETRO SIGN', 'ROSE GARDEN RETROSPOT SIGN', ['retro'])).toBe(false)
  })
})

it('of two beginnings alike neither is sure', () => {
  const matcher = createMatcher()
  for (const text of ['ALARM CLOCK BAKELIKE RED', 'ALARM CLOCK BAKELIKE CHOCOLATE'])
    matcher.learn({ userId: 'u', vendorKey: `text:${text.toLowerCase()}`, text })
  const [first, second] = matcher.match('u', 'ALARM CLOCK BAKELIKE')
  expect((first?.score ?? 0) - (second?.score ?? 0)).toBeLessThan(0.03)
  expect(matcher.match('other', 'ALARM CLOCK BAKELIKE')).toEqual([])
})

it('a word and its plural have one stem', () => {
  for (const pair of 'cup cups;box boxes;glass glasses;cherry cherries;cookie cookies;rose roses;shoe shoes;potato potatoes;knife knives;house houses;bus buses;watch watches;child childrens;tie ties'.split(
    ';',
  )) {
    // prettier-ignore
    const [one = '', more = ''] = pair.split(' ')
    expect(stemOf(more), pair).toBe(stemOf(one))
  }
})

it('texts that are taken for one share a key', () => {
  const item = readText('SET OF 6 VINTAGE WICKER PICNIC BASKETS')
  const keys = new Set(keysOfItem('u', item))
  for (const text of [
    'set 6 vintage wicker picnic basket',
    'SET O 6 VINTAGE WICKER PICNIC BASKETS',
    'SETOF 6 VINTAGE WICKER PICNIC BASKETS',
    'SET OF 6 VINTAGE IWCKER PICNIC BASKETS',
    'SET OF 6 VNTG WCKR PICNIC BASKETS',
    'SET OF 6 VINTAGE WICKER PIC. BASKETS',
    'SET OF 6 VINTAGE WICKER PICNIC BA',
    'PICNIC BASKETS VINTAGE WICKER SET OF 6',
  ]) {
    // prettier-ignore
    expect(similarity(readText(text), item, () => 0), text).not.toBeNull()
    expect(
      keysOfQuery('u', readText(text)).some((key) => keys.has(key)),
      text,
    ).toBe(true)
    expect(
      keysOfQuery('other', readText(text)).some((key) => keys.has(key)),
      text,
    ).toBe(false)
  }
})
