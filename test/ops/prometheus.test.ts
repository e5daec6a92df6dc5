// A real Prometheus scrapes real members: every panel of the dashboard has data, no alert fires while all is well, and some
// fire when they should (more of them: alerts.test.ts; all of them, under promtool: unit/ops/alerts.test.ts).
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { type Prometheus, startPrometheus } from '../support/prometheus.ts'
import { fetchPrometheus } from '../support/prometheus-binaries.ts'
import { filled, panels } from '../support/promql.ts'
import { until } from '../support/until.ts'
import { holdFlushes, type World } from '../support/world.ts'

const binaries = await fetchPrometheus()
if (!binaries) console.warn('NOT RUN: a real Prometheus, there is none (apt-get install prometheus, or PROMETHEUS_BIN)')

let world: World
let prometheus: Prometheus
let members: Member[]
let publishing: ReturnType<World['sluice']>
const ended = new AbortController()

beforeAll(async () => {
  if (!binaries) return
  world = await openArena(2)
  const ports = await freePorts(2)
  members = ports.map((port, i) => world.start(`ops-${i + 1}`, { ...QUICK_SESSION, HTTP_PORT: String(port) }))
  await until('both own a partition', async () => {
    const { members: found } = await world.admin.group(world.config.groupId, world.config.topic)
    return found.length === 2 && found.every(({ partitions }) => partitions.length === 1)
  })
  prometheus = await startPrometheus(binaries.prometheus, ports.map((port) => `127.0.0.1:${port}`)) // prettier-ignore
  // Some of them are bad: panels of dead letters have something to show.
  publishing = world.sluice(['publish', '--generate', '60000', '--bad', '60', '--seed', '7', '--rate', '100'], { cancelSignal: ended.signal }) // prettier-ignore
})
afterAll(async () => {
  if (!binaries) return
  ended.abort()
  await publishing
  await prometheus.stop()
  await world.close()
})

/** A row that is refused, and every insert slow: to look for it takes too long for one transaction, and the batch is cut. */
async function cutBatch() {
  const refused = event()
  await world.query(`ALTER TABLE ledger_entry ADD CONSTRAINT refuses CHECK (event_id <> '${refused.eventId}')`)
  await world.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN NULL; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION slow()`)
  await world.send([recordOf(refused, 0)])
  const cut = () => members.some((member) => member.lines('too much for one transaction; cutting the batch smaller').length > 0) // prettier-ignore
  await until('a batch is cut', cut, {
    timeoutMs: 90_000,
    describe: () => members.map((each) => each.tail()).join('\n'),
  })
  await world.query('DROP TRIGGER slow ON ledger_entry')
}

test.skipIf(!binaries)('in a healthy group under load no alert fires', async () => {
  await until('a minute of samples', async () => {
    const [up] = await prometheus.query('min(min_over_time(sluice_ready[20s])) == 1 and count_over_time(sum(up)[20s:1s]) >= 18')
    return up !== undefined
  }, { timeoutMs: 120_000, describe: prometheus.log }) // prettier-ignore
  expect(await prometheus.firing()).toEqual([])
})

test.skipIf(!binaries)('every panel has data', async () => {
  // Retries are seen only where there were some: a lock is held for longer than lock_timeout.
  const holder = await holdFlushes(world)
  await members[0]!.logged('cannot reach the sink or it refuses for now; trying again', () => true, 60_000)
  await holder.release()
  await cutBatch()
  await world.sluice(['dlq', 'stats'])
  const empty = async () => {
    const found: string[] = []
    for (const { title, targets = [] } of panels)
      for (const { expr } of targets) {
        const samples = await prometheus.query(filled(expr.replace(/ or vector\(0\)/g, ''), world.config))
        if (!samples.some(({ value }) => !Number.isNaN(value))) found.push(`${title}: ${expr}`)
      }
    return found
  }
  let last: string[] = []
  await until('data in every panel', async () => (last = await empty()).length === 0, { timeoutMs: 90_000, describe: () => last.join('\n') }) // prettier-ignore
})

test.skipIf(!binaries)(
  'a closed gate, many dead letters, a member that is killed, none left: each is told',
  async () => {
    const told = (alert: string, timeoutMs = 60_000) => until(`${alert} fires`, async () => (await prometheus.firing()).includes(alert), { timeoutMs, describe: prometheus.log }) // prettier-ignore

    await world.sluice(['pause', '--reason', 'to see the alert'])
    await told('SluiceGateClosed')
    expect(await prometheus.firing()).not.toContain('SluiceStuck')
    await world.sluice(['resume'])
    await until('the gate’s alert is over', async () => !(await prometheus.firing()).includes('SluiceGateClosed'))

    await world.send(
      Array.from({ length: 100 }, (_, i) => ({ ...recordOf(event(), i % 2), value: Buffer.from('no JSON') })),
    )
    await told('SluiceDeadLettersMany')

    members[0]!.kill('SIGKILL')
    await told('SluiceMemberDown')
    members[1]!.kill('SIGKILL')
    // Prometheus forgets a series when its target is gone for five minutes, or says nothing: at once.
    await told('SluiceNoMembers', 90_000)
  },
  240_000,
)
