import { createCheck } from '../../../src/publish/check.ts'
import type { Row, Rows } from '../../../src/publish/row.ts'

export const check = createCheck(() => Date.UTC(2026, 10, 22))

export const eventFields = {
  userId: 'u-1',
  invoiceId: 'i-1',
  lineNumber: 1,
  vendorItem: { sku: 'A1' },
  quantity: '2.5',
  unitPrice: '1.10',
  currency: 'GBP',
  occurredAt: '2026-01-02T03:04:05Z',
}

/** The text in pieces of `size` bytes, as a slow pipe would give it. */
export async function* pieces(text: string | Buffer, size = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export const collect = async (rows: Rows): Promise<Row[]> => {
  const all: Row[] = []
  for await (const some of rows) all.push(...some)
  return all
}

export const text = (row: Row | undefined): string =>
  row && 'record' in row ? String(row.record.value) : `FAULT ${row?.fault ?? 'no row'}`

export const json = (row: Row | undefined): Record<string, unknown> => JSON.parse(text(row)) as Record<string, unknown>

export const fault = (row: Row | undefined): string =>
  row && 'fault' in row
    ? [row.line, row.at, row.fault.split(':')[0]].filter((part) => part !== undefined).join(' ')
    : 'no fault'
