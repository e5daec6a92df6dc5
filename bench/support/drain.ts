// A backlog drained into a ledger: how fast, at what cost, and whether all of it is there.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backlog } from './backlog.ts'
import { cpuOf, cpuOfFamily } from './cpu.ts'
import type { Base, Ground } from './ground.ts'
import { checkLedger, flushesOf } from './ledger.ts'
import { type BenchMember, startMember } from './member.ts'

export type DrainOptions = {
  readonly members?: number
  readonly env?: NodeJS.ProcessEnv
  readonly template?: Base
  readonly profile?: string
  /** Another way to the database: through a proxy. */
  readonly via?: (url: string) => string
}

/** Rates in rows a second, costs in µs of CPU a row. */
export type Drained = {
  readonly rate: number
  readonly rateFromStart: number
  readonly node: number
  readonly postgres: number
  readonly broker: number
  /** Of all members, at their peak, in MiB. */
  readonly rss: number
  /** Rows of a flush: median, and the largest. */
  readonly batch: number
  readonly largest: number
  readonly gcShare: number
}

const POLL_MS = 50
const STALLED_MS = 120_000

export async function drain(ground: Ground, backlog: Backlog, options: DrainOptions = {}): Promise<Drained> {
  const base = await ground.database(options.template)
  try {
    return await drainInto(ground, { base, backlog }, options)
  } finally {
    await base.drop()
  }
}

type Place = { base: Base; backlog: Backlog }

export async function drainInto(ground: Ground, { base, backlog }: Place, options: DrainOptions): Promise<Drained> {
  const { members: count = 1, env = {}, via = (url: string) => url, profile } = options
  const [{ before = 0 } = {}] = options.template
    ? await base.query<{ before: number }>('SELECT count(*)::int AS before FROM ledger_entry')
    : []
  const work = { topic: backlog.topic, group: `bench-${randomUUID().slice(0, 8)}`, url: via(base.url), env, ...(profile && { profile }) } // prettier-ignore
  const members = Array.from({ length: count }, (_, at) => startMember(ground, work, `member-${at + 1}`))
  const settled = async () => {
    const rows = await base.query<{ settled: number }>(
      'SELECT coalesce(sum(next_offset - start_offset), 0)::int AS settled FROM consumer_offset',
    )
    return rows[0]?.settled ?? 0
  }
  const first = await reached(1, members, settled)
  const cpuBefore = await spent(ground, members)
  await reached(backlog.records, members, settled)
  const cpuAfter = await spent(ground, members)
  const rss = members.reduce((sum, member) => sum + member.memory.max(), 0)
  await Promise.all(members.map((member) => member.stop()))

  await checkLedger(base, { ...backlog, before })
  const flushes = await flushesOf(base, backlog.topic)
  const began = Math.min(...flushes.map(({ began }) => began))
  const ended = Math.max(...flushes.map(({ committed }) => committed))
  const startedAt = Math.min(...members.map((member) => member.startedAt))
  const sizes = flushes.map(({ rows }) => rows).sort((a, b) => a - b)
  const costOf = (who: keyof Spent) => ((cpuAfter[who] - cpuBefore[who]) * 1e6) / (backlog.records - first)
  return {
    rate: (backlog.records * 1000) / (ended - began),
    rateFromStart: (backlog.records * 1000) / (ended - startedAt),
    ...{ node: costOf('node'), postgres: costOf('postgres'), broker: costOf('broker'), rss },
    ...{ batch: weightedMedian(sizes), largest: sizes.at(-1) ?? 0 },
    gcShare: members.reduce((sum, member) => sum + member.gcMs(), 0) / count / (ended - startedAt),
  }
}

type Spent = { node: number; postgres: number; broker: number }
const spent = async ({ postmaster, broker }: Ground, members: readonly BenchMember[]): Promise<Spent> => {
  const each = await Promise.all(members.map(({ pid }) => cpuOf(pid)))
  const [postgres, ofBroker] = await Promise.all([cpuOfFamily(await postmaster()), cpuOf(broker)])
  return { node: each.reduce((sum, one) => sum + one, 0), postgres, broker: ofBroker }
}

/** Half of the rows are in flushes of at least this size. */
const weightedMedian = (sorted: readonly number[]): number => {
  const half = sorted.reduce((sum, size) => sum + size, 0) / 2
  let seen = 0
  return sorted.find((size) => (seen += size) >= half) ?? 0
}

/** Until so many are settled; how many are. */
export async function reached(goal: number, members: readonly BenchMember[], settled: () => Promise<number>) {
  let last = { count: 0, at: performance.now() }
  for (;;) {
    const count = await settled()
    if (count >= goal) return count
    for (const member of members) member.check()
    if (count > last.count) last = { count, at: performance.now() }
    if (performance.now() - last.at > STALLED_MS) throw new Error(`stalled at ${count} of ${goal} records`)
    await sleep(POLL_MS)
  }
}
