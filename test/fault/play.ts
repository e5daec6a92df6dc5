// Plays one fault under load and says what came of it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import { watchMemory } from '../support/memory.ts'
import { proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import { proveEndings, stop } from './endings.ts'
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
  /** What else shows that the fault took place. */
  evidence: ProofLine[]
  /** What it answered to an orchestrator meanwhile. */
  answers: ProofLine[]
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
  /** Called when the fault begins. */
  readonly struck?: () => void
  /** It works again when every partition that had something to do has moved, by then; else when the first has. */
  readonly eachWithinMs?: number
}

/** Strikes, holds, heals, and waits until the member has caught up. */
export const play = async (stage: Stage, member: Member, options: PlayOptions): Promise<Figures> => {
  const { scenario, holdMs, rate, struck = () => {} } = options
  const from = member.lines().length
  const memory = watchMemory(member.pid)
  try {
    const before = await memory.now()
    memory.restart()
    stage.evidence.length = 0
    stage.answers.length = 0
    struck()
    const struckAt = performance.now()
    const heal = await scenario.strike(stage, member)
    await sleep(Math.max(0, struckAt + holdMs - performance.now()))
    if (!member.running()) {
      await heal().catch(() => {}) // what is told is that it ended
      throw new Error(`the process ended during the fault. ${member.tail()}`)
    }
    // A fault that lets some batches pass is over when its cause is: what is settled until then does not count.
    await heal()
    const healedAt = performance.now()
    // A fault may be over before the next look.
    await memory.now()
    const down = memory.max()
    const settledAtHeal = await until('PostgreSQL answers us', stage.settled)
    const backlog = await lagOf(stage)
    const within = options.eachWithinMs
    const working =
      within === undefined ? async () => ((await stage.settled()) ?? 0) > settledAtHeal : await eachMoved(stage)
    await soon(`${member.name} works again`, working, member, within)
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
      evidence: stage.evidence.splice(0),
      answers: stage.answers.splice(0),
    }
  } finally {
    memory.stop()
  }
}

export const caughtUp = (stage: Stage, member: Member, rate: number) =>
  until('it has caught up', async () => (await lagOf(stage)) < rate / 2, { timeoutMs: 900_000, describe: member.tail })

const lagOf = async ({ world }: Stage): Promise<number> => {
  return (await standingOf(world)).reduce((sum, { next, end }) => sum + Number(end - next), 0)
}

/** In the middle of an election nobody knows. */
const standingOf = (world: Stage['world']) =>
  until('Kafka says where the topic ends', () => world.standing().catch(() => null))

/** Has every partition that is not at its end now gone on? */
export const eachMoved = async ({ world }: Pick<Stage, 'world'>) => {
  const behind = (await standingOf(world)).filter(({ next, end }) => next < end)
  return async () => {
    const now = new Map((await positionsOf(world)).map((at) => [at.partition, BigInt(at.next)]))
    return behind.every(({ partition, next }) => (now.get(partition) ?? 0n) > next)
  }
}

const positionsOf = ({ query }: Stage['world']) =>
  query<{ partition: number; next: string }>('SELECT partition, next_offset AS next FROM consumer_offset')

/** More often than `until` looks: what is measured is a few milliseconds. */
const soon = async (what: string, look: () => Promise<boolean>, member: Member, ms = 60_000) => {
  const deadline = performance.now() + ms
  while (!(await look())) {
    if (!member.running()) throw new Error(`the process ended. ${member.tail()}`)
    if (performance.now() > deadline) throw new Error(`waited ${ms / 1000} s until ${what}\n${member.tail()}`)
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
  return [
    atMost('ms from healing to the next settled record', againMs, Math.round(figures.againMs)),
    // Who has not looked has seen 0.
    between('RSS in MiB while it lasted (before + buffer + a constant)', [1, limit], down),
    between('RSS in MiB until it had caught up (before + buffer + a constant)', [1, limit], max),
    ...metIt(scenario, figures),
    ...figures.answers,
  ]
}

/** A fault that did not take place proves nothing: a code that the member retried for, or other evidence, or both. */
const metIt = ({ codes: wanted }: Pick<Scenario, 'codes'>, { codes, evidence }: Figures): readonly ProofLine[] => {
  if (wanted === undefined && evidence.length > 0) return evidence
  return [
    ...evidence,
    {
      what: 'the member met the fault: codes it retried for',
      expected: wanted?.join(' or ') ?? 'any',
      found: codes.join(' ') || 'none',
      ok: wanted === undefined ? codes.length > 0 : wanted.some((code) => codes.includes(code)),
    },
  ]
}

type EndOptions = {
  /** A fault of Kafka may cost the member its place in the group, for a while. */
  readonly rejoins?: boolean
  /** Of bad records that the scenario itself has sent. */
  readonly letters?: number
}

/** Told to stop while records keep coming: they lose nothing, and leave nothing to be read again. One after the other: the last of them has all. */
export const proveStop = async ({ world, say }: Stage, members: readonly Member[]): Promise<ProofLine[]> => {
  let unclean = 0
  for (const member of members) {
    const { code, signal } = await stop(member)
    if (code === 0) continue
    unclean += 1
    say(`${member.name} ended with ${code ?? signal}. ${member.tail()}`)
  }
  const behind = (await standingOf(world)).filter(({ start, next, committed }) => next > start && next !== committed)
  return [
    exactly(`I12 exit codes other than 0 after SIGTERM under load (of ${members.length})`, 0, unclean),
    exactly('I12 partitions whose commit in Kafka is not the position after it', 0, behind.length),
  ]
}

/** Ends member and load; another one settles the rest, and every table is held against the topic. */
export const proveEnd = async (
  stage: Stage,
  member: Member,
  load: Pick<Load, 'stop'>,
  { rejoins = false, letters = 0 }: EndOptions = {},
): Promise<ProofLine[]> => {
  const count = (msg: string) => member.lines(msg).length
  const membership = [
    exactly('times the member was assigned partitions', 1, count('partitions assigned')),
    exactly('rebalances, revocations, restarts of its Kafka client', 0, rebalances(member)),
  ]
  const stopped = await proveStop(stage, [member])
  await load.stop()
  const last = stage.start('last')
  await stage.world.drained(300_000)
  await stop(last)
  const { deadLettered } = await stage.world.totals()
  const { lines } = await proveWorld(stage.world)
  return [
    ...(rejoins ? [] : membership),
    ...stopped,
    exactly('dead letters', letters, deadLettered),
    await proveEndings(stage.world, stage.say),
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

export const atLeast = (what: string, least: number, found: number): ProofLine => ({
  what,
  expected: `at least ${least.toLocaleString('en')}`,
  found: found.toLocaleString('en'),
  ok: found >= least,
})

const between = (what: string, [least, most]: readonly [number, number], found: number): ProofLine => ({
  ...atMost(what, most, found),
  ok: found >= least && found <= most,
})

export const matches = (what: string, expected: RegExp, found: string): ProofLine => ({
  what,
  expected: String(expected),
  found,
  ok: expected.test(found),
})
