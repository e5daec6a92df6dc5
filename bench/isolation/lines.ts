import type { Decoded } from '../../src/line-items/decode.ts'
import type { Batch } from '../../src/pipeline/sink.ts'
import type { LedgerRow } from './fallbacks.ts'

/** What the CHECK refuses. */
export const BAD_PRICE = '13.13'
export const TOPIC = 'bench.lines'

export type BenchLine = {
  readonly eventId: string
  readonly invoiceId: string
  readonly lineNumber: number
  readonly sku: string
  readonly unitPrice: string
  readonly digest: Buffer
}

const FACTS = { userId: 'u-1', quantity: '6', currency: 'GBP', occurredAt: '2010-12-01T08:26:00.000Z' }

export function batchOf(lines: readonly BenchLine[]): Batch<Decoded> {
  const entries = lines.map(({ digest, ...line }, index) => ({
    record: {
      ...{ partition: 0, offset: BigInt(index), timestamp: 1_700_000_000_000, headers: [] },
      ...{ key: Buffer.from(line.invoiceId), value: Buffer.from(JSON.stringify(line)) },
    },
    decoded: {
      kind: 'line-item' as const,
      lineItem: { ...FACTS, ...line, description: `ITEM ${line.sku}`, payloadHash: digest },
      unknownFields: 0,
    },
    ...{ bytes: 200, arrivedAt: 0 },
  }))
  const parts = [{ partition: 0, from: 0n, to: BigInt(lines.length) }]
  return { entries, parts, reason: 'size', bytes: 200 * lines.length }
}

export const rowsOf = (lines: readonly BenchLine[], itemIds: readonly bigint[]): LedgerRow[] =>
  lines.map(({ eventId, invoiceId, lineNumber, unitPrice, digest }, index) => [
    ...[eventId, FACTS.userId, String(itemIds[index]), invoiceId, String(lineNumber), FACTS.quantity, unitPrice],
    ...[FACTS.currency, FACTS.occurredAt, digest, TOPIC, '0', String(index)],
  ] as unknown as LedgerRow) // prettier-ignore
