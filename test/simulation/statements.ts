// The sink's statements, played on the simulated tables. A statement that is not here is an error: the sink sends something
// new, and the simulation has to learn it.
import { sqlError } from './database.ts'
import { clone, micros, type Tables } from './tables.ts'

type Playing = { tables: Tables; savepoints: Map<string, Tables> }
export type Run<T> = {
  /** Also in a transaction that has failed. */
  readonly always: boolean
  /** `table key`, in the order in which they are taken. */
  readonly locks: (tables: Tables) => readonly string[]
  readonly play: (transaction: Playing) => T
}

/** The quantity that a CHECK of the simulated ledger refuses. */
export const REFUSED_QUANTITY = '13'

const ELEMENT = /"((?:[^"\\]|\\.)*)"|NULL|[^,{}]+/g
/** `{1,"a\"b",NULL}` → its elements. */
export const parseArray = (literal: unknown): (string | null)[] =>
  [...String(literal).slice(1, -1).matchAll(ELEMENT)].map(([all, text]) =>
    text !== undefined ? text.replace(/\\(.)/g, '$1') : all === 'NULL' ? null : all,
  )
const strings = (literal: unknown) => parseArray(literal).map((each) => each ?? '')

const run = (play: Run<unknown>['play'], locks: readonly string[] = [], always = false): Run<unknown> => ({
  always,
  locks: () => locks,
  play,
})

type LedgerInput = {
  eventId: string
  userId: string
  itemId: bigint
  quantity: string
  payloadHash: Uint8Array
  partition: number
  recordOffset: bigint
}

export const statementOf = (sql: string, values: readonly unknown[]): Run<unknown> => {
  const [, words = ''] = /^\s*([\s\S]{1,200})/.exec(sql) ?? []
  if (sql === 'createMany') return createMany(values as readonly LedgerInput[])
  if (words.startsWith('SAVEPOINT') || words.startsWith('RELEASE')) {
    const [name = ''] = /\w+$/.exec(words) ?? []
    return run(({ tables, savepoints }) => void savepoints.set(name, clone(tables)))
  }
  if (words.startsWith('ROLLBACK TO')) {
    const [name = ''] = /\w+$/.exec(words) ?? []
    const back = (playing: Playing) => {
      const saved = playing.savepoints.get(name)
      if (!saved) throw sqlError('3B001')
      playing.tables = clone(saved)
    }
    return run(back, [], true)
  }
  if (words.startsWith('SET CONSTRAINTS')) return run(() => undefined)
  if (words.includes('gate_closed') || sql.includes('AS "gateClosed"')) return lockOffsets(values)
  if (sql.includes('encode(l.payload_hash')) return storedHashes(values)
  if (words.startsWith('INSERT INTO inventory')) return addToInventory(values)
  if (words.startsWith('INSERT INTO dead_letter')) return upsertLetters(sql, values)
  if (words.startsWith('UPDATE consumer_offset')) return advance(values)
  if (sql.includes('FROM mapping_change')) return run(({ tables }) => [{ version: tables.mappingVersion }])
  throw new Error(`the simulation does not know this statement: ${words}`)
}

const lockOffsets = ([, , partitions]: readonly unknown[]) => {
  const keys = strings(partitions).sort((a, b) => Number(a) - Number(b))
  const select = ({ tables }: Playing) =>
    keys.flatMap((key) => {
      const row = tables.consumer_offset.get(key)
      if (!row) return []
      const memory = { rereadBelow: 0n, run: 0n, windowRecords: 0, windowDeadLettered: 0, topicId: null }
      return [{ partition: Number(key), nextOffset: row.nextOffset, ...memory, gateClosed: tables.gate !== null }]
    })
  return run(
    select,
    keys.map((key) => `consumer_offset ${key}`),
  )
}

