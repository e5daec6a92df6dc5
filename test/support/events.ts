// Records with event v1, as a producer of somebody else's would write them.
import { randomUUID } from 'node:crypto'
import type { OutRecord } from '../../src/kafka/producer.ts'

export const event = (over: Record<string, unknown> = {}) => ({
  eventId: randomUUID(),
  userId: 'u-1',
  invoiceId: 'I-1',
  lineNumber: 1,
  vendorItem: { sku: 'S-1', description: 'A THING' },
  quantity: '2.5',
  unitPrice: '1.25',
  currency: 'GBP',
  occurredAt: '2026-01-02T03:04:05Z',
  ...over,
})

export const recordOf = (value: unknown, partition: number): OutRecord => ({
  partition,
  key: 'I-1',
  value: Buffer.from(JSON.stringify(value)),
})
