// Trouble made for real members under a real Prometheus, and the alert that it is to fire. The rules look back and wait a twentieth of
// their time (support/prometheus.ts); what they hold a metric against is as it is.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { evict } from '../support/group.ts'
import { ERROR, type KafkaProxy, openKafkaProxy } from '../support/kafka-proxy.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { type Prometheus, startPrometheus } from '../support/prometheus.ts'
import { fetchPrometheus } from '../support/prometheus-binaries.ts'
import { openProxy, type Proxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { alterTopic, holdFlushes, type World } from '../support/world.ts'

const binaries = await fetchPrometheus()
if (!binaries) console.warn('NOT RUN: alerts of real members, there is no Prometheus (apt-get install prometheus)')
const tested = test.skipIf(!binaries)

const DAY_MS = 86_400_000
const NOT_AUTHORISED = 29

let world: World
let prometheus: Prometheus
let database: Proxy
let kafka: KafkaProxy
let first: Member
let second: Member
let env: NodeJS.ProcessEnv
let ports: number[]

const owners = async () => {
  const { members } = await world.admin.group(world.config.groupId, world.config.topic)
  return members.filter(({ partitions }) => partitions.length > 0).length
}

beforeAll(async () => {
  if (!binaries) return
  world = await openArena(2)
  const url = new URL(world.config.databaseUrl)
  database = await openProxy(url.hostname, Number(url.port))
  kafka = await openKafkaProxy(world.config.kafka.brokers)
  url.port = String(database.port)
  env = { ...QUICK_SESSION, DATABASE_URL: url.href, KAFKA_BROKERS: kafka.brokers.join(',') }
  ports = await freePorts(3)
  first = world.start('first', { ...env, HTTP_PORT: String(ports[0]) })
  second = world.start('second', { ...env, HTTP_PORT: String(ports[1]) })
  await until('each owns a partition', async () => (await owners()) === 2, { describe: first.tail })
  prometheus = await startPrometheus(binaries.prometheus, ports.map((port) => `127.0.0.1:${port}`)) // prettier-ignore
  await send()
  await world.drained()
})
afterAll(async () => {
  if (!binaries) return
  await prometheus.stop()
  await world.close()
  await Promise.all([kafka.close(), database.close()])
})

const send = (...over: object[]) => world.send([0, 1].flatMap((partition) => (over.length === 0 ? [{}] : over).map((each) => ({ ...recordOf(event(), partition), ...each })))) // prettier-ignore
const fires = async (...alerts: string[]) => {
  const firing = await prometheus.firing()
  return alerts.every((alert) => firing.includes(alert))
}
const told = (alerts: readonly string[], timeoutMs = 90_000) =>
  until(`${alerts.join(', ')} fires`, () => fires(...alerts), {
    timeoutMs,
    describe: () => `${first.tail()}\n${second.tail()}`,
  })
/** Makes trouble again and again, until it is told of. */
async function troubledUntil(alerts: readonly string[], trouble: () => Promise<unknown>, timeoutMs = 150_000) {
  expect(await fires(...alerts)).toBe(false)
  const deadline = performance.now() + timeoutMs
  while (!(await fires(...alerts))) {
    expect(performance.now(), `${alerts.join(', ')}: ${first.tail()}`).toBeLessThan(deadline)
    await trouble()
  }
}
const well = async () => {
  await world.drained()
  await until('each owns a partition again', async () => (await owners()) === 2, { describe: first.tail })
}
const retries = (member: Member) => member.lines('cannot reach the sink or it refuses for now; trying again').length
/** For each lock that waits: a flush. */
const waiting = async () =>
  (await world.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).length // prettier-ignore

tested('old records that a lock keeps from being written: lag, retention, stuck, slow flushes', async () => {
  for (const round of [1, 2]) {
    const before = [first, second].map(retries)
    const holder = await holdFlushes(world)
    onTestFinished(() => holder.release().catch(() => {}))
    await send({ timestamp: Date.now() - 5 * DAY_MS })
    if (round === 1) await told(['SluiceLagHigh', 'SluiceRetentionNear', 'SluiceStuck'])
    // The time-out of a lock is ten seconds: a flush of more than fifteen has met it twice.
    await until('the lock was met twice', () => [first, second].every((member, i) => retries(member) >= before[i]! + 2))
    await holder.release()
    await world.drained()
  }
  await told(['SluiceFlushSlow'])
})

tested('PostgreSQL is away', async () => {
  await send()
  database.silent()
  onTestFinished(database.up)
  await told(['SluiceDatabaseSilent'], 120_000)
  database.up()
  await well()
})

tested('PostgreSQL has no room: retries by SQLSTATE', async () => {
  await world.query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION full_disk()`)
  onTestFinished(async () => void (await world.query('DROP TRIGGER IF EXISTS full_disk ON ledger_entry')))
  await send()
  await told(['SluiceDatabaseRetries'])
  await world.query('DROP TRIGGER full_disk ON ledger_entry')
  await well()
})

tested('the DLQ topic refuses a letter, then is gone: at the first failure', async () => {
  await alterTopic(world, { 'max.message.bytes': '100' }, world.config.dlqTopic)
  await send({ value: Buffer.from('no JSON') })
  await told(['SluiceDlqDeferred'])
  await world.admin.deleteTopics([world.config.dlqTopic])
  await send({ value: Buffer.from('no JSON either') })
  await told(['SluiceDlqPublishFailing', 'SluiceDlqBacklog'], 120_000)
  const { topic, dlqTopic } = world.config
  await world.admin.createTopics({ topic, dlqTopic, partitions: 2, replicationFactor: 1 })
  // Those that the topic refused are tried again in ten minutes.
  await world.query('UPDATE dead_letter SET deferred_until = NULL WHERE published_at IS NULL')
  await well()
})

tested('no commit to Kafka succeeds', async () => {
  const refused = kafka.rule({ api: 'OffsetCommit', times: Infinity, fault: { error: NOT_AUTHORISED } })
  onTestFinished(refused.end)
  await troubledUntil(['SluiceCommitFailing'], send)
  refused.end()
  await well()
})

tested('a process that is started again and again', async () => {
  await troubledUntil(['SluiceProcessRestarts'], async () => {
    const started = await startTime()
    const restless = world.start('restless', { ...env, HTTP_PORT: String(ports[2]) })
    await until('it was scraped', async () => (await startTime()) !== started, { describe: restless.tail })
    restless.kill('SIGKILL')
    await restless.ended
  })
  await well()
})
const startTime = async () =>
  (await prometheus.query(`last_over_time(process_start_time_seconds{instance="127.0.0.1:${ports[2]}"}[1h])`))[0]?.value

tested('a member that the group loses again and again', async () => {
  await troubledUntil(['SluiceRebalancing'], async () => {
    await evict(world.config, 'first')
    await until('it is back', async () => (await owners()) === 2, { describe: first.tail })
  })
  await well()
})

tested('the Kafka client ends again and again', async () => {
  const refused = kafka.rule({ api: 'FindCoordinator', times: Infinity, fault: { refuse: ERROR.requestTimedOut } })
  onTestFinished(refused.end)
  await evict(world.config, 'first')
  await told(['SluiceKafkaClientRestarts'])
  refused.end()
  await well()
})

tested('PostgreSQL holds less than it had confirmed', async () => {
  await world.query('UPDATE consumer_offset SET next_offset = start_offset, inserted = 0, duplicate = 0, ignored = 0, dead_lettered = 0') // prettier-ignore
  await send()
  await told(['SluiceRewound'])
  await well()
})

/** As another owner would: it settles one record more than the batch that waits for the row has. */
async function overtake(other: Awaited<ReturnType<World['connect']>>) {
  await other.query('BEGIN')
  await other.query('SELECT 1 FROM consumer_offset WHERE group_id = $1 ORDER BY partition FOR UPDATE', [world.config.groupId]) // prettier-ignore
  await send()
  await until('both flushes wait for the row', async () => (await waiting()) >= 2)
  await send()
  await other.query('UPDATE consumer_offset SET next_offset = next_offset + 2, ignored = ignored + 2 WHERE group_id = $1', [world.config.groupId]) // prettier-ignore
  await other.query('COMMIT')
  await world.drained()
}
tested('members write what others have settled, all the time', async () => {
  const other = await world.connect()
  await troubledUntil(['SluiceFenced'], () => overtake(other), 180_000)
  other.release()
})
