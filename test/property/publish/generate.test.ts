import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDecode } from '../../../src/line-items/decode.ts'
import { generateEvents, type GenerateOptions } from '../../../src/publish/generate.ts'

const decode = createDecode({ now: () => Date.UTC(2026, 0, 1) })
const all = (options: GenerateOptions) => [...generateEvents(options)]

/** Kinds and bytes; comparing the objects takes a minute. */
const text = (options: GenerateOptions): string =>
  all(options)
    .map(({ kind, key, value }) => `${kind} ${String(key)} ${value?.toString('latin1') ?? 'null'}`)
    .join('\n')

/** What an honest consumer makes of the records, by decode and a map of what it has seen. */
const judge = (options: GenerateOptions) => {
  const seen = new Map<string, string>()
  return all(options).map((record) => {
    const decoded = decode({ value: record.value })
    if (decoded.kind === 'ignored') return { record, verdict: 'tombstone' }
    if (decoded.kind === 'rejected') return { record, verdict: `bad ${decoded.fault.code}` }
    const { eventId, userId, payloadHash } = decoded.lineItem
    const id = `${userId} ${eventId}`
    const hash = payloadHash.toString('hex')
    const before = seen.get(id)
    if (before === undefined) seen.set(id, hash)
    return { record, verdict: before === undefined ? 'valid' : before === hash ? 'duplicate' : 'conflict' }
  })
}

const count = fc.integer({ min: 1, max: 3_000 })
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 })

describe('the generator', () => {
  test('says of every record what the consumer will find', () => {
    fc.assert(
      fc.property(count, seed, (records, random) => {
        for (const { record, verdict } of judge({ count: records, seed: random }))
          expect(verdict).toBe(record.kind === 'bad' ? `bad ${record.code}` : record.kind)
      }),
      { numRuns: 30 },
    )
  })

  test('gives exactly `count` records, and the same ones for the same options', () => {
    fc.assert(
      fc.property(count, seed, (records, random) => {
        const options = { count: records, seed: random }
        expect(all(options)).toHaveLength(records)
        expect(text(options)).toBe(text(options))
      }),
      { numRuns: 15 },
    )
  })

  test('with one seed never contradicts itself, whatever else is asked for', () => {
    const users = fc.integer({ min: 1, max: 20 })
    const invoices = fc.integer({ min: 1, max: 100 })
    fc.assert(
      fc.property(seed, users, invoices, (random, manyUsers, manyInvoices) => {
        const events = new Map<string, string>()
        const runs = [
          all({ count: 500, seed: random }),
          all({ count: 900, seed: random, users: manyUsers, invoices: manyInvoices }),
        ]
        for (const record of runs.flat()) {
          if (record.kind !== 'valid') continue
          const text = String(record.value)
          expect(events.get(record.event.eventId) ?? text).toBe(text)
          events.set(record.event.eventId, text)
        }
      }),
      { numRuns: 15 },
    )
  })

  test('looks like retail: thousands of invoices, several users, returns, fractions, variants, and the handful that must fail', () => {
    const records = all({ count: 100_000, seed: 7 })
    const of = (kind: string) => records.filter((record) => record.kind === kind)
    const valid = records.flatMap((record) => (record.kind === 'valid' ? [record.event] : []))
    expect(of('bad')).toHaveLength(20)
    expect(new Set(of('bad').map((record) => record.kind === 'bad' && record.code)).size).toBe(10)
    expect([of('tombstone').length, of('conflict').length]).toEqual([2, 2])
    expect(of('duplicate').length).toBeGreaterThan(1_000)
    expect(new Set(valid.map(({ invoiceId }) => invoiceId)).size).toBeGreaterThan(2_000)
    expect(new Set(valid.map(({ userId }) => userId)).size).toBe(8)
    expect(valid.filter(({ quantity }) => quantity.startsWith('-')).length).toBeGreaterThan(1_000)
    expect(valid.some(({ quantity }) => /\.\d{6}$/.test(quantity))).toBe(true)
    expect(valid.some(({ vendorItem }) => vendorItem.sku === undefined)).toBe(true)
    const spellings = new Set(
      valid.flatMap(({ vendorItem }) => (vendorItem.sku === '20000A' ? (vendorItem.description ?? []) : [])),
    )
    expect(spellings.size).toBeGreaterThan(1)
  })
})
