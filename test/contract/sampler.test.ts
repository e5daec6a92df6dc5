// The sampler of the fault lane must be able to fail: each invariant is broken by hand, and it sees that one and no other.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateEvents } from '../../src/publish/generate.ts'
import { openArena } from '../support/arena.ts'
import { freePort } from '../support/free-port.ts'
import type { Member } from '../support/member.ts'
import { notOk } from '../support/oracle.ts'
import { type Sampler, startSampler } from '../support/sampler.ts'
import { until } from '../support/until.ts'
import { holdFlushes, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(1)
  await world.query('INSERT INTO consumer_offset (group_id, topic, partition, start_offset, next_offset) VALUES ($1, $2, 0, 100, 100)', [world.config.groupId, world.config.topic]) // prettier-ignore
  await commit(100n)
})
afterAll(() => world.close())

const commit = (position: bigint) =>
  world.admin.commitOffsets(world.config.groupId, world.config.topic, new Map([[0, position]]))
const moveTo = (position: number) =>
  world.query('UPDATE consumer_offset SET start_offset = $1, next_offset = $1', [position])

const LOOKED = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sampler'
  AND query LIKE 'SELECT partition, next_offset%' AND state = 'idle' AND query_start > $1`

/** What it finds while `breaks` is done, after it has looked once and until it has seen it. No member is here: I11 is below. */
const sampled = async (breaks: (sampler: Sampler) => Promise<unknown>) => {
  const heard: string[] = []
  const sampler = await startSampler(world, { everyMs: 50, share: 1, say: (line) => heard.push(line) })
  await until('it has looked', () => sampler.looks() > 1)
  sampler.struck()
  await breaks(sampler)
  const looks = sampler.looks()
  await until('it has looked again', () => sampler.looks() > looks + 2)
  return { found: notOk(await sampler.stop()).filter((line) => !line.startsWith('I11 ')), heard }
}

test('nothing is wrong: nothing is found', async () => {
  expect(await sampled(async () => {})).toEqual({ found: [], heard: [] })
})

test('I5: an item whose inventory is not the sum of its entries', async () => {
  const { found } = await sampled(() => world.query('INSERT INTO inventory (item_id, quantity) VALUES (1, 5)'))
  expect(found).toEqual([expect.stringMatching(/^I5 /)])
  await world.query('DELETE FROM inventory')
})

test('I6: Kafka ahead of PostgreSQL, and a commit that goes back', async () => {
  const ahead: unknown = expect.stringMatching(/^I6 partitions that Kafka had ahead/)
  const back: unknown = expect.stringMatching(/^I6 commits in Kafka that went back/)
  expect((await sampled(() => commit(101n))).found).toEqual([ahead])
  expect((await sampled(() => commit(100n))).found).toEqual(expect.arrayContaining([back]))
  await commit(99n)
  // Between two looks, and made good again: Kafka's log has it all the same.
  expect((await sampled(() => commit(98n).then(() => commit(99n)))).found).toEqual([back])
  await commit(100n)
})

test('I7: a position that decreases, unless a fail-over was told', async () => {
  const { found } = await sampled(() => moveTo(90))
  expect(found).toEqual(expect.arrayContaining([expect.stringMatching(/^I7 /)]))
  await moveTo(100)
  const failOver = async ({ rewound }: Sampler) => {
    // Nobody can look while the other server takes over.
    const client = await world.connect()
    await client.query('BEGIN; LOCK TABLE consumer_offset IN ACCESS EXCLUSIVE MODE')
    rewound()
    await client.query('UPDATE consumer_offset SET start_offset = 90, next_offset = 90; COMMIT')
    client.release()
    await commit(90n)
  }
  expect(await sampled(failOver)).toEqual({ found: [], heard: [] })
  // An operator: looks go on meanwhile.
  const reset = ({ rewind }: Sampler) =>
    rewind(async () => {
      const [moved] = await world.query<{ at: Date }>('SELECT now() AS at')
      await moveTo(80)
      await until('it has looked', async () => (await world.query(LOOKED, [moved!.at])).length > 0)
      await commit(80n)
    })
  await moveTo(90)
  await commit(90n)
  expect(await sampled(reset)).toEqual({ found: [], heard: [] })
  await moveTo(100)
})

describe('I11, of a real member', () => {
  const RECORDS = 3_000
  let own: World
  let member: Member
  beforeAll(async () => {
    own = await openArena(1)
    member = own.start('member', {
      ...{ FLUSH_MAX_RECORDS: '100', FLUSH_MAX_AGE_MS: '100' },
      HTTP_PORT: String(await freePort()),
    })
    await member.logged('partitions assigned')
  })
  afterAll(() => own.close())

  /** While it settles new records, which have to wait at a lock until most of them are in its buffer. */
  const settling = async (
    seed: number,
    limits: Partial<Pick<World['config'], 'bufferMaxRecords' | 'bufferMaxBytes'>>,
    maxRssMib?: number,
  ) => {
    const options = maxRssMib === undefined ? {} : { maxRssMib }
    const sampler = await startSampler({ ...own, config: { ...own.config, ...limits } }, { everyMs: 50, ...options })
    sampler.struck()
    const held = await holdFlushes(own)
    await own.send([...generateEvents({ count: RECORDS, seed, bad: 0 })].map(({ key, value }) => ({ key, value })))
    await held.blocked(member)
    await held.release()
    await own.drained()
    await until('it has looked', () => sampler.looks() > 1)
    return notOk(await sampler.stop())
  }

  test('memory and buffer within their limits: nothing is found', async () => {
    expect(await settling(1, {})).toEqual([])
  })

  test('more memory than it may have', async () => {
    expect(await settling(2, {}, 10)).toEqual([expect.stringMatching(/^I11 largest RSS .* expected at most 10, found \d{2,3}$/)]) // prettier-ignore
  })

  test('more in its buffer than it may have, records and bytes', async () => {
    expect(await settling(3, { bufferMaxRecords: 150, bufferMaxBytes: 9_999 })).toEqual([
      expect.stringMatching(/^I11 most records in a buffer.* expected at most 150, found [\d,]+$/),
      expect.stringMatching(/^I11 most bytes in a buffer.* expected at most 9,999, found [\d,]+$/),
    ])
  })
})

test('that never looked has proved nothing, of no invariant', async () => {
  const nowhere = { ...world, config: { ...world.config, databaseUrl: 'postgresql://nobody@127.0.0.1:1/x' } }
  const sampler = await startSampler(nowhere)
  sampler.struck()
  // One of I6 is read from Kafka's log, which is there.
  expect(invariantsOf(notOk(await sampler.stop()))).toEqual(['I5', 'I6', 'I7', 'I11', 'I11', 'I11'])
})

test('what it looked at before the fault began proves nothing either', async () => {
  const sampler = await startSampler(world, { everyMs: 50, share: 1 })
  await until('it has looked', () => sampler.looks() > 1)
  expect(invariantsOf(notOk(await sampler.stop()))).toEqual(['I5', 'I6', 'I6', 'I7', 'I11', 'I11', 'I11'])
})

const invariantsOf = (lines: readonly string[]) => lines.map((line) => line.slice(0, line.indexOf(' ')))
