// Dead letters on their way back: real records, a real member, the real command. A CHECK on the ledger is the cause.
import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { replayRecord } from '../../src/dead-letters/replay.ts'
import { createReplayLetters } from '../../src/sink/letter-replay.ts'
import { ALL_LETTERS } from '../../src/dead-letters/letter-filter.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { event } from '../support/events.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

let world: World
let folder = ''
beforeAll(async () => {
  world = await openArena(2)
  folder = await mkdtemp(join(tmpdir(), 'sluice-dlq-'))
  const member = world.start('member')
  for (const partition of [0, 1]) await member.logged('starting position', (line) => line['partition'] === partition)
})
afterEach(async () => {
  await mended()
  await world.query('DELETE FROM dead_letter')
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

type Row = { id: string; status: string; code: string; replays: number; seen: number; sent: Date | null; resolved: Date | null } // prettier-ignore
const letters = () =>
  world.query<Row>(
    `SELECT id, status, code, replay_count AS replays, seen_count AS seen, replay_sent_at AS sent, resolved_at AS resolved
     FROM dead_letter ORDER BY partition, record_offset`,
  )
const inLedger = async (sku: string) =>
  (
    await world.query<{ n: number; sum: string | null }>(
      `SELECT count(*)::int AS n, (SELECT sum(quantity)::text FROM inventory v WHERE v.item_id = i.id) AS sum
       FROM item i JOIN ledger_entry l ON l.item_id = i.id WHERE i.sku = $1 GROUP BY i.id`,
      [sku],
    )
  )[0] ?? { n: 0, sum: null }
const broken = () => world.query('ALTER TABLE ledger_entry ADD CONSTRAINT cause CHECK (quantity < 1000) NOT VALID')
const mended = () => world.query('ALTER TABLE ledger_entry DROP CONSTRAINT IF EXISTS cause')
const total = async () => (await world.totals()).deadLettered

/** Sends these events while the CHECK refuses large quantities; resolves to their letters. */
const deadLetters = async (values: object[], headers: [string, Buffer | null][] = []): Promise<Row[]> => {
  await broken()
  const key = Buffer.from('I-1')
  await world.send(values.map((value, n) => ({ partition: n % 2, key, value: Buffer.from(JSON.stringify(value)), headers }))) // prettier-ignore
  await world.drained()
  return letters()
}
const tooMany = (sku: string) => event({ vendorItem: { sku }, quantity: '1000' })
const dlq = (...args: string[]) => world.sluice(['dlq', ...args])
/** For what happens in the middle of a replay. */
const replayStore = () => {
  const selection = { filter: ALL_LETTERS, again: false, edit: null, began: new Date(Date.now() + 60_000) }
  return createReplayLetters({ database: world.database, groupId: world.config.groupId, selection })
}
/** The command, and then its outcome. */
const replay = async (...args: string[]) => {
  const run = await dlq('replay', ...args)
  await world.drained()
  return run
}

test('the cause is gone: the letters are resolved by themselves, their events in the ledger once', async () => {
  const headers: [string, Buffer | null][] = [['h', Buffer.from([255, 0])], ['h', null]] // prettier-ignore
  const [first, second] = await deadLetters([tooMany('gone'), tooMany('gone')], headers)
  expect([first?.status, second?.code]).toEqual(['open', 'ROW_REJECTED'])
  const dry = await dlq('replay', '--code', 'ROW_REJECTED', '--dry-run')
  expect(dry.stdout).toContain('would replay 2 dead letters; nothing was sent')
  const before = await letters()
  await mended()

  const run = await replay('--code', 'ROW_REJECTED')
  expect([run.exitCode, run.stdout]).toEqual([0, expect.stringMatching(/^replayed 2 dead letters in/)])
  const after = await letters()
  expect(before.map(({ status }) => status)).toEqual(['open', 'open'])
  expect(after).toMatchObject([0, 1].map(() => ({ status: 'resolved', replays: 1, seen: 1, resolved: expect.any(Date) as Date }))) // prettier-ignore
  expect(await inLedger('gone')).toEqual({ n: 2, sum: '2000.000000' })

  const records = await readTopic(world.config.kafka, world.config.topic, createLog('silent'))
  const replayed = records.filter((record) => record.headers.some(([name]) => name === 'dlq.replay.id'))
  const original = records.find(({ partition, offset }) => partition === 0 && offset === 0n)
  const copy = replayed.find(({ partition }) => partition === 0)
  expect([copy?.key, copy?.value]).toEqual([original?.key, original?.value])
  expect(copy?.headers.slice(0, 2)).toEqual(headers)
  expect(copy?.headers.slice(2).map(([name, value]) => [name, String(value)])).toEqual([['dlq.replay.id', first?.id], ['dlq.replay.count', '1']]) // prettier-ignore

  const again = await replay(first!.id, second!.id, '--again')
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringMatching(/is resolved: it is never replayed/)])
  const audited = await world.query<{ action: string; detail: { found?: number; sent?: number } }>(`SELECT action, detail FROM audit_entry WHERE action LIKE 'dlq.replay%' ORDER BY id`) // prettier-ignore
  expect(audited).toMatchObject([{ action: 'dlq.replay', detail: { found: 2 } }, { action: 'dlq.replay.end', detail: { sent: 2 } }]) // prettier-ignore
})

