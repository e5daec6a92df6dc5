// One seed: some seconds of faults, then all heals, and everything must be settled, exactly; then all stop in peace.
import { OperatorError } from '../../src/lib/operator-error.ts'
import { createDecode, type Decoded } from '../../src/line-items/decode.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { createSimulatedPostgres } from './database.ts'
import { createFailOvers } from './fail-overs.ts'
import { createSimulatedKafka, type SimulatedKafka } from './kafka.ts'
import { LAWS, LawBroken, lawsOfCommit, lawsOfTheEnd, must } from './laws.ts'
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
  /** Those that struck. */
  faults: string[]
  /** What the members told of, each kind once. */
  told: Set<string>
  failure: Error | null
  trace: string[]
}

const FAULTS_MS = 12_000
/** More than any time-out of the members, of the group and of PostgreSQL one after the other. */
const DRAIN_MS = 90_000
const TRACE_LINES = 5_000
/** Older states that a standby may still be in. */
const HISTORY = 5

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
  const told = new Set<string>()
  let failure: Error | null = null
  try {
    await play({ scheduler, note, faults, told })
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  } finally {
    giveBack()
  }
  return { seed, steps: scheduler.steps(), simulatedMs: scheduler.now(), faults, told, failure, trace }
}

type Playing = {
  scheduler: ReturnType<typeof createScheduler>
  note: (line: string) => void
  faults: string[]
  told: Set<string>
}

