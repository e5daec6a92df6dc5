// What `sluice demo --keep` leaves running: two members with the dashboard, a stream of records, and trouble on demand.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createProducer } from '../kafka/producer.ts'
import type { Clock } from '../lib/clock.ts'
import { freePorts } from '../local-stack/free-ports.ts'
import { type GeneratedRecord, generateEvents } from '../publish/generate.ts'
import { generatedRows } from '../publish/generated-rows.ts'
import { publish } from '../publish/publish.ts'
import type { OutgoingRecord } from '../publish/row.ts'
import { createLog } from '../telemetry/log.ts'
import { listen, type Tell } from './control.ts'
import { openCutProxy } from './cut-proxy.ts'
import { type Member, startMember } from './member.ts'
import type { Release, World } from './world.ts'

export type LiveDeps = { readonly clock: Clock; readonly signal: AbortSignal; readonly seed: number }
export type Live = { readonly urls: readonly string[]; readonly token: string; readonly failed: Promise<never> }

/** Records a second. */
export const LIVE_RATE = 200
const AWAY_MS = 20_000
const POISON = 25
const BACK_MS = 15_000
/** More than anybody waits for. */
const ENDLESS = 1e9
const REFUSED_LINE = 7
const REFUSES_MS = 10_000
const REFUSAL = 'demo_refuses_line_7'

/** One line of sixty-four has no sku, and the words of its description in another order: it finds its item by what is nearly the same. */
function mixed(record: GeneratedRecord): OutgoingRecord {
  if (record.kind !== 'valid' && record.kind !== 'duplicate') return record
  const { event } = record
  const description = event.vendorItem.description?.split(' ').reverse().join(' ')
  if (description === undefined || Number.parseInt(event.eventId.slice(-2), 16) % 64 !== 0) return record
  return { key: record.key, value: Buffer.from(JSON.stringify({ ...event, vendorItem: { description } })) }
}

export const FAULTS = {
  database: `PostgreSQL cannot be reached for ${AWAY_MS / 1000} s`,
  poison: `${POISON} records that no schema accepts`,
  refusal: `a CHECK refuses every line ${REFUSED_LINE} for ${REFUSES_MS / 1000} s: dead letters that a replay mends`,
  member: 'kill -9 of a member; another one starts a little later',
} as const
export type FaultName = keyof typeof FAULTS

export const startLive = async (world: World, { clock, signal, seed }: LiveDeps, release: Release): Promise<Live> => {
  const proxy = await openCutProxy(world.config.databaseUrl)
  if (proxy) release.push(() => proxy.close())
  const token = world.env['ADMIN_TOKEN'] || randomBytes(18).toString('base64url')
  const env = { ...world.env, ADMIN_TOKEN: token, ...(proxy ? { DATABASE_URL: proxy.url } : {}) }
  const members: Member[] = []
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => (fail = reject))
  failed.catch(() => {}) // it is raced with the end
  let started = 0
  const start = (port: number): Member => {
    const name = `live-${++started}`
    const member = startMember(name, { ...env, HTTP_PORT: String(port) }, join(world.folder, `${name}.log`))
    member.failed.catch(fail)
    members.push(member)
    return member
  }
  release.push(() => Promise.all(members.map((member) => member.stop())))
  const [first = 0, second = 0] = await freePorts(2)
  start(first)
  /** The one that dies is never the one whose page is looked at. */
  let victim = start(second)

  const producer = createProducer(world.config.kafka, createLog('silent'))
  await producer.connect()
  release.push(() => producer.disconnect())
  const send = (records: Parameters<typeof producer.send>[1]) => producer.send(world.config.topic, records)
  const ended = new AbortController()
  const rows = generatedRows({ count: ENDLESS, seed: seed + 1, bad: 0, tombstones: 0, conflicts: 0 }, mixed)
  const streaming = publish({ rows, send, clock, signal: ended.signal, rate: LIVE_RATE, onFault: () => {}, onProgress: () => {} }) // prettier-ignore
  streaming.then(({ ending }) => ending.kind === 'send-failed' && fail(ending.error), fail)
  release.push(async () => {
    ended.abort()
    await streaming
  })

  let poisonings = 0
  const provoke: Record<FaultName, (tell: Tell) => Promise<void>> = {
    async database(tell) {
      if (!proxy)
        throw new Error('not with this DATABASE_URL: it uses TLS or a socket, and cannot be led through a proxy')
      proxy.cut()
      tell(
        `PostgreSQL cannot be reached by the members for ${AWAY_MS / 1000} s. Records wait in Kafka and in bounded buffers; no dead letter is made.`,
      )
      await clock.sleep(AWAY_MS, signal)
      proxy.mend()
      tell('PostgreSQL is back: lag falls.')
    },
    async poison(tell) {
      const options = {
        count: POISON * 40,
        seed: seed + 1_000 + ++poisonings,
        bad: POISON,
        tombstones: 0,
        conflicts: 0,
      }
      const bad = [...generateEvents(options)].filter(({ kind }) => kind === 'bad')
      await send(bad.map(({ key, value }) => ({ key, value })))
      tell(
        `${bad.length} records that cannot be read were published: each becomes a dead letter, and no other record is harmed.`,
      )
    },
    async refusal(tell) {
      const change = (how: string) => world.database.client().$executeRawUnsafe(`ALTER TABLE ledger_entry ${how}`)
      const dropped = () => change(`DROP CONSTRAINT IF EXISTS ${REFUSAL}`)
      await dropped()
      await change(`ADD CONSTRAINT ${REFUSAL} CHECK (line_number <> ${REFUSED_LINE}) NOT VALID`)
      tell(
        `The ledger refuses every line ${REFUSED_LINE} for ${REFUSES_MS / 1000} s, and nothing else: each becomes a dead letter, ROW_REJECTED.`,
      )
      await clock.sleep(REFUSES_MS, signal)
      // A transaction that hangs may hold the table.
      while (!signal.aborted && !(await dropped().then(() => true, () => false))) await clock.sleep(1_000, signal) // prettier-ignore
      if (signal.aborted) return
      tell(
        'It takes them again. Replay the letters, on the dashboard or all at once: npx sluice dlq replay --code ROW_REJECTED',
      )
    },
    async member(tell) {
      const died = victim
      await died.kill()
      tell(
        `${died.name} (pid ${died.pid}) is gone (kill -9). Its partitions wait until its session is over, then the other member has them.`,
      )
      await clock.sleep(BACK_MS, signal)
      if (signal.aborted) return
      const [port = 0] = await freePorts(1)
      victim = start(port)
      tell(`${victim.name} starts in its place: http://127.0.0.1:${port}/`)
    },
  }
  const isFault = (text: string): text is FaultName => Object.hasOwn(provoke, text)
  const close = await listen(async (line, tell) => {
    if (!isFault(line)) throw new Error(`there is no fault ${line}`)
    await provoke[line](tell)
  })
  release.push(close)
  return { urls: [first, second].map((port) => `http://127.0.0.1:${port}/`), token, failed }
}
