// What must hold (I1 to I9 of the reliability reference), told from the log alone: what a record is, and what must become of it,
// says whoever sent it, never the code under test. Each law throws.
import type { SimulatedKafka } from './kafka.ts'
import type { Told } from './producer.ts'
import type { LetterRow, Tables } from './tables.ts'

/** `test:mutations` holds what a planted fault broke against the law that it is planted for. */
export const LAWS = {
  lost: 'I1 nothing is lost',
  counted: 'I2 every record is accounted for',
  invented: 'I3 nothing is invented',
  booked: 'I4 item and quantity are those that were sent',
  stock: 'I5 stock = Σ ledger',
  committed: "I6 Kafka's commit never leads",
  position: 'I7 positions never go back',
  letters: 'I8, I9 the dead letters are those of the bad records',
  drains: 'I10 all is settled in the end',
  memory: 'I11 memory is bounded',
  peace: 'I12 who stops in peace leaves nothing',
  gate: 'the gate is asked',
  owner: 'only its owner commits a partition',
  kept: 'what is read is kept',
  alive: 'nobody ends by itself',
} as const
export type Law = (typeof LAWS)[keyof typeof LAWS]

export class LawBroken extends Error {
  override name = 'LawBroken'
  constructor(law: Law, found: string) {
    super(`${law}: ${found}`)
  }
}
export const must = (law: Law, holds: boolean, found: () => string) => {
  if (!holds) throw new LawBroken(law, found())
}

/** At every COMMIT: I5 stock is the sum of the ledger, I7 positions never go back; and the gate was asked. */
export const lawsOfCommit = (before: Tables, after: Tables, begunAt: number) => {
  const sums = new Map<string, bigint>()
  for (const { itemId, quantity } of after.ledger_entry.values())
    sums.set(String(itemId), (sums.get(String(itemId)) ?? 0n) + quantity)
  for (const key of new Set([...sums.keys(), ...after.inventory.keys()]))
    must(
      LAWS.stock,
      (sums.get(key) ?? 0n) === (after.inventory.get(key) ?? 0n),
      () => `item ${key}: ledger ${sums.get(key)}, stock ${after.inventory.get(key)}`,
    )
  for (const [partition, row] of after.consumer_offset) {
    const was = before.consumer_offset.get(partition)?.nextOffset ?? 0n
    must(LAWS.position, row.nextOffset >= was, () => `partition ${partition}: ${was} → ${row.nextOffset}`)
  }
  must(
    LAWS.gate,
    before.gate === null || begunAt <= before.gate,
    () => 'settled by a transaction begun after the gate was closed',
  )
}

type Event = { readonly partition: number; readonly offset: bigint; readonly told: Extract<Told, { kind: 'event' }> }
type Log = ReturnType<typeof readLog>

const placeOf = ({ partition, offset }: { partition: number; offset: bigint }) => `${partition}@${offset}`

const readLog = (kafka: SimulatedKafka) => {
  const copies = new Map<string, Event[]>()
  const broken: string[] = []
  const counts = kafka.log.map(() => ({ records: 0n, ignored: 0n }))
  for (const [partition, { records }] of kafka.log.entries())
    for (const { offset, told } of records) {
      const count = counts[partition]
      if (told === null || !count) continue
      count.records += 1n
      if (told.kind === 'tombstone') count.ignored += 1n
      else if (told.kind === 'broken') broken.push(placeOf({ partition, offset }))
      else copies.set(told.key, [...(copies.get(told.key) ?? []), { partition, offset, told }])
    }
  return { copies, broken, counts }
}

/** When all is drained: I1 nothing lost, I2 every record is exactly one thing, I3 nothing invented, I4 sums, I8 and I9 no false letter. */
export const lawsOfTheEnd = (kafka: SimulatedKafka, tables: Tables) => {
  const log = readLog(kafka)
  const counting = ledgerHolds(log, tables)
  stockHolds(counting, tables)
  lettersHold(log, counting, tables)
  accountsHold(kafka, log, tables)
}

