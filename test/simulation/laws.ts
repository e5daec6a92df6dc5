// What must hold, told from the log alone (I1 to I7 and I9 of the reliability reference). Each law throws.
import type { Decoded } from '../../src/line-items/decode.ts'
import type { LogRecord, SimulatedKafka } from './kafka.ts'
import { REFUSED_QUANTITY } from './statements.ts'
import { micros, type Tables } from './tables.ts'

export class LawBroken extends Error {
  override name = 'LawBroken'
}
const must = (law: string, holds: boolean, found: () => string) => {
  if (!holds) throw new LawBroken(`${law}: ${found()}`)
}

/** At every COMMIT: I5 stock is the sum of the ledger, I7 positions never go back, I2 the accounts add up. */
export const lawsOfCommit = (before: Tables, after: Tables, begunAt: number) => {
  const sums = new Map<string, bigint>()
  for (const { itemId, quantity } of after.ledger_entry.values())
    sums.set(String(itemId), (sums.get(String(itemId)) ?? 0n) + quantity)
  for (const key of new Set([...sums.keys(), ...after.inventory.keys()]))
    must(
      'I5 stock = Σ ledger',
      (sums.get(key) ?? 0n) === (after.inventory.get(key) ?? 0n),
      () => `item ${key}: ledger ${sums.get(key)}, stock ${after.inventory.get(key)}`,
    )
  for (const [partition, row] of after.consumer_offset) {
    const was = before.consumer_offset.get(partition)?.nextOffset ?? 0n
    must(
      'I7 positions never go back',
      row.nextOffset >= was,
      () => `partition ${partition}: ${was} → ${row.nextOffset}`,
    )
  }
  must(
    'the gate is asked',
    before.gate === null || begunAt <= before.gate,
    () => 'settled by a transaction begun after the gate was closed',
  )
}

type Line = Extract<Decoded, { kind: 'line-item' }>['lineItem']
type Decode = (record: LogRecord, partition: number) => Decoded
type Placed = { readonly partition: number; readonly offset: bigint; readonly line: Line }

/** When all is drained: I1 nothing lost, I2 every record is exactly one thing, I3 nothing invented, I4 sums, I9 no false letter. */
export const lawsOfTheEnd = (kafka: SimulatedKafka, tables: Tables, decode: Decode) => {
  const copies = new Map<string, Placed[]>()
  const letters = new Set<string>()
  const seen = kafka.log.map(() => ({ records: 0n, ignored: 0n }))
  const at = (partition: number, offset: bigint) => `${partition}@${offset}`
  for (const [partition, { records }] of kafka.log.entries()) {
    for (const record of records) {
      const count = seen[partition]
      if (record.marker || !count) continue
      count.records += 1n
      const decoded = decode(record, partition)
      if (decoded.kind === 'ignored') count.ignored += 1n
      else if (decoded.kind === 'rejected') letters.add(at(partition, record.offset))
      else {
        const { lineItem: line } = decoded
        const key = `${line.eventId} ${line.userId}`
        copies.set(key, [...(copies.get(key) ?? []), { partition, offset: record.offset, line }])
      }
    }
  }
  for (const [key, all] of copies) {
    const row = tables.ledger_entry.get(key)
    const writable = all.filter(({ line }) => line.quantity !== REFUSED_QUANTITY)
    must(
      'I1 nothing is lost',
      (row !== undefined) === writable.length > 0,
      () => `event ${key}: ${row ? 'there' : 'not there'}`,
    )
    if (row) {
      const told = all.find(({ partition, offset }) => partition === row.partition && offset === row.offset)
      must('I3 nothing is invented', told?.line.payloadHash.toString('hex') === row.hash, () => `event ${key}`)
      must('I4 quantities', told !== undefined && micros(told.line.quantity) === row.quantity, () => `event ${key}`)
    }
    for (const { partition, offset, line } of all)
      if (row?.hash !== line.payloadHash.toString('hex')) letters.add(at(partition, offset))
  }
  must(
    'I3 nothing is invented',
    [...tables.ledger_entry.keys()].every((key) => copies.has(key)),
    () => 'a ledger entry',
  )
  const found = new Set([...tables.dead_letter.values()].map(({ partition, offset }) => at(partition, offset)))
  const odd = [...letters].filter((each) => !found.has(each)).concat([...found].filter((each) => !letters.has(each)))
  must('I8, I9 the dead letters are those of the bad records', odd.length === 0, () => odd.join(' '))
  for (const [partition, { end }] of kafka.log.entries()) {
    const row = tables.consumer_offset.get(String(partition))
    const count = seen[partition]
    if (!row || !count) {
      must('I2 every record is accounted for', end === 0n, () => `partition ${partition} has no offset row`)
      continue
    }
    const mine = [...tables.ledger_entry.values()].filter((each) => each.partition === partition).length
    const dead = [...tables.dead_letter.values()].filter((each) => each.partition === partition).length
    const accounts = [
      ['position', row.nextOffset, end],
      ['inserted', row.inserted, BigInt(mine)],
      ['dead letters', row.deadLettered, BigInt(dead)],
      ['ignored', row.ignored, count.ignored],
      ['duplicates', row.duplicate, count.records - BigInt(mine) - BigInt(dead) - count.ignored],
      ['absent', row.absent, end - count.records],
    ] as const
    for (const [what, is, expected] of accounts)
      must(
        'I2 every record is accounted for',
        is === expected,
        () => `partition ${partition}: ${what} ${is}, not ${expected}`,
      )
  }
}