test('the cause is still there: one letter, open again, and parked after the third time', async () => {
  await deadLetters([tooMany('still')])
  const counted = await total()
  for (const [index, status] of ['open', 'open', 'parked'].entries()) {
    await replay('--status', 'open')
    expect(await letters()).toMatchObject([{ status, replays: index + 1, seen: index + 2 }])
  }
  expect((await replay()).stdout).toBe('no dead letters to replay fit')
  expect(await inLedger('still')).toEqual({ n: 0, sum: null })
  // Each replay is a record of the topic, and is settled as one; but there is one letter.
  expect([(await letters()).length, (await total()) - counted]).toEqual([1, 3])

  await mended()
  const [letter] = await letters()
  await replay(letter!.id.slice(0, 8))
  expect(await letters()).toMatchObject([{ status: 'resolved', replays: 4 }])
  expect(await inLedger('still')).toEqual({ n: 1, sum: '1000.000000' })
})

test('--edit sends a corrected event in its place, and refuses one that would fail again', async () => {
  const value = tooMany('edit')
  const [letter] = await deadLetters([value])
  const file = join(folder, 'event.json')
  await writeFile(file, JSON.stringify({ ...value, quantity: '1.2345678' }))
  const refused = await dlq('replay', letter!.id, '--edit', file)
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/NUMERIC_SCALE at \/quantity/)])
  expect(await letters()).toMatchObject([{ status: 'open', replays: 0 }])

  await writeFile(file, JSON.stringify({ ...value, quantity: '999' }))
  const run = await replay(letter!.id, '--edit', file)
  expect([run.exitCode, run.stderr]).toEqual([0, ''])
  expect(await letters()).toMatchObject([{ status: 'resolved', replays: 1, code: 'ROW_REJECTED' }])
  expect(await inLedger('edit')).toEqual({ n: 1, sum: '999.000000' })
})

test('replayed twice, and twice at once, changes no total', async () => {
  await deadLetters([tooMany('twice')])
  const [letter] = await letters()
  await mended()
  const both = await Promise.all([dlq('replay'), dlq('replay')])
  await world.drained()
  expect(both.map(({ stdout }) => /^replayed 1 /.test(String(stdout))).sort()).toEqual([false, true])
  await world.query(`UPDATE dead_letter SET status = 'replayed', resolved_at = NULL`) // as if its outcome had been lost
  await replay(letter!.id, '--again')
  expect(await letters()).toMatchObject([{ status: 'resolved', replays: 2 }])
  expect(await inLedger('twice')).toEqual({ n: 1, sum: '1000.000000' })
})

test('killed between mark and send: the next replay sends it, as the same attempt', async () => {
  await deadLetters([tooMany('killed')])
  await mended()
  expect(await replayStore().mark(null, 10)).toHaveLength(1)
  expect((await replay()).stdout).toBe('no dead letters to replay fit') // its lease lasts a minute
  const [letter] = await letters()
  const named = await dlq('replay', letter!.id)
  expect([named.exitCode, named.stderr]).toEqual([1, expect.stringMatching(/being sent by another replay/)])

  await world.query(`UPDATE dead_letter SET replay_claimed_until = now()`)
  expect((await replay()).stdout).toMatch(/^replayed 1 dead letter /)
  expect(await letters()).toMatchObject([{ status: 'resolved', replays: 1 }])
  expect(await inLedger('killed')).toEqual({ n: 1, sum: '1000.000000' })
})

