// What is published: valid events, the same event twice, two events with one id, records that are none, rows that the
// database refuses, tombstones, and offsets that hold no record (markers, compaction).
import { REFUSED_QUANTITY } from './statements.ts'
import type { SimulatedKafka } from './kafka.ts'
import type { Random } from './random.ts'

export const createProducer = (random: Random, kafka: SimulatedKafka) => {
  const sent: Record<string, unknown>[] = []
  const refused: Record<string, unknown>[] = []

  const fresh = () => ({
    eventId: `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`,
    userId: `u-${random.below(2)}`,
    invoiceId: `I-${random.below(5)}`,
    lineNumber: 1 + random.below(9),
    vendorItem: { sku: `S-${random.below(4)}`, description: 'A THING' },
    quantity: String(1 + random.below(9)),
    unitPrice: '1.25',
    currency: 'GBP',
    occurredAt: '2026-01-02T03:04:05Z',
  })
  const valueOf = (): Buffer | null => {
    const dice = random.next()
    if (dice < 0.03) return null
    if (dice < 0.07) return Buffer.from('{"eventId":')
    const event: Record<string, unknown> = fresh()
    if (dice < 0.11) event['quantity'] = REFUSED_QUANTITY
    // What was refused, told again as something else: the refusal must not take it along.
    else if (dice < 0.14 && refused.length > 0)
      Object.assign(event, { eventId: random.pick(refused)['eventId'], userId: 'u-0' })
    else if (dice < 0.25 && sent.length > 0) Object.assign(event, random.pick(sent))
    else if (dice < 0.28 && sent.length > 0) event['eventId'] = random.pick(sent)['eventId']
    sent.push(event)
    if (event['quantity'] === REFUSED_QUANTITY) refused.push(event)
    return Buffer.from(JSON.stringify(event))
  }
  return {
    publish(records: number) {
      for (let i = 0; i < records; i++) {
        const partition = random.below(kafka.log.length)
        const dice = random.next()
        if (dice < 0.04) kafka.append(partition, null, 'marker')
        else if (dice < 0.08) kafka.append(partition, null, 'gap')
        else kafka.append(partition, valueOf(), 'record')
      }
      // A log ends with a record or a marker: what is beyond the last batch is no part of it.
      for (const [partition, { records: log, end }] of kafka.log.entries())
        if (log.at(-1)?.offset !== end - 1n && end > 0n) kafka.append(partition, null, 'marker')
    },
  }
}
