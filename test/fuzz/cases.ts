// The records of the fuzz lane. A good part of them is valid, told in every way JSON allows; the rest is damaged.
import fc from 'fast-check'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { currency, eventId, identifier, lineNumber, occurredAt, odd, price, quantity, vendorItem } from './literals.ts'

export type Case = Pick<SourceRecord, 'key' | 'value' | 'headers' | 'timestamp'>

type Member = readonly [name: string, literal: string]
const named = (name: string, literal: fc.Arbitrary<string>) => literal.map((text): Member => [name, text])

const required = fc.tuple(
  named('"eventId"', eventId),
  named('"userId"', identifier),
  named('"invoiceId"', identifier),
  named('"lineNumber"', lineNumber),
  named('"vendorItem"', vendorItem),
  named('"quantity"', quantity),
  named('"unitPrice"', price),
  named('"currency"', currency),
  named('"occurredAt"', occurredAt),
)
const FIELDS = ['v', 'eventId', 'userId', 'invoiceId', 'lineNumber', 'vendorItem', 'quantity', 'unitPrice', 'currency', 'occurredAt'] // prettier-ignore
const unknown = fc.tuple(
  fc.oneof(
    fc.constantFrom('"note"', '"__proto__"', '"constructor"', '""', '"eventid"', '"toString"', '"0"'),
    fc.string({ maxLength: 8 }).map((name) => JSON.stringify(`x${name}`)),
  ),
  odd.filter((literal) => isJson(literal)),
)
const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
const space = fc.constantFrom('', '', ' ', '\n', '\t \r\n')
/** `"sku"` as `"\u0073ku"` is the same name. */
const disguised = (name: string) => `"\\u${name.charCodeAt(1).toString(16).padStart(4, '0')}${name.slice(2)}`

const written = (members: readonly Member[], gap: string, disguise: boolean): string =>
  `{${members.map(([name, literal], at) => `${gap}${disguise && at === 0 ? disguised(name) : name}${gap}:${gap}${literal}`).join(`${gap},`)}${gap}}`

const shuffled = required.chain((members) =>
  fc.shuffledSubarray([...members], { minLength: members.length, maxLength: members.length }),
)

/** Valid, in any order, with unknown fields, version, white space, a byte order mark, fields that a later one overrides. */
const valid: fc.Arbitrary<string> = fc
  .record({
    members: fc.oneof(required, required, shuffled),
    extra: fc.array(unknown, { maxLength: 3 }),
    overridden: fc.option(fc.tuple(fc.constantFrom(...FIELDS.slice(1)), fc.constantFrom('1', '"2"', 'null', '[1e-400]'))),
    gap: space,
    ...{ version: fc.boolean(), mark: fc.boolean(), disguise: fc.boolean() },
  })
  .map(({ members, extra, overridden, gap, version, mark, disguise }) => {
    const before: Member[] = overridden ? [[`"${overridden[0]}"`, overridden[1]]] : []
    const all: Member[] = [...before, ...members, ...extra, ...(version ? [['"v"', '1'] as const] : [])]
    return (mark && gap !== '' ? '\uFEFF' : '') + gap + written(all, gap, disguise) + gap
  }) // prettier-ignore

/** One field replaced, repeated with another value, or left out. */
const oneOdd: fc.Arbitrary<string> = fc
  .tuple(required, fc.constantFrom(...FIELDS), odd, fc.constantFrom('replace', 'replace', 'repeat', 'inside', 'drop'))
  .map(([members, field, literal, how]) => {
    const name = `"${field}"`
    if (how === 'drop') return written(members.filter(([each]) => each !== name), '', false) // prettier-ignore
    if (how === 'repeat') return written([...members, [name, literal]], '', false)
    const put = how === 'inside' && field === 'vendorItem' ? `{"sku":${literal}}` : literal
    const replaced = members.map(([each, old]): Member => [each, each === name ? put : old])
    return written(field === 'v' ? [[name, put], ...replaced] : replaced, '', false)
  })

const bytesOf = (text: fc.Arbitrary<string>) => text.map((each) => Buffer.from(each))

const inserted = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .string({ unit: fc.constantFrom(...'01239.-+eEZTaz ",:{}[]\\u'), maxLength: 4 })
      .map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
)

/** Bytes of a valid event flipped, cut, doubled or put in. */
const edited: fc.Arbitrary<Buffer> = fc
  .tuple(
    bytesOf(valid),
    fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), drop: fc.nat(6), put: inserted, again: fc.nat(20) }), { minLength: 1, maxLength: 3 }),
  )
  .map(([start, edits]) =>
    edits.reduce<Buffer>((bytes, { at, drop, put, again }) => {
      const from = Math.floor(at * bytes.length)
      return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + drop - (again > 15 ? again : 0))])
    }, start),
  ) // prettier-ignore

