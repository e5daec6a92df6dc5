import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromMicros, toMicros } from '../../../src/line-items/decimal.ts'
import { createDecode } from '../../../src/line-items/decode.ts'
import { FAULT_CODES } from '../../../src/line-items/fault.ts'
import type { LineItem } from '../../../src/line-items/line-item.ts'
import { vendorKeysOf } from '../../../src/line-items/vendor-key.ts'
import { bytesOf, EVENT, NOW } from '../../unit/line-items/events.ts'

const decode = createDecode({ now: () => NOW })
const lineOf = (changes: Record<string, unknown>): LineItem => {
  const decoded = decode({ value: bytesOf(changes) })
  if (decoded.kind !== 'line-item') throw new Error(JSON.stringify(decoded))
  return decoded.lineItem
}

/** Decoding gives an outcome of the union and a code of the table, without throwing; true = accepted. */
const judge = (value: Buffer): boolean => {
  const before = Buffer.from(value)
  const decoded = decode({ value })
  expect(value.equals(before)).toBe(true)
  if (decoded.kind === 'rejected') expect(FAULT_CODES).toContain(decoded.fault.code)
  return decoded.kind === 'line-item'
}

it('arbitrary bytes never throw and are never accepted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(judge(Buffer.from(bytes))).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

it('arbitrary JSON in the place of any field never throws', () => {
  const field = fc.constantFrom('v', 'extra', '__proto__', ...Object.keys(EVENT))
  fc.assert(
    fc.property(field, fc.jsonValue(), (name, value) => {
      judge(Buffer.from(JSON.stringify({ ...EVENT, [name]: value })))
    }),
    { numRuns: 2000 },
  )
})

it('a valid event with bytes changed, cut or put in never throws, and what is accepted has canonical fields', () => {
  const valid = bytesOf({ quantity: 6.5 })
  const edit = fc.record({ at: fc.nat(valid.length), drop: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) })
  let accepted = 0
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const value = edits.reduce<Buffer>(
        (bytes, { at, drop, put }) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)]),
        valid,
      )
      const decoded = decode({ value })
      if (decoded.kind !== 'line-item') return
      accepted++
      const { eventId, quantity, unitPrice, occurredAt, payloadHash } = decoded.lineItem
      expect(eventId).toBe(eventId.toLowerCase())
      expect(fromMicros(toMicros(quantity))).toBe(quantity)
      expect(quantity).not.toBe('0')
      expect(fromMicros(toMicros(unitPrice))).toBe(unitPrice)
      expect(new Date(occurredAt).toISOString()).toBe(occurredAt)
      expect(payloadHash).toHaveLength(16)
      expect(vendorKeysOf(decoded.lineItem).length).toBeGreaterThan(0)
    }),
    { numRuns: 5000 },
  )
  expect(accepted).toBeGreaterThan(50)
})

const decimal = fc
  .tuple(fc.bigInt(-(10n ** 18n) + 1n, 10n ** 18n - 1n))
  .map(([micros]) => micros)
  .filter((micros) => micros !== 0n)
const description = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 200 })
  .map((text) => text.replaceAll('\0', ''))
  .filter((text) => text.trim() !== '')
const identifier = fc.stringMatching(/^[\x21-\x7e]{1,60}$/)
const instant = fc.date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date(NOW), noInvalidDate: true })

const sent = fc.record({
  eventId: fc.uuid(),
  userId: identifier,
  invoiceId: identifier,
  lineNumber: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  vendorItem: fc.record({ sku: identifier, description }),
  quantity: decimal.map(fromMicros),
  unitPrice: decimal.map(fromMicros),
  currency: fc.stringMatching(/^[A-Z]{3}$/),
  occurredAt: instant.map((date) => date.toISOString()),
})

it('an accepted event comes back field by field, and decoding what came back gives the same line', () => {
  fc.assert(
    fc.property(sent, (event) => {
      const { payloadHash, sku, description: text, ...line } = lineOf(event)
      expect({ ...line, vendorItem: { sku, description: text } }).toEqual(event)
      expect(lineOf({ ...line, vendorItem: { sku, description: text } }).payloadHash).toEqual(payloadHash)
    }),
    { numRuns: 1000 },
  )
})

/** The same fact in other words: padded decimals, upper-case id, another zone. */
const retold = (event: { eventId: string; quantity: string; occurredAt: string }, hours: number) => {
  const sign = hours < 0 ? '-' : '+'
  const shifted = new Date(Date.parse(event.occurredAt) + hours * 3_600_000).toISOString().slice(0, -1)
  const padded = event.quantity.includes('.')
    ? event.quantity.padEnd(event.quantity.indexOf('.') + 7, '0')
    : `${event.quantity}.000`
  return {
    eventId: event.eventId.toUpperCase(),
    quantity: padded,
    occurredAt: `${shifted}${sign}${String(Math.abs(hours)).padStart(2, '0')}:00`,
  }
}

it('the hash stays when the same fact is told in other words', () => {
  fc.assert(
    fc.property(sent, fc.integer({ min: -14, max: 14 }), (event, hours) => {
      expect(lineOf({ ...event, ...retold(event, hours), v: 1, more: true }).payloadHash).toEqual(
        lineOf(event).payloadHash,
      )
    }),
    { numRuns: 500 },
  )
})

it('the hash is equal if and only if all canonical fields are', () => {
  const fields = Object.keys(EVENT) as (keyof typeof EVENT)[]
  fc.assert(
    fc.property(sent, sent, fc.subarray(fields), (one, other, taken) => {
      const mixed = { ...one, ...Object.fromEntries(taken.map((name) => [name, other[name]])) }
      const { payloadHash: left, ...a } = lineOf(one)
      const { payloadHash: right, ...b } = lineOf(mixed)
      expect(left.equals(right)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
    { numRuns: 1000 },
  )
})
