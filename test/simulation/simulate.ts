// One seed: some seconds of faults, then all heals, and everything must be settled, exactly.
import { createDecode, type Decoded } from '../../src/line-items/decode.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { createSimulatedPostgres } from './database.ts'
import { createSimulatedKafka } from './kafka.ts'
import { LawBroken, lawsOfCommit, lawsOfTheEnd } from './laws.ts'
import { CAPACITY, startMember, type SimulatedMember, TOPIC, type World } from './member.ts'
import { createNemesis } from './nemesis.ts'
import { createProducer } from './producer.ts'
import { createScheduler, takeOverTime } from './scheduler.ts'
import { clone, type Tables } from './tables.ts'

export { LawBroken } from './laws.ts'
export type Outcome = {
  seed: number
  steps: number
  simulatedMs: number
  faults: string[]
  failure: Error | null
  trace: string[]
}

const FAULTS_MS = 12_000
/** More than any time-out of the members, of the group and of PostgreSQL one after the other. */
const DRAIN_MS = 90_000
const TRACE_LINES = 5_000

export const simulate = async (seed: number, { keepTrace = false } = {}): Promise<Outcome> => {
  const scheduler = createScheduler(seed)
  const giveBack = takeOverTime(scheduler)
  const trace: string[] = []
  const note = (line: string) => {
    if (!keepTrace) return
    trace.push(`${scheduler.now().toFixed(0).padStart(7)} ${line}`)
    if (trace.length > TRACE_LINES) trace.shift()
  }
  const faults: string[] = []
  let failure: Error | null = null
  try {
    await play(seed, { scheduler, note, faults })
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  } finally {
    giveBack()
  }
  return { seed, steps: scheduler.steps(), simulatedMs: scheduler.now(), faults, failure, trace }
}

type Playing = { scheduler: ReturnType<typeof createScheduler>; note: (line: string) => void; faults: string[] }

