import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/lib/operator-error.ts'
import { parseColumnOption, type Field } from '../../../src/publish/csv-columns.ts'
import { csvRows, type CsvOptions } from '../../../src/publish/csv.ts'
import { eventId } from '../../../src/publish/event-id.ts'
import { FileFault, type Row } from '../../../src/publish/row.ts'
import { check, collect, fault, json, pieces, text } from './read-rows.ts'

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const retail = [
  'invoiceId=InvoiceNo',
  'sku=StockCode',
  'description=Description',
  'quantity=Quantity',
  'unitPrice=UnitPrice',
]
  .concat('occurredAt=InvoiceDate')
  .reduce<Map<Field, string> | undefined>((columns, option) => parseColumnOption(option, columns), undefined)

const options = (change: Partial<CsvOptions> = {}): CsvOptions => ({
  check,
  defaults: { userId: 'u-1', currency: 'GBP' },
  columns: retail ?? new Map(),
  date: { timeZone: 'UTC' },
  delimiter: ',',
  encoding: 'utf8',
  decimalComma: false,
  ...change,
})
const read = (text: string | Buffer, change: Partial<CsvOptions> = {}, size = 5) =>
  collect(csvRows(pieces(text, size), options(change)))

describe('a CSV file', () => {
  test('with the columns of the retail file becomes events, lines counted per invoice', async () => {
    const rows = await read(
      `\ufeff${HEADER}\r\nA1,10,CUP ,6,2010-12-01 08:26:00,2.55,17850.0,UK\r\nA2,11,"6"" MUG, RED",-1,2010-12-01 08:26:00,0.0,,UK\r\nA1,BANK CHARGES,,2,2010-12-01 08:27:00,1,,UK`,
    )
    expect(rows.map(json)).toEqual([
      {
        eventId: eventId('u-1', 'A1', 1),
        userId: 'u-1',
        invoiceId: 'A1',
        lineNumber: 1,
        vendorItem: { sku: '10', description: 'CUP ' },
        quantity: '6',
        unitPrice: '2.55',
        currency: 'GBP',
        occurredAt: '2010-12-01T08:26:00Z',
      },
      expect.objectContaining({ lineNumber: 1, vendorItem: { sku: '11', description: '6" MUG, RED' }, quantity: '-1' }),
      expect.objectContaining({ lineNumber: 2, vendorItem: { sku: 'BANK CHARGES' } }),
    ])
  })

  test('lists each fault with its line, and a refused line still counts, so that mending it moves no other id', async () => {
    const tail = '2010-12-01 08:26:00,1,,UK'
    const lines = [
      `A1,10,"TWO\nLINES",1,${tail}`,
      `A1,11,X,0,${tail}`,
      '',
      'A1,12,X',
      `A1,13,X,1,soon,1,,UK`,
      `A1,14,X,1,${tail}`,
    ]
    const rows = await read([HEADER, ...lines].join('\n'))
    expect(rows.map(fault)).toEqual([
      'no fault',
      '4 /quantity QUANTITY_ZERO',
      '6 SCHEMA_INVALID',
      '7 /occurredAt TIMESTAMP_INVALID',
      'no fault',
    ])
    expect(json(rows[4])['lineNumber']).toBe(5)
  })

  test('takes other delimiters, decimal commas, date formats and time zones', async () => {
    const [row] = await read('invoiceId;sku;quantity;unitPrice;occurredAt\nA1;10;1,5;2,55;1.7.2026 9:30', {
      columns: new Map(),
      delimiter: ';',
      decimalComma: true,
      date: { timeZone: 'Europe/Berlin', format: 'd.M.yyyy H:mm' },
    })
    expect(json(row)).toMatchObject({ quantity: '1.5', unitPrice: '2.55', occurredAt: '2026-07-01T07:30:00Z' })
  })

  test('tells which option would mend a row', async () => {
    const row = (price: string, date: string) => `${HEADER}\nA1,10,X,1,${date},${price},,UK`
    const hinted = async (line: string, change: Partial<CsvOptions> = {}) => text((await read(line, change))[0])
    const date = '2010-12-01 08:26:00'
    expect(await hinted(row('"2,55"', date))).toContain('--decimal-comma')
    expect(await hinted(row('2x', date))).not.toContain('--decimal-comma')
    expect(await hinted(row('2.55', '12/1/2010 8:26'))).toContain("--date-format 'd/M/yyyy H:mm'")
    const format = 'd.M.yyyy'
    expect(await hinted(row('2.55', '1/2'), { date: { timeZone: 'UTC', format } })).toContain(`of the form ${format}`)
    const inFile = `${HEADER},currency\nA1,10,X,1,${date},2.55,,UK,`
    expect(await hinted(inFile, { defaults: { userId: 'u-1' } })).toContain('(--currency gives one)')
  })

  test('in another encoding is a fault of the row, until the encoding is given', async () => {
    const latin1 = Buffer.from(`${HEADER}\nA1,10,CAF\u00c9,1,2010-12-01 08:26:00,1,,UK\n`, 'latin1')
    expect((await read(latin1)).map(fault)).toEqual(['2 ENCODING_INVALID'])
    expect(json((await read(latin1, { encoding: 'latin1' }))[0])['vendorItem']).toEqual({
      sku: '10',
      description: 'CAF\u00c9',
    })
  })

  test('a quote in a field without quotes is text; one that never closes ends the file after the rows before it', async () => {
    const row = (description: string) => `A1,10,${description},1,2010-12-01 08:26:00,1,,UK\n`
    expect((await read(`${HEADER}\n${row('5" NAIL')}`)).map(fault)).toEqual(['no fault'])
    const before: Row[] = []
    const broken = async () => {
      for await (const rows of csvRows(pieces(`${HEADER}\n${row('CUP')}${row('"OPEN')}${row('CUP')}`), options()))
        before.push(...rows)
    }
    await expect(broken()).rejects.toMatchObject({ name: 'FileFault', line: 3 })
    expect(before.map(fault)).toEqual(['no fault'])
  })
})