const createMany = (rows: readonly LedgerInput[]) => {
  const keyed = rows.map((row) => ({ key: `${row.eventId} ${row.userId}`, row }))
  const insert = ({ tables }: Playing) => {
    const returned: { eventId: string; userId: string }[] = []
    // Of a key that comes twice in one statement PostgreSQL may keep either: here the last.
    for (const { key, row } of new Map(keyed.map((each) => [each.key, each])).values()) {
      if (row.quantity === REFUSED_QUANTITY) throw sqlError('23514')
      if (tables.ledger_entry.has(key)) continue
      const hash = Buffer.from(row.payloadHash).toString('hex')
      const place = { partition: row.partition, offset: row.recordOffset }
      tables.ledger_entry.set(key, { itemId: row.itemId, quantity: micros(row.quantity), hash, ...place })
      tables.written.add(`ledger_entry ${key}`)
      returned.push({ eventId: row.eventId, userId: row.userId })
    }
    return returned
  }
  return run(
    insert,
    keyed.map(({ key }) => `ledger_entry ${key}`),
  )
}

const storedHashes = ([events, users]: readonly unknown[]) => {
  const userIds = strings(users)
  return run(({ tables }) =>
    strings(events).flatMap((eventId, index) => {
      const userId = userIds[index] ?? ''
      const row = tables.ledger_entry.get(`${eventId} ${userId}`)
      return row ? [{ eventId, userId, hash: row.hash }] : []
    }),
  )
}

const addToInventory = ([items, quantities]: readonly unknown[]) => {
  const deltas = strings(quantities).map(micros)
  const keys = strings(items)
  const upsert = ({ tables }: Playing) => {
    for (const [index, key] of keys.entries()) {
      tables.inventory.set(key, (tables.inventory.get(key) ?? 0n) + (deltas[index] ?? 0n))
      tables.written.add(`inventory ${key}`)
    }
    return keys.length
  }
  return run(
    upsert,
    keys.map((key) => `inventory ${key}`),
  )
}

const upsertLetters = (sql: string, values: readonly unknown[]) => {
  const [, names = ''] = /\(([^)]*)\)/.exec(sql) ?? []
  const columns = names.split(', ')
  const at = (column: string) => columns.indexOf(column)
  const ids = strings(values[at('id')])
  const partitions = strings(values[at('partition')])
  const offsets = strings(values[at('record_offset')])
  const codes = strings(values[at('code')])
  const upsert = ({ tables }: Playing) => {
    for (const [index, id] of ids.entries()) {
      const seen = (tables.dead_letter.get(id)?.seen ?? 0) + 1
      const place = { partition: Number(partitions[index]), offset: BigInt(offsets[index] ?? 0) }
      tables.dead_letter.set(id, { ...place, code: codes[index] ?? '', seen })
      tables.written.add(`dead_letter ${id}`)
    }
    return ids.length
  }
  return run(
    upsert,
    ids.map((id) => `dead_letter ${id}`),
  )
}

const advance = ([, , partitions, ...rest]: readonly unknown[]) => {
  const columns = rest.slice(0, -1)
  const version = rest.at(-1)
  const [to, inserted, duplicate, deadLettered, ignored, absent] = columns.map((each) => strings(each).map(BigInt))
  const keys = strings(partitions)
  const update = ({ tables }: Playing) => {
    let moved = 0
    if (version !== null && version !== tables.mappingVersion) return moved
    for (const [index, key] of keys.entries()) {
      const row = tables.consumer_offset.get(key)
      if (!row) continue
      const next = {
        nextOffset: to?.[index] ?? 0n,
        inserted: row.inserted + (inserted?.[index] ?? 0n),
        duplicate: row.duplicate + (duplicate?.[index] ?? 0n),
        deadLettered: row.deadLettered + (deadLettered?.[index] ?? 0n),
        ignored: row.ignored + (ignored?.[index] ?? 0n),
        absent: row.absent + (absent?.[index] ?? 0n),
      }
      // The CHECK consumer_offset_accounts.
      if (next.nextOffset !== next.inserted + next.duplicate + next.deadLettered + next.ignored + next.absent)
        throw sqlError('23514')
      tables.consumer_offset.set(key, next)
      tables.written.add(`consumer_offset ${key}`)
      moved += 1
    }
    return moved
  }
  return run(
    update,
    keys.map((key) => `consumer_offset ${key}`),
  )
}
