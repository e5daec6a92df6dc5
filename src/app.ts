// The composition root: Config → a consumer that runs until drained. Acquired from top to bottom, released in reverse.
import type { Config } from './config.ts'
import { createRelay } from './dead-letters/relay.ts'
import { judge } from './http/health.ts'
import { createVitals, type Vitals } from './http/vitals.ts'
import { endWhenWedged } from './http/watch.ts'
import { createAdmin, type KafkaAdmin } from './kafka/admin.ts'
import { createKafka } from './kafka/client.ts'
import { createProducer } from './kafka/producer.ts'
import { memberNeeds } from './kafka/rights.ts'
import type { Clock } from './lib/clock.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'
import { version } from './lib/version.ts'
import { createDecode } from './line-items/decode.ts'
import { drainOn } from './drain-on.ts'
import { explainEnding } from './explain-ending.ts'
import { createPipeline } from './pipeline/pipeline.ts'
import { createDatabase, type Database } from './sink/database.ts'
import { durabilityOff } from './sink/durability.ts'
import { createGateStore } from './sink/gate-store.ts'
import { createMappingStore } from './sink/mapping-store.ts'
import { checkSchema } from './sink/migrate.ts'
import { createOffsetStore } from './sink/offset-store.ts'
import { createOutbox } from './sink/outbox.ts'
import { boundsOf, createReporting, type Reporting } from './reporting.ts'
import { createSink } from './sink/transaction.ts'
import { createKafkaSource } from './source/kafka-source.ts'
import type { HttpOfMember } from './serve-member.ts'
import { startPositions } from './source/start-position.ts'
import type { Emit } from './telemetry/events.ts'
import type { Log } from './telemetry/log.ts'
import { createEventLog } from './telemetry/log-events.ts'
import { createTellAll } from './telemetry/tell-all.ts'

export type AppDeps = { clock: Clock; random: () => number; log: Log }

/** A second look at what would stop us, after metadata had time to settle. */
const CONFIRM_MS = 2_000
const RELAY_END_MS = 3_000
const CLOSE_MS = 2_000
const SUMMARY_MS = 60_000
/** How long the group waits for a member to join again; a member drains before that. */
const REBALANCE_TIMEOUT_MS = 60_000

/**
 * Consumes until `drain` is aborted; resolves to the exit code.
 * @throws OperatorError for what a person can mend, at start-up and later.
 */
export async function runConsumer(config: Config, drain: AbortSignal, deps: AppDeps): Promise<ExitCode> {
  const { log, clock } = deps
  const { emit: tellLog, summarise } = createEventLog(log, clock.now)
  const ticking = setInterval(summarise, SUMMARY_MS)
  const admin = createAdmin(config.kafka, log)
  const database = createDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    writer: config.prismaWriter,
    applicationName: config.kafka.clientId,
    waits: { now: clock.now, tell: (ms) => emit({ type: 'connection-waited', ms }) },
  })
  const producer = createProducer(config.kafka, log)
  const vitals = createVitals(clock, config.flushLanes)
  const health = () => judge(vitals.facts(), config)
  const ended = new AbortController()
  let http: HttpOfMember | null = null
  const { emit, faults } = createTellAll(
    { log: tellLog, tally: (event) => reporting.tally.observe(event), metrics: (event) => http?.observe(event) },
    log,
  )
  const reporting = createReporting(config, { admin, database, vitals, drain, clock, emit })
  try {
    if (config.http) {
      // Fastify and prom-client take a quarter of a second to load: not for a member that nobody asks.
      const { serveMember } = await import('./serve-member.ts')
      http = await serveMember(config, config.http, { reporting, health, faults, clock, log })
    }
    await startUp(config, { admin, database, producer, log })
    log.info(
      { sessionTimeoutMs: config.sessionTimeoutMs },
      'joining the group (a member that was killed is waited for until its session time-out)',
    )
    void reporting.report.run()
    const consuming = consume(config, drain, { ...deps, admin, database, producer, emit, vitals, reporting })
    return await Promise.race([consuming, endWhenWedged(health, clock, ended.signal)])
  } catch (error) {
    throw explainEnding(error, config)
  } finally {
    clearInterval(ticking)
    ended.abort()
    await http?.close()
    await reporting.report.end()
    const closed = Promise.allSettled([producer.disconnect(), admin.disconnect(), database.close()])
    await Promise.race([closed, clock.sleep(CLOSE_MS)])
  }
}

