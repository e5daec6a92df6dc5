// The sampler of the fault lane must be able to fail: each invariant is broken by hand, and it sees that one and no other.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { notOk } from '../support/oracle.ts'
import { startSampler } from '../support/sampler.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

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

/** What it finds while `breaks` is done, after it has looked once and until it has seen it. */
const sampled = async (breaks: (rewound: () => void) => Promise<unknown>) => {
  const heard: string[] = []
  const sampler = await startSampler(world, { everyMs: 50, share: 1, say: (line) => heard.push(line) })
  await until('it has looked', () => sampler.looks() > 1)
  await breaks(() => sampler.rewound())
  const looks = sampler.looks()
  await until('it has looked again', () => sampler.looks() > looks + 2)
  return { found: notOk(await sampler.stop()), heard }
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
  expect((await sampled(() => commit(101n))).found).toEqual([
    expect.stringMatching(/^I6 partitions that Kafka had ahead/),
  ])
  expect((await sampled(() => commit(100n))).found).toEqual(expect.arrayContaining([expect.stringMatching(/^I6 commits in Kafka that went back/)])) // prettier-ignore
})

test('I7: a position that decreases, unless a fail-over was told', async () => {
  const { found } = await sampled(() => moveTo(90))
  expect(found).toEqual(expect.arrayContaining([expect.stringMatching(/^I7 /)]))
  await moveTo(100)
  const failOver = async (rewound: () => void) => {
    // Nobody can look while the other server takes over.
    const client = await world.connect()
    await client.query('BEGIN; LOCK TABLE consumer_offset IN ACCESS EXCLUSIVE MODE')
    rewound()
    await client.query('UPDATE consumer_offset SET start_offset = 90, next_offset = 90; COMMIT')
    client.release()
    await commit(90n)
  }
  expect(await sampled(failOver)).toEqual({ found: [], heard: [] })
})

test('that never looked has proved nothing', async () => {
  const sampler = await startSampler({
    ...world,
    config: { ...world.config, databaseUrl: 'postgresql://nobody@127.0.0.1:1/x' },
  })
  const lines = notOk(await sampler.stop())
  expect(lines.map((line) => line.slice(0, 2))).toEqual(['I5', 'I6', 'I6', 'I7'])
})