/** One valid event spliced into another. */
const spliced = fc
  .tuple(bytesOf(valid), bytesOf(valid), fc.nat(400), fc.nat(400))
  .map(([a, b, to, from]) => Buffer.concat([a.subarray(0, to), b.subarray(from)]))

const inOtherEncodings = fc.tuple(valid, fc.constantFrom('utf16le', 'latin1', 'be', 'mark')).map(([text, how]) => {
  if (how === 'be') return Buffer.from(text, 'utf16le').swap16()
  return how === 'mark' ? Buffer.from(`\uFEFF\uFEFF${text}`) : Buffer.from(text, how as BufferEncoding)
})

/** Up to a megabyte of one piece, in the place of a field, as a name, around the event or instead of it. */
const UNITS = [
  ...[' ', '\n', '[', ']', '{', '"', '\\', '\\"', '0', '9', '.', '-', 'e', 'a', 'é', '🪔', '\\u0000', '\\ud800', '\\u0041', ','],
  ...['[],', '{},', '{"":0},', '[[[1]]],', '1,', '1e308,', '0.1234567890123456789,', '"",', '"k":1,', 'null,', 'a ', ' a', '\u0301', '\ufdfa'],
  ...['"eventId":', '2010-12-01T', '+00:00', '{"a":', '00000000-0000-', '//', '\x00', '\x01'],
] // prettier-ignore
const SIZES = [255, 256, 500, 501, 4_000, 65_536, 300_000, 1_048_576]
const large: fc.Arbitrary<Buffer> = fc
  .record({
    members: required,
    ...{ field: fc.constantFrom(...FIELDS, 'x'), unit: fc.constantFrom(...UNITS), size: fc.constantFrom(...SIZES) },
    ...{ how: fc.constantFrom('text', 'text', 'text', 'literal', 'list', 'object', 'keys', 'name', 'around', 'alone') },
    tail: fc.constantFrom('', '\u00e9', ' ', 'x', 'Z'),
  })
  .map(({ members, field, unit, size, how, tail }) => {
    const many = how === 'keys' ? distinctKeys(size) : unit.repeat(Math.floor(size / Buffer.byteLength(unit))) + tail
    if (how === 'alone') return Buffer.from(many)
    if (how === 'around') return Buffer.from(many + written(members, '', false) + many)
    if (how === 'name') return Buffer.from(written([[`"${many}"`, '1'], ...members], '', false))
    const name = `"${field}"`
    const wrapped = { text: `"${many}"`, literal: many, list: `[${many}1]`, object: `{${many}"z":1}`, keys: many }[how]
    const plain = members.filter(([each]) => each !== name)
    if (field === 'vendorItem' && how === 'text') return Buffer.from(written([...plain, [name, `{"sku":${wrapped},"description":"d"}`]], '', false)) // prettier-ignore
    if (field === 'v' && how === 'text') return Buffer.from(written([...plain.filter(([each]) => each !== '"vendorItem"'), ['"vendorItem"', `{"description":${wrapped}}`]], '', false)) // prettier-ignore
    return Buffer.from(written([...plain, [name, wrapped]], '', false))
  })
const distinctKeys = (size: number): string =>
  `[${Array.from({ length: Math.floor(size / 12) }, (_, i) => `{"${i.toString(36)}":0}`).join(',')}]`

const value: fc.Arbitrary<Buffer | null> = fc.oneof(
  { weight: 36, arbitrary: bytesOf(valid) },
  { weight: 24, arbitrary: bytesOf(oneOdd) },
  { weight: 20, arbitrary: edited },
  { weight: 5, arbitrary: spliced },
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 4, arbitrary: fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: inOtherEncodings },
  { weight: 2, arbitrary: bytesOf(odd) },
  { weight: 1, arbitrary: large },
  { weight: 1, arbitrary: fc.constant(null) },
)

const headerName = fc.oneof(
  fc.constantFrom('', 'a', '__proto__', 'constructor', 'toString', 'dlq.id', 'dlq.replay.id', '__connect.errors.topic', '\0'),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('\udcff', 'a\ud800', 'b\udc80\udcc3'),
) // prettier-ignore
const bytes = (maxLength: number) =>
  fc.option(fc.uint8Array({ maxLength }).map((each) => Buffer.from(each)), { freq: 4 }) // prettier-ignore
const MOMENTS = [-1, 0, 1, 1_700_000_000_000, 253_402_300_799_999, 253_402_300_800_000, 8.64e15, 2 ** 63]

export const cases: fc.Arbitrary<Case> = fc.record({
  key: bytes(24),
  value,
  headers: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(headerName, bytes(16)), { maxLength: 6 }) },
  ),
  timestamp: fc.constantFrom(...MOMENTS),
})