/** Of each key the event that counts: the one whose place the ledger names. */
const ledgerHolds = ({ copies }: Log, tables: Tables): Map<string, Event> => {
  const counting = new Map<string, Event>()
  for (const [key, all] of copies) {
    const row = tables.ledger_entry.get(key)
    const writable = all.some(({ told }) => !told.refused)
    must(LAWS.lost, (row !== undefined) === writable, () => `event ${key}: ${row ? 'there' : 'not there'}`)
    if (!row) continue
    const event = all.find((each) => placeOf(each) === placeOf(row))
    if (!event) throw new LawBroken(LAWS.invented, `event ${key} of ${placeOf(row)}`)
    const { item, quantity } = event.told
    must(
      LAWS.booked,
      row.itemId === item && row.quantity === quantity,
      () => `event ${key}: ${row.quantity} of item ${row.itemId}, not ${quantity} of ${item}`,
    )
    counting.set(key, event)
  }
  for (const key of tables.ledger_entry.keys()) must(LAWS.invented, copies.has(key), () => `ledger entry ${key}`)
  return counting
}

const stockHolds = (counting: ReadonlyMap<string, Event>, tables: Tables) => {
  const sums = new Map<string, bigint>()
  for (const { told } of counting.values())
    sums.set(String(told.item), (sums.get(String(told.item)) ?? 0n) + told.quantity)
  for (const item of new Set([...sums.keys(), ...tables.inventory.keys()]))
    must(
      LAWS.booked,
      (sums.get(item) ?? 0n) === (tables.inventory.get(item) ?? 0n),
      () => `item ${item}: stock ${tables.inventory.get(item)}, sent ${sums.get(item)}`,
    )
}

/** Each once, of these records and no others, and with a reason that is one. */
const lettersHold = ({ copies, broken }: Log, counting: ReadonlyMap<string, Event>, tables: Tables) => {
  const expected = new Map<string, readonly string[]>(broken.map((place) => [place, ['JSON_INVALID']]))
  for (const [key, all] of copies)
    for (const event of all) {
      const { fact, refused } = event.told
      if (counting.get(key)?.told.fact === fact) continue
      // What is refused may also be found to say something else than the entry that was there before.
      expected.set(placeOf(event), refused ? ['ROW_REJECTED', 'EVENT_ID_CONFLICT'] : ['EVENT_ID_CONFLICT'])
    }
  const found = new Map<string, LetterRow>([...tables.dead_letter.values()].map((row) => [placeOf(row), row]))
  for (const place of expected.keys()) must(LAWS.letters, found.has(place), () => `${place} has none`)
  for (const [place, { code, seen }] of found)
    must(
      LAWS.letters,
      (expected.get(place)?.includes(code) ?? false) && seen === 1,
      () => `${place} has one with ${code}, written ${seen} times; expected: ${String(expected.get(place) ?? 'none')}`,
    )
}

const accountsHold = (kafka: SimulatedKafka, { counts }: Log, tables: Tables) => {
  for (const [partition, { end }] of kafka.log.entries()) {
    const row = tables.consumer_offset.get(String(partition))
    const count = counts[partition]
    if (!row || !count) {
      must(LAWS.counted, end === 0n, () => `partition ${partition} has no offset row`)
      continue
    }
    const ofPartition = (rows: ReadonlyMap<string, { partition: number }>) =>
      BigInt([...rows.values()].filter((each) => each.partition === partition).length)
    const mine = ofPartition(tables.ledger_entry)
    const dead = ofPartition(tables.dead_letter)
    const accounts = [
      ['position', row.nextOffset, end],
      ['inserted', row.inserted, mine],
      ['dead letters', row.deadLettered, dead],
      ['ignored', row.ignored, count.ignored],
      ['duplicates', row.duplicate, count.records - mine - dead - count.ignored],
      ['absent', row.absent, end - count.records],
    ] as const
    for (const [what, is, expected] of accounts)
      must(LAWS.counted, is === expected, () => `partition ${partition}: ${what} ${is}, not ${expected}`)
  }
}
