// One contestant through all steps: every event's latency, and how much was written in each step.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'hdr-histogram-js'
import { createProducer } from '../../src/kafka/producer.ts'
import { eventsOf, load, prepare, wall } from '../latency/load.ts'
import { createTopic } from '../support/backlog.ts'
import type { Base, Ground } from '../support/ground.ts'
import { startMember } from '../support/member.ts'
import { slowDown } from './slow-database.ts'

export type Step = { readonly name: string; readonly rate: number; readonly seconds: number; readonly slow?: number }
export type Contestant = { readonly name: string; readonly env: NodeJS.ProcessEnv }
/** Null: not all of the events of the step were written by the end. */
export type Outcome = { readonly rate: number; readonly p50: number; readonly p99: number | null }
export type Timeline = {
  readonly steps: readonly { readonly name: string; readonly at: number }[]
  /** Milliseconds since the epoch. */
  readonly events: readonly { readonly sent: number; readonly written: number }[]
  readonly flushes: readonly Record<string, unknown>[]
}

/** What is still unwritten then counts as lost to its step. */
const CATCH_UP_MS = 10_000
const CLIENT = 'adaptive'

export async function runSteps(ground: Ground, { env }: Contestant, steps: readonly Step[]) {
  const base = await ground.database()
  const { topic, drop } = await createTopic(ground, 4)
  const producer = createProducer(ground.kafka, ground.log)
  await producer.connect()
  const target = { producer, topic }
  const work = { topic, group: `bench-${randomUUID().slice(0, 8)}`, url: base.url, env }
  const member = startMember(ground, work, CLIENT)
  try {
    const prepared = steps.map((step, at) => prepare(eventsOf(step), at + 2))
    const warmUp = { rate: 500, seconds: 3 }
    let sentSoFar = (await load(target, warmUp, prepare(eventsOf(warmUp), 1))).size
    await caughtUp(base, sentSoFar, 60_000)
    const plays: { step: Step; began: number; ended: number; sent: Map<string, number> }[] = []
    for (const [at, step] of steps.entries()) {
      const began = wall()
      const play = async () => {
        const sent = await load(target, step, prepared[at]!)
        plays.push({ step, began, ended: began + step.seconds * 1000, sent })
        sentSoFar += sent.size
      }
      if (step.slow) await slowDown(base, CLIENT, step.slow, play)
      else await play()
    }
    await caughtUp(base, sentSoFar, CATCH_UP_MS)
    member.check()
    const flushes = member.flushes()
    await member.stop('SIGKILL') // one that is far behind would take its time to drain
    const written = await commitTimes(base)
    const outcomes = plays.map(({ sent, began, ended }): Outcome => {
      const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 })
      for (const [id, at] of sent) {
        const then = written.get(id)
        if (then !== undefined) histogram.recordValue(Math.max(1, Math.round((then - at) * 1000)))
      }
      const within = [...sent.keys()].filter((id) => (written.get(id) ?? Infinity) <= ended).length
      const complete = histogram.totalCount === sent.size
      const quantile = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000
      return { rate: (within * 1000) / (ended - began), p50: quantile(50), p99: complete ? quantile(99) : null }
    })
    const events = plays
      .flatMap(({ sent }) => [...sent])
      .flatMap(([id, sent]) => (written.has(id) ? [{ sent, written: written.get(id)! }] : []))
    const timeline: Timeline = {
      steps: plays.map(({ step, began }) => ({ name: step.name, at: began })),
      events,
      flushes,
    }
    return { outcomes, timeline }
  } finally {
    await member.stop('SIGKILL')
    await producer.disconnect()
    await Promise.all([drop(), base.drop()])
  }
}

async function caughtUp({ query }: Base, records: number, patienceMs: number) {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    const [found] = await query<{ n: number }>('SELECT coalesce(sum(next_offset), 0)::int AS n FROM consumer_offset')
    if ((found?.n ?? 0) >= records) return
    await sleep(100)
  }
}

const commitTimes = async ({ query }: Base): Promise<Map<string, number>> => {
  const rows = await query<{ id: string; at: number }>(
    `SELECT event_id::text AS id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS at FROM ledger_entry`,
  )
  return new Map(rows.map(({ id, at }) => [id, at]))
}
