// What is published: valid events, the same event twice, two events with one id, records that are none, rows that the
// database refuses, tombstones, and offsets that hold no record (markers, compaction). Each record keeps what its producer
// meant by it (`Told`), so that the laws need nothing of the code under test to know what must become of it.
import { REFUSED_QUANTITY } from './statements.ts'
import type { SimulatedKafka } from './kafka.ts'
import type { Random } from './random.ts'
import { CAPACITY } from './member.ts'

/** What a record is, as whoever sent it knows. */
export type Told =
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'broken' }
  | {
      readonly kind: 'event'
      /** Of the ledger: event and user. */
      readonly key: string
      /** Two records with one key and one fact are the same event told again; with another fact the second is a conflict. */
      readonly fact: string
      readonly item: bigint
      /** In millionths. */
      readonly quantity: bigint
      /** The database takes no such row. */
      readonly refused: boolean
    }
type Event = { eventId: string; userId: string; line: number; item: number; quantity: number; note: string }

const MILLION = 1_000_000n

export const createProducer = (random: Random, kafka: SimulatedKafka) => {
  const sent: Event[] = []
  const refused: Event[] = []

  /** Most records are small; some fill a tenth of the buffer, and a few are larger than all of it. */
  const noteLength = () => {
    const dice = random.next()
    if (dice < 0.004) return CAPACITY.bytes
    return dice < 0.1 ? random.below(CAPACITY.bytes / 6) : 0
  }
  const fresh = (): Event => ({
    eventId: `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`,
    userId: `u-${random.below(2)}`,
    line: 1 + random.below(9),
    item: 1 + random.below(4),
    quantity: 1 + random.below(9),
    note: 'x'.repeat(noteLength()),
  })
  const jsonOf = ({ eventId, userId, line, item, quantity, note }: Event) =>
    JSON.stringify({
      ...{ eventId, userId, invoiceId: 'I-1', lineNumber: line },
      // What the simulated mapping makes of it: member.ts.
      vendorItem: { sku: `S-${item - 1}`, description: 'A THING' },
      ...{ quantity: String(quantity), unitPrice: '1.25', currency: 'GBP', occurredAt: '2026-01-02T03:04:05Z', note },
    })
  const event = (dice: number): Event => {
    const made = fresh()
    if (dice < 0.11) return { ...made, quantity: Number(REFUSED_QUANTITY) }
    // What was refused, told again as something else: the refusal must not take it along.
    if (dice < 0.14 && refused.length > 0) return { ...made, eventId: random.pick(refused).eventId, userId: 'u-0' }
    if (dice < 0.25 && sent.length > 0) return { ...random.pick(sent) }
    if (dice < 0.28 && sent.length > 0) return { ...made, eventId: random.pick(sent).eventId }
    return made
  }
  const record = (): { value: Buffer | null; told: Told } => {
    const dice = random.next()
    if (dice < 0.03) return { value: null, told: { kind: 'tombstone' } }
    if (dice < 0.07) return { value: Buffer.from('{"eventId":'), told: { kind: 'broken' } }
    const made = event(dice)
    sent.push(made)
    const isRefused = made.quantity === Number(REFUSED_QUANTITY)
    if (isRefused) refused.push(made)
    const { eventId, userId, line, item, quantity } = made
    return {
      value: Buffer.from(jsonOf(made)),
      told: {
        ...{ kind: 'event', key: `${eventId} ${userId}`, fact: `${line} ${item} ${quantity}` },
        ...{ item: BigInt(item), quantity: BigInt(quantity) * MILLION, refused: isRefused },
      },
    }
  }
  return {
    publish(records: number) {
      for (let i = 0; i < records; i++) {
        const partition = random.below(kafka.log.length)
        const dice = random.next()
        if (dice < 0.04) kafka.append(partition, 'marker')
        else if (dice < 0.08) kafka.append(partition, 'gap')
        else kafka.append(partition, record())
      }
      // A log ends with a record or a marker: what is beyond the last batch is no part of it.
      for (const [partition, { records: log, end }] of kafka.log.entries())
        if (log.at(-1)?.offset !== end - 1n && end > 0n) kafka.append(partition, 'marker')
    },
  }
}