test('a --column that names no column, or a field without one, is told with the columns of the file', async () => {
  const wrong = read(`${HEADER}\nx`, { columns: new Map([['sku', 'Nope'] as const]) })
  await expect(wrong).rejects.toThrow(OperatorError)
  await expect(wrong).rejects.toMatchObject({
    exitCode: 2,
    remedy: expect.stringContaining('InvoiceNo, StockCode') as string,
  })
  await expect(read(HEADER, { columns: new Map() })).rejects.toThrow('no column for invoiceId')
  const unknown = () => parseColumnOption('foo=Invoice')
  expect(unknown).toThrow(
    expect.objectContaining({ remedy: expect.stringMatching(/^fields are eventId, userId/) as string }),
  )
  expect(unknown).toThrow('unknown field foo')
  for (const text of ['sku', '=Sku', 'sku=']) expect(() => parseColumnOption(text)).toThrow('FIELD=COLUMN')
})

test('all that a header lacks is told at once', async () => {
  const columns = new Map([['sku', 'Nope'] as const, ['invoiceId', 'Neither'] as const])
  await expect(read(`quantity,${'x'.repeat(1_000)}\n`, { columns })).rejects.toMatchObject({
    message:
      'the file has no column Neither (--column invoiceId=Neither), Nope (--column sku=Nope); no column for unitPrice, occurredAt',
    remedy: expect.stringMatching(/^.{0,320}$/) as string,
  })
})

test('a header in one column tells the delimiter it seems to have', async () => {
  const remedy = async (header: string, delimiter = ',') =>
    read(header, { columns: new Map(), delimiter }).catch((error: OperatorError) => error.remedy)
  expect(await remedy('invoiceId;sku;quantity')).toMatch(/^try --delimiter ';'/)
  expect(await remedy('invoiceId\tsku\tquantity')).toMatch(/^try --delimiter '\\t'/)
  expect(await remedy('invoiceId,sku', ';')).toMatch(/^try --delimiter ','/)
  expect(await remedy('invoiceId')).toMatch(/^map each/)
})

test('bytes of a binary file never reach the terminal', async () => {
  const binary = read(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 0, 0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0a, 0x41]))
  await expect(binary).rejects.toMatchObject({ message: 'the first line is not text', exitCode: 2 })
  const latin1 = read(Buffer.from('invoiceId,W\u00e4hrung\n', 'latin1'))
  await expect(latin1).rejects.toMatchObject({ remedy: 'try --encoding latin1' })
  const turned = read('invoiceId,\u202eevil\n', { columns: new Map() })
  await expect(turned).rejects.toMatchObject({ remedy: expect.not.stringContaining('\u202e') as string })
})

test('an empty file is a fault, not a success', async () => {
  await expect(read('')).rejects.toThrow(FileFault)
})
