// `sluice demo`: everything, once, for real. Finds or starts Kafka and PostgreSQL, publishes generated line items, lets
// two members of one group work them off, and proves the result from what is in the topic and in the tables.
import { join } from 'node:path'
import { explainKafkaError } from '../kafka/explain.ts'
import { createProducer } from '../kafka/producer.ts'
import type { Clock } from '../lib/clock.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { generatedRows } from '../publish/generated-rows.ts'
import { publish } from '../publish/publish.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import { createOffsetStore } from '../sink/offset-store.ts'
import { createOutbox } from '../sink/outbox.ts'
import { createLog } from '../telemetry/log.ts'
import { FAULTS, LIVE_RATE, startLive } from './live.ts'
import { type Member, startMember } from './member.ts'
import { gatherEvidence } from './evidence.ts'
import { expectedOf } from './oracle.ts'
import { createProgress, type Totals } from './progress.ts'
import { prove, type ProofLine } from './proof.ts'
import { prepareWorld, type Release, type World } from './world.ts'

export type DemoOptions = { events: number; seed: number; keep: boolean }
export type DemoDeps = {
  env: NodeJS.ProcessEnv
  out: NodeJS.WriteStream
  clock: Clock
  /** Ctrl-C. */
  signal: AbortSignal
  /** How the proof is shown. */
  table: (lines: readonly ProofLine[]) => string
}

const POLL_MS = 250
/** On a busy machine a look may fail, as a connection takes too long; the members go on meanwhile. */
const PATIENCE_MS = 20_000

export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<ExitCode> {
  const release: Release = []
  try {
    const world = await prepareWorld({ ...deps, say: (text) => say(deps, text) }, release)
    const members: Member[] = []
    release.push(() => Promise.all(members.map((member) => member.stop())))
    await work(options, world, members, deps).catch((error: unknown) => {
      throw explained(error, world)
    })
    const lines = await Promise.race([stopAndProve(world, members, deps), aborted(deps.signal)])
    deps.out.write(`${deps.table(lines)}\n`)
    if (options.keep) await keep(world, { ...deps, seed: options.seed }, release)
    return lines.every(({ ok }) => ok) ? ExitCode.ok : ExitCode.partial
  } catch (error) {
    if (!deps.signal.aborted) throw error
    say(deps, 'stopped; cleaning up …')
    return ExitCode.aborted
  } finally {
    for (const free of release.reverse()) await free().catch(() => {})
  }
}

/** Services that go away while it works: one line, as the commands say it. */
const explained = (error: unknown, { config }: World): unknown =>
  explainDatabaseError(error, config.databaseUrl) ?? explainKafkaError(error, config.kafka) ?? error

