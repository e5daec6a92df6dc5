// HTTP of real members: what they say of the group is what is in PostgreSQL and Kafka, and what is behind the token stays there.
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { type Answered, type Description, faultsOf } from '../support/openapi.ts'
import { until } from '../support/until.ts'
import { holdFlushes, type World } from '../support/world.ts'

const TOKEN = 'planted-Zk-token-0123456789'
const SECRET = 'planted-Zk-record'

let world: World
let port: number
beforeAll(async () => {
  world = await openArena(2)
  port = await freePort()
})
afterAll(() => world.close())

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })

type Asked = { method?: string; headers?: Record<string, string>; body?: object | string }
const ask = async (path: string, { method = 'GET', headers = {}, body }: Asked = {}) => {
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {}
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...type, ...headers },
    body: text ?? null,
  })
  const answer = { status: response.status, headers: response.headers, text: await response.text() }
  if (path.startsWith('/api/')) answers.push({ method, path: path.replace(/\?.*/s, ''), ...answer })
  return answer
}
/** All that was answered, for the last test. */
const answers: Answered[] = []
type Json = Record<string, never> & { [key: string]: Json }
const json = async (path: string, asked: Asked = {}) => JSON.parse((await ask(path, asked)).text) as Json
const bearer = { authorization: `Bearer ${TOKEN}` }

/** Prometheus's text as name{labels} → value; without the labels that every series has. */
const metrics = async () =>
  new Map(
    (await ask('/metrics')).text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) =>
        line.replace(/(?<={)group="[^"]*",topic="[^"]*",?|,group="[^"]*",topic="[^"]*"/, '').replace('{}', ''),
      )
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))] as const),
  )

/** A value that is no event, one that is ignored, one that comes twice. */
const bad = (secret: string, headers: [string, Buffer][] = []) => ({
  key: Buffer.from(`${secret}-key`),
  value: Buffer.from(`{"eventId": "${secret}"}`),
  headers,
  partition: 0,
})

