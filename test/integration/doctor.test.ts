// `sluice doctor`: what is well is ok, each thing that is broken is found by its name, and the rest is looked at all the same.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Checked } from '../../src/doctor/check.ts'
import { openArena } from '../support/arena.ts'
import { freshDatabase } from '../support/stack.ts'
import { alterTopic, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

const doctor = async (extra: NodeJS.ProcessEnv = {}) => {
  const env = { ...world.env, ...extra }
  const { exitCode, stdout, stderr } = await world.sluice(['doctor', '--json'], { env })
  expect(stderr).toBe('')
  const { password } = new URL(world.config.databaseUrl)
  for (const secret of ['planted', ...(password === '' ? [] : [password])]) expect(stdout).not.toContain(secret)
  const { ok, checks } = JSON.parse(String(stdout)) as { ok: boolean; checks: Checked[] }
  expect(exitCode).toBe(ok ? 0 : 1)
  const statusOf = (area: string, check: string) => checks.find((each) => each.area === area && each.check === check)
  return { ok, checks, statusOf, failed: checks.filter(({ status }) => status === 'fail').map(({ area, check }) => `${area}: ${check}`) } // prettier-ignore
}

test('of a world that is well nothing fails and nothing is skipped, and every warning says what mends it', async () => {
  const { ok, checks } = await doctor()
  expect(checks.filter(({ status }) => status === 'fail' || status === 'skip')).toEqual([])
  expect(ok).toBe(true)
  expect(checks.length).toBeGreaterThan(20)
  for (const { status, remedy, check } of checks) if (status !== 'ok') expect(remedy, check).toBeTruthy()
})

test('a topic that is not there, one that is compacted, a DLQ topic that forgets', async () => {
  const missing = await doctor({ KAFKA_TOPIC: 'not-there' })
  expect(missing.failed).toEqual(['Kafka: topics'])
  expect(missing.statusOf('Kafka', 'topics')).toMatchObject({ found: 'topic "not-there" does not exist', remedy: 'create what is missing: sluice topics create' }) // prettier-ignore
  expect(missing.statusOf('PostgreSQL', 'rights')?.status).not.toBe('skip')

  await alterTopic(world, { 'cleanup.policy': 'compact' })
  expect((await doctor()).failed).toEqual(['Kafka: topics'])
  await alterTopic(world, { 'cleanup.policy': 'delete', 'retention.ms': '3600000' })
  expect((await doctor()).statusOf('Kafka', 'retention')).toMatchObject({ status: 'warn' })
})

test('Kafka away, PostgreSQL away: the other one is looked at all the same', async () => {
  const noKafka = await doctor({ KAFKA_BROKERS: '127.0.0.1:1' })
  expect(noKafka.failed).toEqual(['Kafka: reachable'])
  expect(noKafka.statusOf('PostgreSQL', 'schema')).toMatchObject({ status: 'ok' })
  expect(noKafka.statusOf('Kafka', 'topics')).toMatchObject({ status: 'skip' })

  const noDatabase = await doctor({ DATABASE_URL: 'postgres://u:planted@127.0.0.1:2/nowhere' })
  expect(noDatabase.failed).toEqual(['PostgreSQL: reachable'])
  expect(noDatabase.statusOf('Kafka', 'topics')).toMatchObject({ status: 'ok' })
})

test('a database without tables, a configuration with faults, a session time-out that the brokers refuse', async () => {
  const { url, drop } = await freshDatabase()
  const empty = await doctor({ DATABASE_URL: url })
  expect(empty.failed).toEqual(['PostgreSQL: schema'])
  expect(empty.statusOf('PostgreSQL', 'schema')?.remedy).toMatch(/sluice migrate/)
  await drop()

  const faulty = await doctor({ DATABASE_URL: '', FLUSH_MAX_RECORDS: 'many' })
  expect(faulty.failed).toEqual(['configuration: variables'])
  expect(faulty.checks[0]?.found).toMatch(/2 faults/)

  // The database alone is missing: Kafka is looked at.
  const half = await doctor({ DATABASE_URL: '' })
  expect(half.failed).toEqual(['configuration: variables'])
  expect(half.statusOf('Kafka', 'topics')).toMatchObject({ status: 'ok' })
})

test('the gate, positions that members refuse, a pool that is too large, rights that are missing', async () => {
  await world.sluice(['pause', '--reason', 'planned'])
  const { statusOf } = await doctor({ DATABASE_POOL_SIZE: '200' })
  expect(statusOf('group', 'gate')).toMatchObject({ status: 'warn', remedy: 'mend the cause, then: sluice resume' })
  expect(statusOf('PostgreSQL', 'connections')).toMatchObject({ status: 'fail' })
  await world.sluice(['resume'])

  await world.query(
    `INSERT INTO consumer_offset (group_id, topic, partition, next_offset, start_offset) VALUES ($1, $2, 0, 900, 900)`,
    [world.config.groupId, world.config.topic],
  )
  expect((await doctor()).failed).toEqual(['group: positions'])

  const name = `doctor_${world.config.topic.replaceAll('-', '_')}`
  await world.query(`CREATE ROLE ${name} LOGIN PASSWORD 'planted-secret'`)
  const url = new URL(world.config.databaseUrl)
  Object.assign(url, { username: name, password: 'planted-secret' })
  await world.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`)
  const lacking = await doctor({ DATABASE_URL: url.href })
  expect(lacking.statusOf('PostgreSQL', 'rights')).toMatchObject({ status: 'fail', found: expect.stringMatching(/INSERT on item, UPDATE on item.*DELETE on member_sample/) as string }) // prettier-ignore
  await world.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`)
})

test('for people: areas, marks, remedies, a count', async () => {
  const { stdout } = await world.sluice(['doctor'])
  expect(stdout).toMatch(/^configuration\n {2}ok {4}variables/)
  expect(stdout).toMatch(/\n {2}FAIL {2}positions .*\n +→ stop the members, then decide/)
  expect(stdout).toMatch(/\n\d+ ok, \d+ to think about, 1 failed$/)
})
