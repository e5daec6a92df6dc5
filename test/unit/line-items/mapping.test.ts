import { describe, expect, it } from 'vitest'
import { createMatcher } from '../../../src/line-items/matcher.ts'
import { decideMappings, type KnownItem, type MappableLine, userKey } from '../../../src/line-items/mapping.ts'

const line = (sku: string | null, description: string | null, userId = 'u-1'): MappableLine => ({
  userId,
  sku,
  description,
})
const known = (entries: Record<string, KnownItem>) =>
  new Map(Object.entries(entries).map(([key, item]) => [userKey('u-1', key), item]))
const fresh = (index: number) => ({ kind: 'new', index })
const stored = (itemId: bigint) => ({ kind: 'known', itemId })

describe('mapping a line', () => {
  it('goes by the sku, whatever the description says, and learns nothing from it', () => {
    const items = known({ 'sku:A': { itemId: 7n, sku: 'A' }, 'text:lamp': { itemId: 8n, sku: 'B' } })
    const decided = decideMappings([line('A', 'Lamp'), line('A', 'damaged')], items)
    expect(decided).toEqual({ assignments: [stored(7n), stored(7n)], newItems: [], newMappings: [], skuAdoptions: [] })
  })
  it('without a sku goes by the description, in any spelling', () => {
    const decided = decideMappings([line(null, ' LAMP!')], known({ 'text:lamp': { itemId: 8n, sku: 'B' } }))
    expect(decided.assignments).toEqual([stored(8n)])
    expect(decided.newMappings).toEqual([])
  })
  it('creates an item with both its keys', () => {
    expect(decideMappings([line('A', ' Lamp ')], new Map())).toEqual({
      assignments: [fresh(0)],
      newItems: [{ userId: 'u-1', sku: 'A', name: 'Lamp' }],
      newMappings: [
        { userId: 'u-1', vendorKey: 'sku:A', item: fresh(0), method: 'created', score: null, sourceText: 'A' },
        { userId: 'u-1', vendorKey: 'text:lamp', item: fresh(0), method: 'created', score: null, sourceText: ' Lamp ' },
      ],
      skuAdoptions: [],
    })
  })
  it('names an item after its sku when there is no description, and maps no text that names nothing', () => {
    const decided = decideMappings([line('A', null), line('B', '?')], new Map())
    expect(decided.newItems.map((item) => item.name)).toEqual(['A', '?'])
    expect(decided.newMappings.map((mapping) => mapping.vendorKey)).toEqual(['sku:A', 'sku:B'])
  })
  it('keeps two skus with one description apart; the text stays with the first', () => {
    const decided = decideMappings(
      [line('A', 'Lamp'), line('B', 'Lamp'), line(null, 'lamp'), line('B', null)],
      new Map(),
    )
    expect(decided.assignments).toEqual([fresh(0), fresh(1), fresh(0), fresh(1)])
    expect(decided.newMappings.map((mapping) => mapping.vendorKey)).toEqual(['sku:A', 'text:lamp', 'sku:B'])
  })
  it('gives its sku to an item that was known by description only, once', () => {
    const items = known({ 'text:lamp': { itemId: 8n, sku: null }, 'text:old lamp': { itemId: 8n, sku: null } })
    const decided = decideMappings([line('A', 'Lamp'), line('B', 'Old lamp'), line('A', null)], items)
    expect(decided.assignments).toEqual([stored(8n), fresh(0), stored(8n)])
    expect(decided.skuAdoptions).toEqual([{ itemId: 8n, sku: 'A' }])
    expect(decided.newMappings.map(({ vendorKey, method }) => `${vendorKey} ${method}`)).toEqual([
      'sku:A exact',
      'sku:B created',
    ])
  })
  it('sees what the line before it created, adoption included', () => {
    const decided = decideMappings([line(null, 'Lamp'), line('A', 'Lamp'), line('B', 'Lamp')], new Map())
    expect(decided.assignments).toEqual([fresh(0), fresh(0), fresh(1)])
    expect(decided.newItems.map((item) => item.sku)).toEqual(['A', 'B'])
    expect(decided.skuAdoptions).toEqual([])
  })
  const red = { userId: 'u-1', vendorKey: 'text:red table lamp', text: 'Red table lamp' }
  const withRed = (sku: string | null) => ({
    items: known({ 'text:red table lamp': { itemId: 7n, sku } }),
    asked: () => ({ matcher: createMatcher([red]) }),
  })
  it('takes the item of nearly the same text where no key is known, keeps the score, and never merges two skus by it', () => {
    const { items, asked } = withRed('A')
    const similar = decideMappings([line(null, 'red tabel lamp')], items, asked())
    expect(similar.assignments).toEqual([stored(7n)])
    expect(similar.newMappings).toMatchObject([{ vendorKey: 'text:red tabel lamp', method: 'fuzzy', score: 0.94 }])
    const other = decideMappings([line('B', 'red tabel lamp')], items, asked())
    expect(other.assignments).toEqual([fresh(0)])
    expect(other.newMappings.map(({ method }) => method)).toEqual(['created', 'created'])
    const adopted = decideMappings([line('B', 'red tabel lamp')], withRed(null).items, asked())
    expect(adopted.skuAdoptions).toEqual([{ itemId: 7n, sku: 'B' }])
  })
  it('finds nearly the same text of a line before it, and nothing by a text that only joined an item', () => {
    const decided = decideMappings(
      [line(null, 'Red table lamp'), line(null, 'Red tabel lamp'), line(null, 'Red tabell lamp')],
      new Map(),
    )
    expect(decided.assignments).toEqual([fresh(0), fresh(0), fresh(1)])
    expect(decided.newMappings.map(({ method }) => method)).toEqual(['created', 'fuzzy', 'created'])
  })
  it('makes a new item, with the score of the nearest, or none when two are as near', () => {
    const lines = [line(null, 'Red cat bowl'), line(null, 'Red bat bowl'), line(null, 'Red qat bowl')]
    const created = decideMappings(lines, new Map())
    expect(created.assignments).toEqual([fresh(0), fresh(1), fresh(2)])
    expect(created.newMappings.map(({ score }) => score)).toEqual([null, null, 0.94])
    const left = decideMappings(lines, new Map(), { ambiguous: 'dead-letter' })
    expect(left.assignments).toEqual([fresh(0), fresh(1), { kind: 'ambiguous' }])
    expect(left.newMappings).toHaveLength(2)
    expect(decideMappings([...lines.slice(0, 2), line('A', 'Red qat bowl')], new Map(), { ambiguous: 'dead-letter' }).assignments[2]).toEqual(fresh(2)) // prettier-ignore
  })
  it('does not compare texts of which only a hash is kept', () => {
    const long = 'ありがとう '.repeat(75)
    const decided = decideMappings([line(null, `${long}lamp`), line(null, `${long}lamps`)], new Map())
    expect(decided.assignments).toEqual([fresh(0), fresh(1)])
  })

  it('never crosses users', () => {
    const decided = decideMappings(
      [line('A', 'Lamp'), line('A', 'Lamp', 'u-2')],
      known({ 'sku:A': { itemId: 7n, sku: 'A' } }),
    )
    expect(decided.assignments).toEqual([stored(7n), fresh(0)])
    expect(decided.newItems[0]?.userId).toBe('u-2')
  })
})
