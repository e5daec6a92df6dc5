import { describe, expect, test } from 'vitest'
import { eventId } from '../../../src/publish/event-id.ts'
import { jsonRows, ndjsonRows, rawRows } from '../../../src/publish/ndjson.ts'
import { check, collect, eventFields, fault, json, pieces, text } from './read-rows.ts'

const OWN = 'e5527cad-35a9-5fff-8435-7ecd8b1943ae'
const ndjson = (input: string | Buffer, defaults = {}) => collect(ndjsonRows(pieces(input), { check, defaults }))
const whole = (input: string, defaults = {}) => collect(jsonRows(pieces(input), { check, defaults }))

describe('an NDJSON line', () => {
  test('that is a full event is published byte for byte, with its own id', async () => {
    const line = `{ "eventId":"${OWN}","note":1e3, ${JSON.stringify({ ...eventFields, quantity: 2.5 }).slice(1)}`
    const [row] = await ndjson(`${line}\r\n`)
    expect(text(row)).toBe(line)
  })

  test('without an id gets the id of its user, invoice and line, and keeps the text of its numbers', async () => {
    const line = JSON.stringify(eventFields).replace('"2.5"', '2.50')
    const [row] = await ndjson(line)
    expect(json(row)['eventId']).toBe(eventId('u-1', 'i-1', 1))
    expect(text(row)).toContain('"quantity":2.50,')
  })

  test('without a user takes --user, also into its id', async () => {
    const { userId: _, ...rest } = eventFields
    const [row] = await ndjson(JSON.stringify(rest), { userId: 'u-9' })
    expect(json(row)).toMatchObject({ userId: 'u-9', eventId: eventId('u-9', 'i-1', 1) })
  })

  test('that is broken is a fault with its line number, and its neighbours are published', async () => {
    const good = JSON.stringify(eventFields)
    const bad = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')])
    const rows = await ndjson(Buffer.concat([Buffer.from(`${good}\n{"a":\n\n`), bad, Buffer.from(`7\n${good}`)]))
    expect(rows.map(fault)).toEqual([
      'no fault',
      '2 JSON_INVALID',
      '4 ENCODING_INVALID',
      '5 SCHEMA_INVALID',
      'no fault',
    ])
  })

  test('that the consumer would refuse is a fault with the code and path of the consumer', async () => {
    const spoiled = [
      { quantity: '0' },
      { quantity: '1.0000001' },
      { currency: 'gbp' },
      { vendorItem: {} },
      { occurredAt: '2026-02-30T00:00:00Z' },
      { eventId: 'x' },
    ]
    const rows = await ndjson(spoiled.map((change) => JSON.stringify({ ...eventFields, ...change })).join('\n'))
    expect(rows.map(fault)).toEqual([
      '1 /quantity QUANTITY_ZERO',
      '2 /quantity NUMERIC_SCALE',
      '3 /currency CURRENCY_INVALID',
      '4 /vendorItem VENDOR_ITEM_EMPTY',
      '5 /occurredAt TIMESTAMP_INVALID',
      '6 /eventId EVENT_ID_INVALID',
    ])
  })

  test('without an id of its own that lacks a field of its identity is told which', async () => {
    const without = (field: string) => JSON.stringify({ ...eventFields, [field]: undefined })
    const wrong = JSON.stringify({ ...eventFields, lineNumber: '1' })
    const rows = await ndjson([without('userId'), without('invoiceId'), without('lineNumber'), wrong].join('\n'))
    expect(rows.map(text)).toEqual([
      'FAULT SCHEMA_INVALID: no userId (--user gives one)',
      'FAULT SCHEMA_INVALID: no invoiceId',
      'FAULT SCHEMA_INVALID: no lineNumber',
      'FAULT SCHEMA_INVALID: lineNumber is not a whole number',
    ])
    expect(rows.map((row) => 'fault' in row && row.at)).toEqual(['/userId', '/invoiceId', '/lineNumber', '/lineNumber'])
    const version = JSON.stringify({ ...eventFields, lineNumber: undefined, v: 99 })
    expect((await ndjson(version)).map(fault)).toEqual(['1 /v VERSION_UNSUPPORTED'])
  })

  test('whose fault an option would mend says which option', async () => {
    const rows = await ndjson(
      [{ currency: undefined }, { unitPrice: '2,55' }, { currency: 'gbp' }]
        .map((change) => JSON.stringify({ ...eventFields, ...change }))
        .join('\n'),
    )
    expect(text(rows[0])).toContain('(--currency gives one)')
    expect(text(rows[1])).toMatch(/NUMERIC_INVALID.*"2.55" with a point/)
    expect(text(rows[2])).not.toContain('--currency')
  })

  test('that is an empty list does not vanish', async () => {
    expect((await ndjson(`[]\n[[]]\n${JSON.stringify(eventFields)}`)).map(fault)).toEqual([
      '1 SCHEMA_INVALID',
      '2 /0 SCHEMA_INVALID',
      'no fault',
    ])
    expect((await ndjson('[]')).map(text)).toEqual(['FAULT SCHEMA_INVALID: the list is empty'])
    expect((await whole('[]')).map(fault)).toEqual(['1 SCHEMA_INVALID'])
  })

  test('that is too long or too deep is a fault', async () => {
    const long = JSON.stringify({ ...eventFields, note: 'x'.repeat(1_000_000) })
    const rows = await collect(ndjsonRows(pieces(`${long}\n${'['.repeat(20_000)}\n`, 65_536), { check, defaults: {} }))
    expect(rows.map(fault)).toEqual(['1 RECORD_TOO_LARGE', '2 JSON_TOO_DEEP'])
  })

  test('that the consumer would refuse for its text is a fault: too many parts, a number that a double rounds', async () => {
    const lines = [
      JSON.stringify({ ...eventFields, note: Array.from({ length: 10_001 }, () => 0) }),
      JSON.stringify({ ...eventFields, unitPrice: '@@' }).replace('"@@"', '1e-400'),
      JSON.stringify({ ...eventFields, quantity: '@@' }).replace('"@@"', '0.1000000000000000055'),
      JSON.stringify({ ...eventFields, quantity: '@@' }).replace('"@@"', '15e-1'),
    ]
    const faults = (await ndjson(lines.join('\n'))).map(fault)
    expect(faults).toEqual(['1 JSON_TOO_LARGE', '2 /unitPrice NUMERIC_SCALE', '3 /quantity NUMERIC_SCALE', 'no fault'])
  })
})