test('counts and lag are those of PostgreSQL and Kafka, of the whole group, and no secret is told', async () => {
  const member = world.start('asked', { ...QUICK_SESSION, HTTP_PORT: String(port), ADMIN_TOKEN: TOKEN })
  await until('it is ready', async () => (await ask('/ready').catch(() => null))?.status === 200, {
    describe: member.tail,
  })
  const twice = event()
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  await world.send([
    ...Array.from({ length: 40 }, (_, at) => recordOf(event(), at % 2)),
    ...[recordOf(twice, 1), recordOf(twice, 1)],
    bad(SECRET, [['traceparent', Buffer.from(`00-${trace}-00f067aa0ba902b7-01`)]]),
    { key: Buffer.from('k'), value: null, headers: [], partition: 1 },
  ])
  await world.drained()
  const { inserted, duplicate, deadLettered, ignored } = await world.totals()
  expect({ inserted, duplicate, deadLettered, ignored }).toEqual({
    inserted: 41,
    duplicate: 1,
    deadLettered: 1,
    ignored: 1,
  })

  const counted = await metrics()
  const outcomes = ['inserted', 'duplicate', 'dead_lettered', 'ignored', 'already_settled']
  expect(outcomes.map((outcome) => counted.get(`sluice_records_total{outcome="${outcome}"}`))).toEqual([41, 1, 1, 1, 0])
  const consumed = [0, 1].map((partition) => counted.get(`sluice_records_consumed_total{partition="${partition}"}`))
  expect(consumed).toEqual([21, 23])
  expect(counted.get('sluice_end_to_end_latency_seconds_count')).toBe(44)
  expect(counted.get('sluice_flush_records_sum')).toBe(44)
  expect(counted.get('sluice_dlq_unresolved{code="EVENT_ID_INVALID"}')).toBe(1)
  expect(counted.get('sluice_db_connection_wait_seconds_count')).toBeGreaterThan(0)
  expect(counted.get('sluice_rebalance_duration_seconds_count')).toBe(0)
  const published = async () => (await metrics()).get('sluice_dlq_publish_duration_seconds_count') === 1
  await until('the dead letter is on its topic', published, { describe: member.tail })
  expect([...counted.keys()].some((name) => name.startsWith('nodejs_eventloop_lag_p99'))).toBe(true)

  // A second member: either of them tells of both.
  const other = world.start('other', QUICK_SESSION)
  const both = async () => {
    const { members, partitions } = await json('/api/state')
    const owners = new Set((partitions as unknown as { memberId: string }[]).map(({ memberId }) => memberId))
    return (members as unknown as { alive: boolean }[]).filter(({ alive }) => alive).length === 2 && owners.size === 2
  }
  await until('both have a partition', both, { describe: other.tail })
  const joined = await metrics()
  expect(joined.get('sluice_rebalance_duration_seconds_sum')).toBeGreaterThan(0)
  expect(joined.get('sluice_rebalance_duration_seconds_count')).toBe(joined.get('sluice_rebalances_total'))
  const standing = await world.standing()
  const agree = async () => {
    const { partitions } = await json('/api/state')
    return standing.every(({ partition, next, end, committed }) => {
      const found = partitions?.[partition]
      return JSON.stringify([found?.['position'], found?.['end'], found?.['committed'], found?.['lagRecords'], found?.['lagSeconds']]) === JSON.stringify([Number(next), Number(end), Number(committed), 0, 0]) // prettier-ignore
    })
  }
  await until('the state is that of Kafka and PostgreSQL', agree)
  expect(member.lines('dead letter')[0]).toMatchObject({ traceId: trace })

  // Blocked: lag rises in all three.
  const lock = await holdFlushes(world)
  const old = Date.now() - 7_200_000
  await world.send(
    [0, 1].flatMap((partition) => [0, 1, 2].map(() => ({ ...recordOf(event(), partition), timestamp: old }))),
  )
  const behind = async () => {
    const { lag } = await json('/api/state')
    return Number(lag?.['records']) === 6 && Number(lag?.['seconds']) > 7_195 && Number(lag?.['seconds']) < 7_230
  }
  await until('the lag is told', behind, { describe: () => member.tail() })
  const blocked = [...(await metrics())].filter(([name]) => name.startsWith('sluice_partition_lag_records'))
  expect(blocked.map(([, value]) => value)).toEqual([3])
  await lock.release()
  await world.drained()
  await until('the lag is gone', async () => Number((await json('/api/state')).lag?.['records']) === 0)

  other.kill('SIGTERM')
  expect((await other.ended).code).toBe(0)
  type Row = { clientId: string; alive: boolean; state: { phase: string } }
  const stopped = async () => {
    const { members } = await json('/api/state')
    const found = (members as unknown as Row[]).find(({ clientId }) => clientId === 'other')
    return found?.alive === false && found.state.phase === 'stopped'
  }
  await until('it said that it stopped', stopped)

  // A slot of 15 s, once it is over.
  await until('the history has it', async () => {
    const { points } = await json('/api/history?minutes=5')
    return (points as unknown as { inserted: number }[]).some(({ inserted }) => inserted > 0)
  })
  const nowOf = async (query: string) => (await json(`/api/history?${query}`))['now']
  await until(
    'one answer is kept for two',
    async () => (await nowOf('minutes=5')) === (await nowOf('minutes=15&points=100')),
  )
  const { batches } = await json('/api/batches')
  expect((batches as unknown as { failedItems: { code: string }[] }[]).flatMap(({ failedItems }) => failedItems.map(({ code }) => code))).toEqual(['EVENT_ID_INVALID']) // prettier-ignore
  expect(await json(`/api/invoices/${twice.invoiceId}`)).toMatchObject({ results: [{ status: 'success' }] })

  const paths = [
    '/metrics',
    '/api/state',
    '/api/history',
    '/api/batches',
    '/api/dead-letters',
    '/api/dead-letters/stats',
    '/api/openapi.json',
  ]
  const { letters } = await json('/api/dead-letters')
  const id = String(letters?.[0]?.['id'])
  const said = await Promise.all([...paths, `/api/dead-letters/${id}`].map(async (path) => (await ask(path)).text))
  const password = new URL(world.config.databaseUrl).password
  for (const secret of [SECRET, TOKEN, password].filter((each) => each !== ''))
    expect(said.join('\n')).not.toContain(secret)
})