type Observed = { emit: Emit; vitals: Vitals; reporting: Reporting }
type Connected = { admin: KafkaAdmin; database: Database; producer: ReturnType<typeof createProducer> }

/** Bounded in time; every fault is one clear line (OperatorError). */
async function startUp(config: Config, deps: Connected & { log: Log }) {
  const { admin, database, producer, log } = deps
  const schema = checkSchema(database).then(async () => {
    const off = await durabilityOff(database)
    if (off.length > 0)
      log.warn({ off }, 'PostgreSQL may forget commits when it crashes; the topic must hold them for longer')
  })
  const topics = admin.connect().then(async () => {
    await admin.checkRights(memberNeeds(config))
    await admin.checkTopics(config)
  })
  await Promise.all([schema, topics, producer.connect()])
}

async function consume(config: Config, drain: AbortSignal, deps: AppDeps & Connected & Observed) {
  const { clock, emit, database, producer } = deps
  const { groupId, dlqTopic } = config
  const relay = createRelay({
    ...{ clock, emit, appVersion: version, headerCompat: config.dlqHeaderCompat },
    outbox: createOutbox({ database, groupId }),
    send: (records) => producer.sendEach(dlqTopic, records),
  })
  const pipeline = assemble(config, drain, {
    ...deps,
    emit: (event) => {
      emit(event)
      if (event.type === 'flushed' && event.deadLettered > 0) relay.notify()
    },
  })
  const relaying = relay.run()
  const shutdown = drainOn(drain, pipeline, config.shutdownTimeoutMs)
  try {
    // At the deadline a write may hang on a database that does not answer: it is not waited for.
    const left = await Promise.race([pipeline.run(), shutdown.deadline.then(() => pipeline.held.records)])
    const held = pipeline.heldBack()
    emit({ type: 'stopped', clean: left === 0, left, held })
    return left === 0 || held ? ExitCode.ok : ExitCode.partial
  } finally {
    const patience = shutdown.passed() ? 0 : RELAY_END_MS
    shutdown.cancel()
    await relay.end(patience)
    await Promise.race([relaying, clock.sleep(patience)])
  }
}

function assemble(
  config: Config,
  drain: AbortSignal,
  { clock, random, log, emit, vitals, reporting, ...deps }: AppDeps & Connected & Observed,
) {
  const { groupId, topic } = config
  const { admin, database } = deps
  const owner = { groupId, topic }
  const gate = createGateStore({ groupId, database })
  const breaker = { maxConsecutive: config.dlqMaxConsecutive, maxRatio: config.dlqMaxRatio }
  const sink = createSink({
    ...owner,
    ...{ database, clock, gate, breaker },
    onIsolated: (attempts) => emit({ type: 'isolated', attempts }),
    mappings: createMappingStore({
      database,
      ambiguous: config.mappingAmbiguous,
      onMapped: (counts) => emit({ type: 'mapped', ...counts }),
    }),
  })
  const store = createOffsetStore({ ...owner, database })
  const source = createKafkaSource(
    {
      ...owner,
      sessionTimeoutMs: config.sessionTimeoutMs,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      // What tells a member that others joined or left: they wait for it.
      heartbeatIntervalMs: Math.min(1_000, config.sessionTimeoutMs / 10),
      concurrency: config.flushLanes,
    },
    {
      ...{ clock, emit },
      kafka: () => createKafka(config.kafka, log),
      startPositions: (partitions) =>
        startPositions(partitions, {
          store,
          broker: {
            topicId: () => admin.topicId(topic),
            bounds: () => admin.endOffsets(topic),
            committed: () => admin.committedOffsets(groupId, topic),
          },
          confirm: () => clock.sleep(CONFIRM_MS),
        }),
      // An unreachable broker is an OperatorError too, but here it is only waited for.
      isFatal: (error) =>
        error instanceof OperatorError ? error.exitCode === ExitCode.fatal : sink.classify(error).fate === 'fatal',
    },
  )
  const pipeline = createPipeline({
    ...{ source, sink: vitals.watching(sink), gate: vitals.asking(gate), clock, random, emit },
    decode: createDecode({ now: clock.wall }),
    capacity: { records: config.bufferMaxRecords, bytes: config.bufferMaxBytes },
    lanes: config.flushLanes,
    bounds: boundsOf(config),
  })
  vitals.attach({
    source: () => source.health(),
    busy: (lane) => pipeline.busy(lane),
    gateClosed: () => pipeline.gateClosed(),
    lag: reporting.lag.view,
    draining: () => drain.aborted,
  })
  reporting.attach({ pipeline, source })
  return pipeline
}