async function stopAndProve(world: World, members: readonly Member[], deps: DemoDeps): Promise<ProofLine[]> {
  say(deps, 'stopping the members (SIGTERM) …')
  const codes = await Promise.all(members.map((member) => member.stop()))
  deps.signal.throwIfAborted()
  say(deps, `members ended with exit code ${codes.join(' and ')}`)
  say(deps, 'reading topic, ledger, inventory, offsets and dead letters …')
  return proof(world, codes)
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const end = () => reject(new Error('stopped'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })

const say = ({ out }: DemoDeps, text: string) => out.write(`${text}\n`)

/** Publishes, consumes, and waits until everything is settled and every dead letter published. */
async function work(options: DemoOptions, world: World, members: Member[], deps: DemoDeps): Promise<void> {
  const { signal, clock } = deps
  let fault: { error: unknown } | null = null
  const fail = (error: unknown) => {
    fault ??= { error }
  }
  const start = (name: string) => {
    const member = startMember(name, world.env, join(world.folder, `${name}.log`))
    member.failed.catch(fail)
    members.push(member)
  }
  say(
    deps,
    `publishing ${options.events.toLocaleString('en-US')} generated records (seed ${options.seed}); member-1 starts now, member-2 joins late`,
  )
  start('member-1')
  const progress = createProgress(deps.out, clock.now)
  let published = 0
  const publishing = publishGenerated(options, world, deps, (count) => (published = count))
  publishing.catch(fail)
  /** Is all of it done? */
  const look = async () => {
    const totals = await read(world, { published, expected: options.events })
    progress.draw(totals, members)
    const settled = totals.written + totals.duplicates + totals.deadLetters + totals.ignored
    if (members.length === 1 && settled > 0) start('member-2')
    // With few records all may be settled before member-2 has joined; it must have a part in it, if only an idle one.
    const joined = members.length === 2 && members.every((member) => member.partitions() > 0)
    const done = published === options.events && totals.lag === 0 && joined && (await relayed(world))
    if (!done) return false
    await publishing
    progress.done(totals, members)
    return true
  }
  for (let lookedAt = clock.now(); ;) {
    try {
      if (await look()) return
      lookedAt = clock.now()
    } catch (error) {
      if (clock.now() - lookedAt > PATIENCE_MS) throw error
    }
    if (fault) throw (fault as { error: unknown }).error
    await clock.sleep(POLL_MS, signal)
    signal.throwIfAborted()
  }
}

async function publishGenerated(
  { events, seed }: DemoOptions,
  { config }: World,
  { clock, signal }: DemoDeps,
  onProgress: (count: number) => void,
) {
  const producer = createProducer(config.kafka, createLog('silent'))
  await producer.connect()
  try {
    const rows = generatedRows({ count: events, seed })
    const send = (records: Parameters<typeof producer.send>[1]) => producer.send(config.topic, records)
    const { ending } = await publish({ rows, send, clock, signal, rate: null, onFault: () => {}, onProgress })
    if (ending.kind === 'send-failed') throw ending.error
  } finally {
    await producer.disconnect()
  }
}

const store = ({ config, database }: World) => createOffsetStore({ ...config, database })

/** Database first, Kafka second: the lag is never too small. */
async function read(world: World, { published, expected }: Pick<Totals, 'published' | 'expected'>): Promise<Totals> {
  const rows = await store(world).show()
  const ends = await world.admin.endOffsets(world.config.topic)
  const sum = (pick: (row: (typeof rows)[number]) => bigint) =>
    Number(rows.reduce((total, row) => total + pick(row), 0n))
  const end = Number([...ends.values()].reduce((total, { high }) => total + high, 0n))
  return {
    // Acknowledgements come after the fact: what is in the topic was published.
    ...{ published: Math.max(published, end), expected },
    written: sum((row) => row.inserted),
    duplicates: sum((row) => row.duplicate),
    deadLetters: sum((row) => row.deadLettered),
    ignored: sum((row) => row.ignored),
    lag: end - sum((row) => row.nextOffset),
  }
}

const relayed = async ({ database, config }: World) =>
  (await createOutbox({ database, groupId: config.groupId }).pending()) === 0

async function proof(world: World, codes: readonly (number | string)[]): Promise<ProofLine[]> {
  const evidence = await gatherEvidence(world)
  const lines = await prove(expectedOf(evidence.records), evidence)
  const clean = codes.filter((code) => code === 0).length
  const ended = {
    what: 'members that drained (exit code 0)',
    expected: String(codes.length),
    found: String(clean),
  }
  return [...lines, { ...ended, ok: clean === codes.length }]
}

async function keep(world: World, deps: DemoDeps & { seed: number }, release: Release): Promise<void> {
  const { config, env, folder } = world
  say(deps, '\nstarting two members with the dashboard, and a stream of records …')
  const { urls, token, failed } = await startLive(world, deps, release)
  const names = ['KAFKA_BROKERS', 'KAFKA_TOPIC', 'KAFKA_DLQ_TOPIC', 'KAFKA_GROUP_ID', 'DATABASE_URL'] as const
  say(deps, `\nDashboard, until Ctrl-C (${LIVE_RATE} records a second arrive):\n`)
  say(deps, `  ${urls.join('  or  ')}`)
  say(deps, `  token for all that changes something: ${token}\n`)
  say(deps, 'Provoke trouble from another terminal, in this folder:\n')
  for (const [name, what] of Object.entries(FAULTS)) say(deps, `  npx sluice demo fault ${name.padEnd(9)} ${what}`)
  say(deps, '\nOr use the commands on it:\n')
  for (const name of names) say(deps, `  export ${name}='${env[name] ?? ''}'`)
  say(deps, `\n  npx sluice lag --watch\n  npx sluice dlq list\n  npx sluice consume        # one more member\n`)
  say(deps, `Logs of the members (group ${config.groupId}): ${folder}`)
  const forever = async () => {
    while (!deps.signal.aborted) await deps.clock.sleep(2 ** 30, deps.signal)
  }
  await Promise.race([forever(), failed])
  say(deps, '\nending: the members drain, then the topics and the database of the demo are removed …')
}