test('a signal in the middle stops in order, and the next run does the rest', async () => {
  await deadLetters(Array.from({ length: 200 }, () => tooMany('stopped')))
  await mended()
  const run = world.sluice(['dlq', 'replay', '--rate', '20', '--yes', '--json'])
  await until('some are sent', async () => (await letters()).some(({ sent }) => sent !== null))
  run.kill('SIGINT')
  const { exitCode, stdout } = await run
  const summary = JSON.parse(String(stdout)) as { sent: number }
  expect([exitCode, summary]).toEqual([130, { sent: expect.any(Number) as number, tooLarge: 0, unsent: 0, ready: 200, lost: 0, wanted: 200, stopped: true, failed: false }]) // prettier-ignore
  await world.drained()
  const resolved = (await letters()).filter(({ status }) => status === 'resolved').length
  expect(resolved).toBe(summary.sent)
  expect(resolved).toBeLessThan(200)
  const refused = await dlq('replay')
  if (200 - resolved > 100) expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/add --yes/)])
  await replay('--yes')
  expect((await letters()).every(({ status, replays }) => status === 'resolved' && replays === 1)).toBe(true)
  expect(await inLedger('stopped')).toEqual({ n: 200, sum: '200000.000000' })
})

test('kill -9 in the middle: the next run sends the rest, also what was marked and not acknowledged; no total changes', async () => {
  await deadLetters(Array.from({ length: 200 }, () => tooMany('sigkill')))
  await mended()
  const run = world.sluice(['dlq', 'replay', '--rate', '40', '--yes'])
  await until('some are sent', async () => (await letters()).some(({ sent }) => sent !== null))
  run.kill('SIGKILL')
  expect((await run).signal).toBe('SIGKILL')
  await world.drained()
  expect((await letters()).some(({ status }) => status === 'open')).toBe(true)
  await world.query('UPDATE dead_letter SET replay_claimed_until = now() WHERE replay_claimed_until IS NOT NULL') // the lease ends
  await replay('--yes')
  expect((await letters()).every(({ status, replays }) => status === 'resolved' && replays === 1)).toBe(true)
  expect(await inLedger('sigkill')).toEqual({ n: 200, sum: '200000.000000' })
})

test('a discarded letter is not sent', async () => {
  const [letter] = await deadLetters([tooMany('discarded'), tooMany('kept')])
  await mended()
  const discarded = await dlq('discard', letter!.id.slice(0, 12), '--reason', 'test data')
  expect([discarded.exitCode, discarded.stdout]).toEqual([0, 'discarded 1 dead letter'])
  expect((await replay()).stdout).toMatch(/^replayed 1 dead letter /)
  expect((await replay(letter!.id)).stderr).toContain('is discarded: it is never replayed')
  expect((await letters()).map(({ status }) => status)).toEqual(['discarded', 'resolved'])
  expect(await inLedger('discarded')).toEqual({ n: 0, sum: null })
})

test('discarded while its copy is under way: what is in the ledger is true, so it becomes resolved', async () => {
  await deadLetters([tooMany('under way')])
  await mended()
  const store = replayStore()
  const [marked] = await store.mark(null, 1)
  const discarded = await dlq('discard', marked!.id, '--reason', 'too late')
  expect(discarded.stdout).toBe('discarded 1 dead letter')
  await world.send([replayRecord(marked!, { partitions: new Map([[world.config.topic, 2]]), edit: null })])
  await store.markSent([marked!])
  await world.drained()
  expect(await letters()).toMatchObject([{ status: 'resolved', replays: 1 }])
  expect(await inLedger('under way')).toEqual({ n: 1, sum: '1000.000000' })
})

test('a forged dlq.replay.id does nothing to the letter that it names', async () => {
  const [letter] = await deadLetters([tooMany('forged')])
  await mended()
  const other = event({ eventId: randomUUID(), vendorItem: { sku: 'forger' } })
  const headers: [string, Buffer][] = [['dlq.replay.id', Buffer.from(letter!.id)], ['dlq.replay.count', Buffer.from('3')]] // prettier-ignore
  await world.send([
    { partition: 0, key: 'I-1', value: Buffer.from(JSON.stringify(other)), headers },
    { partition: 0, key: 'I-1', value: Buffer.from('{'), headers },
  ])
  await world.drained()
  const found = await letters()
  expect(found.find(({ id }) => id === letter!.id)).toMatchObject({ status: 'open', replays: 0, seen: 1 })
  // The second one is a dead letter of its own, like any other.
  expect(found.filter(({ id }) => id !== letter!.id)).toMatchObject([{ status: 'open', code: 'JSON_INVALID' }])
  expect(await inLedger('forger')).toEqual({ n: 1, sum: '2.500000' })
})

test('a topic that is gone is told before anything is marked', async () => {
  await deadLetters([tooMany('topic')])
  await world.query(`UPDATE dead_letter SET topic = 'no-such-topic'`)
  const { exitCode, stderr } = await dlq('replay')
  expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/the topic no-such-topic.* does not exist; nothing was sent\n {2}→ .+/)]) // prettier-ignore
  expect(await letters()).toMatchObject([{ status: 'open', replays: 0 }])
})
