/** A valid event, and the bytes of one with some fields replaced (`undefined` drops a field). */
export const NOW = Date.parse('2026-11-22T12:00:00Z')

export const EVENT = {
  eventId: '01900000-aaaa-7bbb-8ddd-000000000001',
  userId: 'u-1',
  invoiceId: '536365',
  lineNumber: 1,
  vendorItem: { sku: '85123A', description: 'WHITE HANGING HEART T-LIGHT HOLDER' },
  quantity: '6',
  unitPrice: '2.55',
  currency: 'GBP',
  occurredAt: '2010-12-01T08:26:00Z',
}

export const bytesOf = (changes: Record<string, unknown> = {}): Buffer =>
  Buffer.from(JSON.stringify({ ...EVENT, ...changes }))