const play = async (_seed: number, { scheduler, note, faults }: Playing) => {
  const { random } = scheduler
  let broken: Error | null = null
  const guard = (law: () => void) => {
    try {
      law()
    } catch (error) {
      broken ??= error as Error
    }
  }
  /** Older states, for a standby that lags behind. */
  const history: Tables[] = []
  let failedOver = false
  const postgres = createSimulatedPostgres(scheduler, {
    committed(before, after, begunAt) {
      note(`        COMMIT ${[...after.consumer_offset].map(([p, row]) => `${p}:${row.nextOffset}`).join(' ')}`)
      guard(() => lawsOfCommit(before, after, begunAt))
      history.push(clone(before))
      if (history.length > 5) history.shift()
    },
  })
  const kafka = createSimulatedKafka(scheduler, TOPIC, 1 + random.below(4), {
    trace: (line) => note(`        ${line}`),
    committed(partition, offset, owned) {
      note(`        Kafka's commit of ${partition}: ${offset}`)
      if (!owned)
        guard(() => {
          throw new LawBroken(`only its owner commits a partition: ${partition} at ${offset}`)
        })
      const next = postgres.tables().consumer_offset.get(String(partition))?.nextOffset ?? 0n
      if (offset > next && !failedOver)
        guard(() => {
          throw new LawBroken(
            `I6 Kafka's commit never leads: partition ${partition} at ${offset}, PostgreSQL at ${next}`,
          )
        })
    },
  })
  const decode = remembering(createDecode({ now: scheduler.wall }))
  const world: World = {
    ...{ scheduler, kafka, postgres, decode, trace: note },
    told(member, event) {
      if (event.type === 'rewound' && !failedOver)
        guard(() => {
          throw new LawBroken(
            `what is read is kept: ${member} goes back from ${event.from} to ${event.position} by itself`,
          )
        })
    },
  }
  const producer = createProducer(random, kafka)
  producer.publish(20 + random.below(60))

  const members: SimulatedMember[] = []
  let names = 0
  let stopping = false
  const start = () => stopping || members.push(startMember(`m${++names}`, world))
  start()

  const drain = (member: SimulatedMember) =>
    scheduler.after(0, member.owner, () => {
      member.mayLeave ||= member.pipeline.gateClosed()
      member.pipeline.drain('SIGTERM')
    })
  const nemesis = createNemesis({
    ...{ world, members, start, producer, drain },
    note: (fault) => {
      faults.push(fault)
      note(`>>>     ${fault}`)
    },
    failOver() {
      const [state] = history
      // Without its row a partition could begin anywhere: the members stop for a person, as they should.
      if (!state || state.consumer_offset.size < postgres.tables().consumer_offset.size) return
      failedOver = true
      postgres.failOver(clone(state), random.between(100, 1_500))
    },
  })

  /** As a supervisor would: what ended is started again, except when it ended for what a person has to mend. */
  const tend = (healing: boolean) => {
    for (const member of [...members]) {
      if (member.owner.state === 'alive') {
        const { records, bytes } = member.pipeline.held
        if (records > CAPACITY.records || bytes > CAPACITY.bytes)
          throw new LawBroken(`I11 memory is bounded: ${member.owner.name} holds ${records} records, ${bytes} bytes`)
      }
      const { ended } = member
      if (!ended) continue
      members.splice(members.indexOf(member), 1)
      scheduler.kill(member.owner)
      postgres.disconnect(member.owner)
      note(`        ${member.owner.name} ended: ${'error' in ended ? String(ended.error) : `${ended.left} left`}`)
      if ('error' in ended && !isExcused(ended.error))
        throw new LawBroken(`${member.owner.name} ended: ${String(ended.error)}`)
      if (!healing || members.length === 0) scheduler.after(random.between(50, 1_000), null, start)
    }
  }

  nemesis.begin()
  while (scheduler.now() < FAULTS_MS && (await scheduler.step())) {
    tend(false)
    if (broken) throw broken as Error
  }
  nemesis.end()
  kafka.heal()
  postgres.heal()
  postgres.setGate(false)
  for (const member of members) scheduler.cont(member.owner)
  note('>>>     all heals')
  producer.publish(5)
  const healedAt = scheduler.now()
  const drained = () =>
    kafka.log.every(
      ({ end }, partition) => (postgres.tables().consumer_offset.get(String(partition))?.nextOffset ?? 0n) >= end,
    ) && kafka.log.every(({ end }, partition) => (kafka.group.committed.get(partition) ?? 0n) === end)
  while (!drained()) {
    if (scheduler.now() - healedAt > DRAIN_MS)
      throw new LawBroken(`I10 it does not drain: ${standing(kafka, postgres.tables())}`)
    if (members.length === 0 && names > 0) start()
    await scheduler.step()
    tend(true)
    if (broken) throw broken as Error
  }
  lawsOfTheEnd(kafka, postgres.tables(), (record, partition) => decode(asSource(record, partition)))
  // What is asked to stop in peace leaves nothing behind.
  stopping = true
  for (const member of members) drain(member)
  const stopAt = scheduler.now()
  while (members.some(({ ended }) => ended === null)) {
    if (scheduler.now() - stopAt > DRAIN_MS) throw new LawBroken('I12 a member does not stop')
    await scheduler.step()
  }
  for (const { ended, owner, mayLeave } of members)
    if (ended && ('error' in ended ? !isExcused(ended.error) : ended.left !== 0 && !mayLeave))
      throw new LawBroken(`I12 ${owner.name} left something: ${JSON.stringify(ended)}`)
}

/** kafkajs without a sign of the group: a supervisor starts it again. */
const isExcused = (error: unknown) =>
  error instanceof OperatorError && error.message.startsWith('no sign of the consumer group')

const standing = (kafka: { log: { end: bigint }[]; group: { committed: Map<number, bigint> } }, tables: Tables) =>
  kafka.log
    .map(({ end }, partition) => {
      const next = tables.consumer_offset.get(String(partition))?.nextOffset ?? '–'
      return `${partition}: ${next} of ${end}, Kafka ${kafka.group.committed.get(partition) ?? '–'}`
    })
    .join(', ')

/** The same bytes are decoded once: it is our own decoder all the same. */
const remembering = (decode: (record: SourceRecord) => Decoded) => {
  const known = new WeakMap<Buffer, Decoded>()
  return (record: SourceRecord): Decoded => {
    const before = record.value && known.get(record.value)
    if (before) return before
    const decoded = decode(record)
    if (record.value) known.set(record.value, decoded)
    return decoded
  }
}

const asSource = (record: { offset: bigint; value: Buffer | null }, partition: number): SourceRecord => ({
  ...{ partition, offset: record.offset, value: record.value },
  ...{ timestamp: 1_764_028_800_000, key: null, headers: [] },
})