describe('an invoice document', () => {
  const { lineNumber: _, userId, invoiceId, currency, occurredAt, ...item } = eventFields
  const invoice = {
    userId,
    invoiceId,
    currency,
    occurredAt,
    lineItems: [item, { ...item, quantity: -3, unitPrice: 2.55 }],
  }

  test('becomes one event for each line item, numbered from 1, decimals as text', async () => {
    const rows = await ndjson(JSON.stringify(invoice))
    expect(rows.map(json)).toEqual([
      { ...eventFields, eventId: eventId('u-1', 'i-1', 1) },
      { ...eventFields, eventId: eventId('u-1', 'i-1', 2), lineNumber: 2, quantity: '-3', unitPrice: '2.55' },
    ])
    expect(rows.map((row) => 'record' in row && String(row.record.key))).toEqual(['i-1', 'i-1'])
  })

  test('may be pretty-printed, in a list, in a .json file; faults name the document and the line item', async () => {
    const broken = { ...invoice, lineItems: [{ ...item, quantity: '0' }, item, 'x'] }
    const rows = await whole(JSON.stringify([invoice, broken], null, 2))
    expect(rows.map(fault)).toEqual([
      'no fault',
      'no fault',
      '2 /lineItems/0/quantity QUANTITY_ZERO',
      'no fault',
      '2 /lineItems/2 SCHEMA_INVALID',
    ])
  })

  test('without line items, or with one of no whole line number, is a fault that says so', async () => {
    const rows = await ndjson(
      [[], [{ ...item, lineNumber: 'two' }], [{ ...item, quantity: '2,5' }]]
        .map((lineItems) => JSON.stringify({ ...invoice, lineItems }))
        .join('\n'),
    )
    expect(rows.map(fault)).toEqual([
      '1 /lineItems SCHEMA_INVALID',
      '2 /lineItems/0/lineNumber SCHEMA_INVALID',
      '3 /lineItems/0/quantity NUMERIC_INVALID',
    ])
    expect(text(rows[0])).toContain('the list is empty')
  })

  test('that uses a line number twice loses no line in silence', async () => {
    const rows = await ndjson(JSON.stringify({ ...invoice, lineItems: [{ ...item, lineNumber: 2 }, item] }))
    expect(rows.map(fault)).toEqual(['no fault', '1 /lineItems/1 SCHEMA_INVALID'])
  })

  test('with a number of more digits than JSON carries is refused, not rounded', async () => {
    const exact = JSON.stringify(invoice).replace('2.55', '2.5500000000000000001')
    expect((await ndjson(exact)).map(fault)).toEqual(['1 NUMERIC_SCALE'])
    const inText = JSON.stringify({ ...invoice, invoiceId: '12345678901234567890' })
    expect((await ndjson(inText)).map(fault)).toEqual(['no fault', 'no fault'])
  })
})

test('NDJSON under the name .json is read as NDJSON, and a broken document is a fault of the file', async () => {
  const line = JSON.stringify(eventFields)
  expect(await whole(`${line}\n${line}\n`)).toHaveLength(2)
  await expect(whole('{\n"a": 1,\n')).rejects.toMatchObject({ name: 'FileFault', line: 1 })
})

test('raw lines are published as they are, but for empty ones, with the invoice as key where it can be read', async () => {
  const rows = await collect(rawRows(pieces('{"invoiceId":"i-7","x":\u00e9\n{"invoiceId":"i-7"}\n\nend')))
  expect(rows.map(text)).toEqual(['{"invoiceId":"i-7","x":\u00e9', '{"invoiceId":"i-7"}', 'end'])
  expect(rows.map((row) => 'record' in row && row.record.key && String(row.record.key))).toEqual([null, 'i-7', null])
})