const play = async ({ scheduler, note, ...playing }: Playing) => {
  const { random } = scheduler
  let broken: Error | null = null
  const guard = (law: () => void) => {
    try {
      law()
    } catch (error) {
      broken ??= error as Error
    }
  }
  const members: SimulatedMember[] = []
  const history: Tables[] = []
  const failOvers = createFailOvers()
  const nextOf = (partition: number) => postgres.tables().consumer_offset.get(String(partition))?.nextOffset ?? 0n

  const postgres = createSimulatedPostgres(scheduler, {
    committed(before, after, begunAt) {
      note(`        COMMIT ${[...after.consumer_offset].map(([p, row]) => `${p}:${row.nextOffset}`).join(' ')}`)
      guard(() => lawsOfCommit(before, after, begunAt))
      failOvers.held(after)
      history.push(clone(before))
      if (history.length > HISTORY) history.shift()
    },
  })
  const kafka = createSimulatedKafka(scheduler, TOPIC, 1 + random.below(4), {
    trace: (line) => note(`        ${line}`),
    committed(partition, offset, owned) {
      note(`        Kafka's commit of ${partition}: ${offset}`)
      const next = nextOf(partition)
      const most = failOvers.most(partition, next)
      failOvers.told(partition, offset, next)
      guard(() => must(LAWS.owner, owned, () => `${partition} at ${offset}`))
      guard(() => must(LAWS.committed, offset <= most, () => `partition ${partition} at ${offset}, PostgreSQL at ${next}`)) // prettier-ignore
    },
  })
  const world: World = {
    ...{ scheduler, kafka, postgres, decode: remembering(createDecode({ now: scheduler.wall })), trace: note },
    told(member, event) {
      playing.told.add(event.type)
      if (event.type === 'rewound' && !failOvers.explains(member, event))
        guard(() => {
          throw new LawBroken(LAWS.kept, `${member} goes back from ${event.from} to ${event.position} by itself`)
        })
    },
    admitted(member, { records, bytes }) {
      // One record that is larger than all of it passes, alone.
      const fits = records <= CAPACITY.records && (bytes <= CAPACITY.bytes || records === 1)
      guard(() => must(LAWS.memory, fits, () => `${member} holds ${records} records, ${bytes} bytes`))
    },
  }
  const producer = createProducer(random, kafka)
  producer.publish(20 + random.below(60))

  let names = 0
  let healing = false
  let stopping = false
  const start = () => {
    if (!stopping) members.push(startMember(`m${++names}`, world))
    return !stopping
  }
  start()

  const drain = (member: SimulatedMember) =>
    scheduler.after(0, member.owner, () => {
      member.draining = true
      member.mayLeave ||= member.pipeline.gateClosed()
      member.pipeline.drain('SIGTERM')
    })
  const nemesis = createNemesis({
    ...{ world, members, start, producer, drain },
    tried: (fault) => note(`>>>     ${fault}`),
    struck(fault) {
      playing.faults.push(fault)
      note(`>>>     ${fault}: struck`)
    },
    failOver() {
      const [state] = history
      // Without its row a partition could begin anywhere: the members stop for a person, as they should.
      if (!state || state.consumer_offset.size < postgres.tables().consumer_offset.size) return false
      const names = members.map(({ owner }) => owner.name)
      const wentBack = failOvers.happened(postgres.tables(), state, names)
      postgres.failOver(clone(state), random.between(100, 1_500))
      // What it has not got no later standby has.
      history.length = 0
      return wentBack > 0
    },
  })

  /** As a supervisor would: what ended is started again, except when it ended for what a person has to mend. */
  const tend = () => {
    for (const member of [...members]) {
      if (!member.ended) continue
      members.splice(members.indexOf(member), 1)
      scheduler.kill(member.owner)
      postgres.disconnect(member.owner)
      note(
        `        ${member.owner.name} ended: ${'error' in member.ended ? String(member.ended.error) : `${member.ended.left} left`}`,
      )
      endedWell(member)
      if (!healing || members.length === 0) scheduler.after(random.between(50, 1_000), null, start)
    }
  }
  /** Until it is done, or so much time went by: false. */
  const goOn = async (ms: number, done: () => boolean): Promise<boolean> => {
    const startedAt = scheduler.now()
    while (!done()) {
      if (scheduler.now() - startedAt > ms) return false
      if (members.length === 0) start()
      await scheduler.step()
      tend()
      if (broken) throw broken
    }
    return true
  }

  nemesis.begin()
  await goOn(FAULTS_MS, () => false)
  healing = true
  nemesis.end()
  kafka.heal()
  postgres.heal()
  postgres.openGate()
  for (const member of members) scheduler.cont(member.owner)
  note('>>>     all heals')
  producer.publish(5)
  const drained = () =>
    kafka.log.every(
      ({ end }, partition) => nextOf(partition) >= end && (kafka.group.committed.get(partition) ?? 0n) === end,
    )
  if (!(await goOn(DRAIN_MS, drained))) throw new LawBroken(LAWS.drains, standing(kafka, nextOf))
  lawsOfTheEnd(kafka, postgres.tables())

  // And with records under way all stop in peace.
  producer.publish(20)
  await goOn(random.between(0, 500), () => false)
  stopping = true
  for (const member of members) drain(member)
  const stopped = await goOn(DRAIN_MS, () => members.length === 0)
  must(LAWS.peace, stopped, () => `${members.map(({ owner }) => owner.name).join(' ')} does not stop`)
}

const endedWell = ({ owner, ended, held, mayLeave }: SimulatedMember) => {
  if (!ended) return
  if ('error' in ended) return must(LAWS.alive, isExcused(ended.error), () => `${owner.name}: ${String(ended.error)}`)
  const { records } = held()
  must(
    LAWS.peace,
    (ended.left === 0 && records === 0) || mayLeave,
    () => `${owner.name} says that ${ended.left} records are left, and holds ${records}`,
  )
}

/** kafkajs without a sign of the group: a supervisor starts it again. */
const isExcused = (error: unknown) =>
  error instanceof OperatorError && error.message.startsWith('no sign of the consumer group')

const standing = ({ log, group }: SimulatedKafka, nextOf: (partition: number) => bigint) =>
  log
    .map(
      ({ end }, partition) =>
        `${partition}: ${nextOf(partition)} of ${end}, Kafka ${group.committed.get(partition) ?? '–'}`,
    )
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
