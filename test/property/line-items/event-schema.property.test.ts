// The check by hand (every record) and the zod schema (the words of a no) are two tellings of one rule.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkBySchema, checkEvent, NIL_UUID } from '../../../src/line-items/event-schema.ts'
import { EVENT } from '../../unit/line-items/events.ts'

const ID = '0190A1b2-c3d4-75e6-87f8-0123456789ab'
const SKU = '85123A'
const ids = [ID, ID.toUpperCase(), NIL_UUID, `{${ID}}`, ID.replaceAll('-', ''), ` ${ID}`, `${ID}\n`, `${ID}0`, 'ffffffff-ffff-ffff-ffff-ffffffffffff'] // prettier-ignore
const texts = ['', ' ', 'u-1', ' u', 'u ', 'a b', 'ü', '\0', '\ud800', '\u{1f600}', 'x'.repeat(255), 'x'.repeat(256), '\u{1f600}'.repeat(500), '\u{1f600}'.repeat(501)] // prettier-ignore
const numbers = ['0', '-0', '0.0', '-0.000000', '1', '-1', '+1', '01', '1.', '.5', '1e3', '1.1234567', '999999999999', '1000000000000', 'NaN', 'Infinity', ' 1', '1\n', 0, -0, 1, -1.5, 1e9, 999999999.5, 1e-7, 0.1234567, 2 ** 31 - 1, 2 ** 31, 1.5] // prettier-ignore
const currencies = ['GBP', 'gbp', 'GB', 'GBPX', 'GBP\n', 'ÄBC']
const times = ['2024-02-29T08:26:00Z', '2023-02-29T08:26:00Z', '2010-04-31T00:00:00Z', '2010-12-31T23:59:59.123456789Z', '2010-12-01T24:00:00Z', '2010-12-01T08:26:60Z', '2010-12-01T08:26Z', '2010-12-01T08:26:00', '2010-12-01T08:26:00z', '2010-12-01T08:26:00+01:00', '2010-12-01T08:26:00+0100', '2010-12-01T08:26:00+25:00', '2010-12-01 08:26:00Z', '2010-12-01T08:26:00.Z', '+2010-12-01T08:26:00Z'] // prettier-ignore
const objects = [{}, [], null, [SKU], { sku: null }, { sku: SKU }, { description: 'A' }, { sku: null, description: null, more: 1 }, { sku: ['S'] }, { sku: 5, description: 'A' }, { sku: SKU, description: {} }] // prettier-ignore
const pool = [...ids, ...texts, ...numbers, ...currencies, ...times, ...objects, true, false, null, undefined]

const value = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pool) }, { weight: 1, arbitrary: fc.jsonValue() })
/** Most of the time what fits the field: changes elsewhere would be covered up by its no. */
const FITTING: Record<string, readonly unknown[]> = {
  ...{ v: [1, undefined, 2, '1'], eventId: ids, userId: texts, invoiceId: texts, lineNumber: [1, 2 ** 31 - 1, 2 ** 31, 0, 1.5, '1'] },
  ...{ vendorItem: objects, quantity: numbers, unitPrice: numbers, currency: currencies, occurredAt: times },
} // prettier-ignore
const change = fc.constantFrom(...Object.keys(FITTING), 'extra', '__proto__').chain((name) => {
  const fitting = Object.hasOwn(FITTING, name) ? FITTING[name] : undefined
  const values = fitting ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...fitting) }, { weight: 1, arbitrary: value }) : value // prettier-ignore
  return values.map((each) => [name, each] as const)
})
const vendorChange = fc.tuple(
  fc.constantFrom('sku', 'description', 'other'),
  fc.oneof(fc.constantFrom(...texts), value),
)

it('says of every event what the schema says of it', () => {
  const told = { yes: 0, no: 0 }
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), fc.array(vendorChange, { maxLength: 2 }), (changes, ofVendor) => {
      const fields: Record<string, unknown> = { ...EVENT, vendorItem: { ...EVENT.vendorItem, ...Object.fromEntries(ofVendor) } } // prettier-ignore
      for (const [name, each] of changes) Object.defineProperty(fields, name, { value: each, enumerable: true, configurable: true }) // prettier-ignore
      const bySchema = checkBySchema(fields)
      const byHand = checkEvent(fields)
      if (bySchema.ok && byHand.ok) {
        told.yes += 1
        expect(byHand.unknownFields).toBe(bySchema.unknownFields)
        expect(byHand.event).toMatchObject(bySchema.event)
      } else {
        told.no += 1
        expect(byHand).toEqual(bySchema)
      }
    }),
    { numRuns: 20_000 },
  )
  expect(told.yes).toBeGreaterThan(2_000)
  expect(told.no).toBeGreaterThan(2_000)
})

it('says the same of anything else', () => {
  fc.assert(
    fc.property(fc.oneof(value, fc.anything()), (each) => {
      expect(checkEvent(each)).toEqual(checkBySchema(each))
    }),
  )
})
