// The hostile input catalogue through a real broker and a real member: what becomes of each record, exactly, and that the
// records between them are all written. Batches that cannot be read at all are in hostile-batches.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProducer } from '../../src/kafka/producer.ts'
import { type ReadRecord, readTopic } from '../../src/kafka/read-topic.ts'
import { decodeHeaders } from '../../src/sink/letter.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { type Entry, type Hostile, hostileRecords, type Outcome, OVERFLOWING } from '../support/hostile-records.ts'
import { alterTopic, type World } from '../support/world.ts'

const log = createLog('silent')
const records = hostileRecords()
let world: World
beforeAll(async () => {
  world = await openArena(1)
})
afterAll(() => world.close())

const count = (becomes: Outcome['becomes']) => records.filter(({ outcome }) => outcome.becomes === becomes).length

/** In order: the place in the list is the offset. */
const publish = async (): Promise<void> => {
  const [plain, gzip] = [createProducer(world.config.kafka, log), createProducer(world.config.kafka, log, { compression: 'gzip' })] // prettier-ignore
  await Promise.all([plain.connect(), gzip.connect()])
  const together: Hostile[] = []
  const send = () => plain.send(world.config.topic, together.splice(0))
  for (const record of records) {
    if (record.gzip) {
      await send()
      await gzip.send(world.config.topic, [record])
    } else together.push(record)
  }
  await send()
  await Promise.all([plain.disconnect(), gzip.disconnect()])
}