test('the record of a dead letter: with the token, whole; without it, not at all', async () => {
  const { letters } = await json('/api/dead-letters?status=open&code=EVENT_ID_INVALID')
  const id = String(letters?.[0]?.['id'])
  expect(await json(`/api/dead-letters/${id}`)).toMatchObject({
    record: null,
    withheld: true,
    code: 'EVENT_ID_INVALID',
  })
  expect((await ask(`/api/dead-letters/${id}`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
  const found = await json(`/api/dead-letters/${id.slice(0, 12)}`, { headers: bearer })
  expect(found).toMatchObject({ withheld: false, record: { key: { text: `${SECRET}-key` }, value: { form: 'json' } } })
  expect(Buffer.from(String(found['record']?.['value']?.['base64']), 'base64').toString()).toContain(SECRET)
})

test.each([
  ['no token', {}, { ids: ['000000'] }, 401],
  ['a wrong token', { authorization: `Bearer ${TOKEN}x` }, { ids: ['000000'] }, 401],
  ['another page', { ...bearer, origin: 'https://evil.example' }, { ids: ['000000'] }, 403],
  ['a form', { ...bearer, 'content-type': 'text/plain' }, '{}', 415],
  ['broken JSON', { ...bearer, 'content-type': 'application/json' }, '{', 400],
  ['neither ids nor a filter', bearer, {}, 400],
  ['a filter that says nothing', bearer, { filter: {} }, 400],
  ['a filter of empty lists', bearer, { filter: { code: [], status: [] } }, 400],
  ['an unknown field', bearer, { filter: { codes: ['EVENT_ID_INVALID'] } }, 400],
  ['an unknown letter', bearer, { ids: ['00000000'] }, 404],
  ['a body beyond the cap', bearer, { filter: { user: 'x'.repeat(70_000) } }, 413],
] as const)('a replay is refused: %s', async (_, headers, body, status) => {
  expect((await ask('/api/dead-letters/replay', { method: 'POST', headers, body })).status).toBe(status)
})

test('a record that could not be stored is not shown as one without a value', async () => {
  const { letters } = await json('/api/dead-letters?status=open&code=EVENT_ID_INVALID')
  const id = String(letters?.[0]?.['id'])
  const [kept] = await world.query('SELECT key, value FROM dead_letter WHERE id = $1', [id])
  await world.query('UPDATE dead_letter SET key = NULL, value = NULL, value_sha256 = $2 WHERE id = $1', [id, 'x'])
  const lost = { record: null, withheld: false, stored: false }
  expect(await json(`/api/dead-letters/${id}`, { headers: bearer })).toMatchObject(lost)
  expect(await json(`/api/dead-letters/${id}`)).toMatchObject(lost)
  const back = 'UPDATE dead_letter SET key = $2, value = $3, value_sha256 = NULL WHERE id = $1'
  await world.query(back, [id, kept?.['key'], kept?.['value']])
})

/** Of a job, when it has ended. */
const over = async (id: string) => {
  let last: Json = {}
  await until('the job is over', async () => {
    last = await json(`/api/jobs/${id}`, { headers: bearer })
    return String(last['state']) !== 'running'
  })
  return last
}

test('replay, and discard by a filter: jobs, on record, and as the commands do it', async () => {
  const { letters } = await json('/api/dead-letters')
  const id = String(letters?.[0]?.['id'])
  const dry = await json('/api/dead-letters/replay', {
    method: 'POST',
    headers: bearer,
    body: { ids: [id], dryRun: true },
  })
  expect(dry).toMatchObject({ dryRun: true, found: 1 })
  const before = { code: ['EVENT_ID_INVALID'], until: new Date(Date.parse(String(dry['until'])) - 3_600_000) }
  const none = { method: 'POST', headers: bearer, body: { filter: before, dryRun: true } }
  expect(await json('/api/dead-letters/replay', none)).toMatchObject({ found: 0, until: before.until.toISOString() })
  const replayed = await json('/api/dead-letters/replay', { method: 'POST', headers: bearer, body: { ids: [id] } })
  expect(await over(String(replayed['id']))).toMatchObject({
    kind: 'replay',
    state: 'done',
    done: 1,
    result: { sent: 1 },
  })
  await world.drained()
  const again = async () =>
    (await world.query<{ status: string; replay_count: number }>('SELECT status, replay_count FROM dead_letter'))[0]
  await until('it failed again', async () => (await again())?.status === 'open')
  expect(await again()).toEqual({ status: 'open', replay_count: 1 })

  const body = { filter: { code: ['EVENT_ID_INVALID'] }, reason: 'test data' }
  const counted = { method: 'POST', headers: bearer, body: { ...body, dryRun: true } }
  expect(await json('/api/dead-letters/discard', counted)).toMatchObject({ dryRun: true, found: 1 })
  const discarded = await json('/api/dead-letters/discard', { method: 'POST', headers: bearer, body })
  expect(await over(String(discarded['id']))).toMatchObject({
    state: 'done',
    total: 1,
    result: { discarded: 1, left: 0 },
  })
  const stop = await json(`/api/jobs/${String(discarded['id'])}/stop`, { method: 'POST', headers: bearer, body: {} })
  expect(stop).toMatchObject({ id: discarded['id'], state: 'done' })
  expect((await again())?.status).toBe('discarded')
  const audit = await world.query<{ actor: string; action: string }>(
    'SELECT actor, action FROM audit_entry ORDER BY id',
  )
  expect(audit).toEqual(
    ['dlq.replay', 'dlq.replay.end', 'dlq.discard'].map((action) => ({ actor: 'http 127.0.0.1', action })),
  )
})

test('reads of anybody that take long are ended, and others turned away; state and the token have a connection', async () => {
  const holder = await world.connect()
  await holder.query('BEGIN; LOCK TABLE dead_letter IN ACCESS EXCLUSIVE MODE')
  try {
    const scans = Array.from({ length: 5 }, () => ask('/api/dead-letters/stats?by=topic'))
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
      AND application_name LIKE '%-http'`
    await until('one of them is read', async () => (await world.query(waiting)).length === 1)
    expect(await json('/api/state')).toMatchObject({ database: { ok: true } })
    expect((await ask('/api/mappings', { headers: bearer })).status).toBe(200)
    const codes = (await Promise.all(scans)).map(({ status, text }) => [
      status,
      (JSON.parse(text) as { error: { code: string } }).error.code,
    ])
    expect(codes.sort()).toEqual([...Array.from({ length: 4 }, () => [503, 'BUSY']), [503, 'SLOW']])
  } finally {
    await holder.query('ROLLBACK')
    holder.release()
  }
  expect((await ask('/api/dead-letters/stats?by=topic')).status).toBe(200)
})

test('static files from the package, under a strict policy; nothing beside them', async () => {
  const uplot = await ask('/uplot/uPlot.esm.js')
  expect(uplot.status).toBe(200)
  expect(uplot.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/)
  for (const path of ['/uplot/uPlot.d.ts', '/..%2fserver.js', '/%2e%2e/server.js', '/api/nothing'])
    expect((await ask(path)).status).toBe(404)
  const { paths } = await json('/api/openapi.json')
  expect(Object.keys(paths ?? {})).toEqual(
    expect.arrayContaining([
      '/api/state',
      '/api/dead-letters/{id}',
      '/api/dead-letters/replay',
      '/api/mappings/assign',
    ]),
  )
})

test('a token is not found out by trying', async () => {
  const headers = { authorization: 'Bearer guess' }
  const id = '0199d3a4-0000-7000-8000-000000000000'
  const tries = Array.from({ length: 20 }, () => [
    ask('/api/dead-letters/replay', { method: 'POST', headers, body: {} }),
    ask(`/api/dead-letters/${id}`, { headers }),
    ask(`/api/jobs/${id}`, { headers }),
  ]).flat()
  const answers = (await Promise.all(tries)).map(({ status }) => status)
  expect(new Set(answers)).toEqual(new Set([401, 429]))
  expect(answers.filter((status) => status === 401).length).toBeLessThanOrEqual(30)
  expect((await ask(`/api/dead-letters/${id}`, { headers: bearer })).status).toBe(429)
  expect((await ask('/api/state')).status).toBe(200)
})

test('every answer above is as the member’s description says', async () => {
  const described = JSON.parse((await ask('/api/openapi.json')).text) as Description
  const ofRoutes = answers.filter(({ path }) => path !== '/api/openapi.json' && path !== '/api/nothing')
  expect(ofRoutes.flatMap((each) => faultsOf(described, each))).toEqual([])
  const good = ofRoutes.filter(({ status }) => status < 300).map(({ method, path, status }) => `${method} ${path.replaceAll(/\/[^/]*\d[^/]*/g, '/{id}')} ${status}`) // prettier-ignore
  expect([...new Set(good)].sort()).toEqual([
    'GET /api/batches 200',
    'GET /api/dead-letters 200',
    'GET /api/dead-letters/stats 200',
    'GET /api/dead-letters/{id} 200',
    'GET /api/history 200',
    'GET /api/invoices/{id} 200',
    'GET /api/jobs/{id} 200',
    'GET /api/mappings 200',
    'GET /api/state 200',
    'POST /api/dead-letters/discard 200',
    'POST /api/dead-letters/discard 202',
    'POST /api/dead-letters/replay 200',
    'POST /api/dead-letters/replay 202',
    'POST /api/jobs/{id}/stop 200',
  ])
})

test('without a token nothing can be changed; a flood of requests takes no probe its answer', async () => {
  const first = world.members[0]!
  first.kill('SIGTERM')
  await first.ended
  port = await freePort()
  const member = world.start('no token', { ...QUICK_SESSION, HTTP_PORT: String(port) })
  await until('it is ready', async () => (await ask('/ready').catch(() => null))?.status === 200, {
    describe: member.tail,
  })
  for (const path of ['dead-letters/replay', 'dead-letters/discard', 'mappings/assign', 'mappings/undo'])
    expect((await ask(`/api/${path}`, { method: 'POST', headers: bearer, body: { ids: ['000000'] } })).status).toBe(404)
  // More than there are connections: the oldest are ended for the newest.
  const flood = Promise.all(Array.from({ length: 400 }, () => ask('/api/state').catch(() => null)))
  for (let probe = 0; probe < 5; probe += 1) {
    expect((await ask('/health')).status).toBe(200)
    expect((await ask('/ready')).status).toBe(200)
  }
  await flood
})
