// Plays one fault under load and says what came of it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import { watchMemory } from '../support/memory.ts'
import { proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import type { Scenario } from './scenario.ts'
import { type Load, retriedFor, preload, type Stage, startLoad } from './stage.ts'

/** Working again after healing, at the latest. */
export const AGAIN_MS = 5_000
/** Beside the buffer: a batch in flight in all its forms, fetches that wait, and garbage that is not collected yet. */
const CONSTANT_MIB = 160
const BUFFER_MIB = 64
const WARM_UP_RECORDS = 5_000
const LOOK_MS = 20

export type Figures = {
  downMs: number
  /** From healing until the first record was settled. */
  againMs: number
  /** What waited in the topic when it was healed, and the rate at which it was caught up, in records a second. */
  backlog: number
  catchUpRate: number | null
  rssMib: { before: number; down: number; max: number; after: number }
  /** The codes the member retried for. */
  codes: string[]
}

/** The member is warm: its tables are planned, its batches have their size. */
export const warm = (stage: Stage, member: Member, records = WARM_UP_RECORDS) =>
  until(`${member.name} has settled ${records} records`, async () => ((await stage.settled()) ?? 0) >= records, {
    describe: member.tail,
  })

type PlayOptions = {
  readonly scenario: Scenario
  readonly holdMs: number
  readonly rate: number
  /**
   * Records that wait in the topic before the member starts. Without them "before" would be the memory of a member that
   * never had more to do than the load, and catching up at full speed, fault or no fault, takes more: 552 MiB against 258
   * for 370,000 records.
   */
  readonly preload?: number
}

/** Strikes, holds, heals, and waits until the member has caught up. */
export const play = async (stage: Stage, member: Member, options: PlayOptions): Promise<Figures> => {
  const { scenario, holdMs, rate } = options
  const from = member.lines().length
  const memory = watchMemory(member.pid)
  try {
    const before = await memory.now()
    memory.restart()
    const struckAt = performance.now()
    const heal = await scenario.strike(stage, member)
    await sleep(Math.max(0, struckAt + holdMs - performance.now()))
    if (!member.running()) throw new Error(`the process ended during the fault. ${member.tail()}`)
    // A fault that lets some batches pass is over when its cause is: what is settled until then does not count.
    await heal()
    const healedAt = performance.now()
    const down = memory.max()
    const settledAtHeal = await until('PostgreSQL answers us', stage.settled)
    const backlog = await lagOf(stage)
    const working = async () => ((await stage.settled()) ?? 0) > settledAtHeal
    await soon(`${member.name} works again`, working, member)
    const againMs = performance.now() - healedAt
    await caughtUp(stage, member, rate)
    const seconds = (performance.now() - healedAt - againMs) / 1000
    const settled = ((await stage.settled()) ?? 0) - settledAtHeal
    return {
      downMs: healedAt - struckAt,
      againMs,
      backlog,
      // A second or two of load is no measurement.
      catchUpRate: backlog > 5 * rate ? settled / Math.max(seconds, 0.001) : null,
      rssMib: { before, down, max: memory.max(), after: await memory.now() },
      codes: retriedFor(member, from),
    }
  } finally {
    memory.stop()
  }
}

export const caughtUp = (stage: Stage, member: Member, rate: number) =>
  until('it has caught up', async () => (await lagOf(stage)) < rate / 2, { timeoutMs: 900_000, describe: member.tail })

const lagOf = async ({ world }: Stage): Promise<number> => {
  // In the middle of an election nobody knows.
  const standing = await until('Kafka says where the topic ends', () => world.standing().catch(() => null))
  return standing.reduce((sum, { next, end }) => sum + Number(end - next), 0)
}

/** More often than `until` looks: what is measured is a few milliseconds. */
const soon = async (what: string, look: () => Promise<boolean>, member: Member) => {
  const deadline = performance.now() + 60_000
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited 60 s until ${what}\n${member.tail()}`)
    await sleep(LOOK_MS)
  }
}

/** What must be true of one fault. */
export const proveFault = (
  scenario: Pick<Scenario, 'codes'>,
  figures: Figures,
  againMs: number = AGAIN_MS,
): ProofLine[] => {
  const { before, down, max } = figures.rssMib
  const limit = before + BUFFER_MIB + CONSTANT_MIB
  const met = scenario.codes === undefined || scenario.codes.some((code) => figures.codes.includes(code))
  return [
    atMost('ms from healing to the next settled record', againMs, Math.round(figures.againMs)),
    atMost('RSS in MiB while it lasted (before + buffer + a constant)', limit, down),
    atMost('RSS in MiB until it had caught up (before + buffer + a constant)', limit, max),
    {
      what: 'the member met the fault: codes it retried for',
      expected: scenario.codes?.join(' or ') ?? 'any',
      found: figures.codes.join(' ') || 'none',
      ok: met,
    },
  ]
}

type EndOptions = {
  /** A fault of Kafka may cost the member its place in the group, for a while. */
  readonly rejoins?: boolean
  /** Of bad records that the scenario itself has sent. */
  readonly letters?: number
}

/** Ends load and member, and holds every table against the topic. */
export const proveEnd = async (
  stage: Stage,
  member: Member,
  load: Pick<Load, 'stop'>,
  { rejoins = false, letters = 0 }: EndOptions = {},
): Promise<ProofLine[]> => {
  await load.stop()
  await stage.world.drained(300_000)
  const count = (msg: string) => member.lines(msg).length
  const { deadLettered } = await stage.world.totals()
  const membership = [
    exactly('times the member was assigned partitions', 1, count('partitions assigned')),
    exactly('rebalances, revocations, restarts of its Kafka client', 0, rebalances(member)),
  ]
  member.kill('SIGTERM')
  const { code } = await member.ended
  const { lines } = await proveWorld(stage.world)
  return [
    ...(rejoins ? [] : membership),
    exactly('dead letters', letters, deadLettered),
    exactly('exit code after SIGTERM', 0, code ?? -1),
    ...lines,
  ]
}

export const rebalances = (member: Member): number =>
  ['partitions revoked', 'the group is rebalancing', 'the Kafka client restarts', 'the Kafka client ended'].reduce(
    (sum, msg) => sum + member.lines(msg).length,
    0,
  )

/** One scenario on a stage of its own. */
export const playAlone = async (stage: Stage, options: PlayOptions) => {
  const { preload: waiting = 0 } = options
  await options.scenario.prepare?.(stage)
  if (waiting > 0) await preload(stage, waiting)
  const load = startLoad(stage, options.rate)
  try {
    const member = stage.start()
    await warm(stage, member, waiting + WARM_UP_RECORDS)
    await caughtUp(stage, member, options.rate)
    const figures = await play(stage, member, options)
    const lines = await proveEnd(stage, member, load)
    const records = await stage.world.settled()
    return {
      figures,
      records,
      rebalances: rebalances(member),
      lines: [...proveFault(options.scenario, figures), ...lines],
    }
  } finally {
    await load.stop()
  }
}

export const exactly = (what: string, expected: number, found: number): ProofLine => ({
  what,
  expected: expected.toLocaleString('en'),
  found: found.toLocaleString('en'),
  ok: expected === found,
})

export const atMost = (what: string, most: number, found: number): ProofLine => ({
  what,
  expected: `at most ${most.toLocaleString('en')}`,
  found: found.toLocaleString('en'),
  ok: found <= most,
})

export const matches = (what: string, expected: RegExp, found: string): ProofLine => ({
  what,
  expected: String(expected),
  found,
  ok: expected.test(found),
})