test(`${records.length} records: each becomes what the catalogue says, with its code, its bytes and its neighbours`, async () => {
  // The broker's own limits would keep the large ones out; the DLQ topic keeps the smaller limit that it was made with.
  await alterTopic(world, { 'max.message.bytes': String(64 * 1_048_576) })
  await world.query(`
    INSERT INTO item (id, user_id, sku, name) VALUES (-1, '${OVERFLOWING.userId}', 'FULL', 'full');
    INSERT INTO item_mapping (user_id, vendor_key, item_id, method, rule_version) VALUES ('${OVERFLOWING.userId}', 'sku:FULL', -1, 'manual', 1);
    INSERT INTO inventory VALUES (-1, 999999999999999999999999.999999)`)
  await publish()
  const member = world.start('brave', { DLQ_MAX_CONSECUTIVE: '0', DLQ_MAX_RATIO: '1' })
  await world.drained(120_000)

  const found = await outcomes()
  const wrong = records.flatMap(({ row, name, outcome, ...sent }, offset) => {
    const differences = compare({ ...sent, row, name, outcome }, found.get(offset))
    return differences.map((difference) => `${row}: ${name}: ${difference}`)
  })
  expect(wrong).toEqual([])

  const totals = { inserted: count('ledger entry'), duplicate: count('duplicate'), deadLettered: count('dead letter'), ignored: count('ignored') } // prettier-ignore
  expect(await world.totals()).toEqual(totals)
  const [row] = await world.query('SELECT next_offset::int AS next, absent::int FROM consumer_offset')
  expect(row).toEqual({ next: records.length, absent: 0 })
  const stock = await world.query(
    `SELECT item_id FROM (SELECT item_id, sum(quantity) AS sum FROM ledger_entry GROUP BY 1) l FULL JOIN inventory i USING (item_id)
      WHERE i.quantity IS DISTINCT FROM coalesce(l.sum, 0) + CASE WHEN item_id = -1 THEN 999999999999999999999999.999999 ELSE 0 END`,
  )
  expect(stock).toEqual([])
  member.kill('SIGTERM')
  expect(await member.ended, member.tail()).toEqual({ code: 0, signal: null })
  expect(member.lines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
})

test('the DLQ topic has each dead letter once, with its bytes unless they do not fit, and no header of ours that is forged', async () => {
  const letters = await world.query<{ id: string; offset: number; code: string }>(
    'SELECT id, record_offset::int AS offset, code FROM dead_letter',
  )
  const published = await readTopic(world.config.kafka, world.config.dlqTopic, log)
  const byId = new Map(published.map((record) => [headers(record, 'dlq.id').join(), record]))
  expect(published).toHaveLength(count('dead letter'))
  const wrong = letters.flatMap(({ id, offset, code }) => {
    const sent = records[offset]!
    const copy = byId.get(id)
    if (!copy) return [`${sent.row}: ${sent.name}: not published under its id`]
    const whole = headers(copy, 'dlq.value.truncated').length === 0
    const same = [
      headers(copy, 'dlq.error.code').join() === code,
      headers(copy, 'dlq.original.offset').join() === String(offset),
      !whole || hex(copy.value) === hex(sent.value),
      hex(copy.key) === hex(sent.key),
      headers(copy, 'dlq.replay.count').length === 0,
    ]
    return same.every(Boolean) ? [] : [`${sent.row}: ${sent.name}: ${same.join()}`]
  })
  expect(wrong).toEqual([])
  const cut = published.filter((record) => headers(record, 'dlq.value.truncated').length > 0)
  expect(cut.length).toBe(records.filter(({ value }) => (value?.length ?? 0) > 1_100_000).length)
}) // prettier-ignore

const hex = (bytes: Buffer | string | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const headers = (record: ReadRecord, name: string): string[] =>
  record.headers.filter(([each]) => each === name).map(([, value]) => value?.toString() ?? '')

type Found =
  | {
      kind: 'dead letter'
      code: string
      path: string | null
      key: Buffer | null
      value: Buffer | null
      headers: Buffer
    }
  | { kind: 'ledger entry'; entry: Required<Entry> }

/** By offset; nothing there: a duplicate or ignored. */
const outcomes = async (): Promise<Map<number, Found>> => {
  const letters = await world.query<{ offset: number; code: string; path: string | null; key: Buffer; value: Buffer; headers: Buffer }>(
    'SELECT record_offset::int AS offset, code, path, key, value, headers FROM dead_letter',
  )
  const entries = await world.query<{ offset: number } & Required<Entry>>(
    `SELECT record_offset::int AS offset, event_id, l.user_id, invoice_id, line_number, quantity::text, unit_price::text, currency,
            to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS occurred_at, i.sku, i.name,
            (SELECT source_text FROM item_mapping m WHERE m.item_id = i.id AND vendor_key LIKE 'text%') AS source_text
       FROM ledger_entry l JOIN item i ON i.id = l.item_id AND i.user_id = l.user_id`,
  )
  return new Map<number, Found>([
    ...letters.map((letter) => [letter.offset, { kind: 'dead letter', ...letter }] as const),
    ...entries.map(({ offset, ...entry }) => [offset, { kind: 'ledger entry', entry }] as const),
  ])
} // prettier-ignore

const compare = ({ outcome, ...sent }: Hostile, found: Found | undefined): string[] => {
  const silent = outcome.becomes === 'duplicate' || outcome.becomes === 'ignored'
  const kind = found?.kind ?? 'nothing'
  if (kind !== (silent ? 'nothing' : outcome.becomes)) {
    const code = found?.kind === 'dead letter' ? ` ${found.code} ${found.path}` : ''
    return [`${kind}${code}, not ${JSON.stringify(outcome)}`]
  }
  if (found?.kind === 'dead letter' && outcome.becomes === 'dead letter') {
    const pairs = (all: Hostile['headers']) => JSON.stringify((all ?? []).map(([name, value]) => [name, hex(value)]))
    return [
      ...(found.code === outcome.code ? [] : [`code ${found.code}, not ${outcome.code}`]),
      ...(found.path === outcome.path ? [] : [`path ${found.path}, not ${outcome.path}`]),
      ...(hex(found.key) === hex(sent.key) ? [] : ['another key']),
      ...(hex(found.value) === hex(sent.value) ? [] : ['another value']),
      ...(pairs(decodeHeaders(found.headers)) === pairs(sent.headers) ? [] : ['other headers']),
    ]
  }
  if (found?.kind === 'ledger entry' && outcome.becomes === 'ledger entry')
    return (Object.keys(outcome.entry) as (keyof Entry)[])
      .filter((name) => found.entry[name] !== outcome.entry[name])
      .map((name) => `${name} ${String(found.entry[name])}, not ${String(outcome.entry[name])}`)
  return []
}
