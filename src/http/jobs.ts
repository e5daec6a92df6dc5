// What takes longer than a request: one at a time, remembered in memory. It ends with the member; nothing is lost then, the same
// request goes on.
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Immutable } from '../lib/immutable.ts'
import type { OperatorError } from '../lib/operator-error.ts'
import { Refusal, tell } from './refusal.ts'

export const job = z.object({
  id: z.uuid(),
  kind: z.enum(['replay', 'discard', 'assign', 'undo']),
  state: z.enum(['running', 'done', 'partial', 'stopped', 'failed']).describe('partial: some were left, see result'),
  total: z.number().describe('Dead letters; 0 of a correction: nobody knows how far PostgreSQL is before it is there'),
  done: z.number().describe('Of them'),
  ...{ startedAt: z.date(), endedAt: z.date().nullable() },
  result: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'At its end. Replay: sent, tooLarge, unsent, lost, note; discard: discarded, left; assign and undo: the change, as `sluice mapping show --json` tells it, and the mapping now',
    ),
  error: z.object({ message: z.string(), remedy: z.string() }).nullable().describe('When failed'),
})
export type Job = Immutable<z.infer<typeof job>>
export type Ended = {
  readonly state: 'done' | 'partial' | 'stopped' | 'failed'
  readonly result: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}
export type Work = (signal: AbortSignal, progress: (done: number) => void) => Promise<Ended>

const KEPT = 20

export type Jobs = ReturnType<typeof createJobs>

type JobsDeps = { readonly wall: () => number; readonly explain: (error: unknown) => OperatorError | null }

export function createJobs({ wall, explain }: JobsDeps) {
  const jobs = new Map<string, Job>()
  let running: { id: string; stop: AbortController; over: Promise<void> } | null = null

  const change = (id: string, to: Partial<Job>) => {
    const job = jobs.get(id)
    if (job) jobs.set(id, { ...job, ...to })
  }
  const wordsOf = (cause: unknown) => {
    const { message, remedy } = tell(cause, explain).body.error
    return { message, remedy }
  }

  async function run(id: string, work: Work, signal: AbortSignal) {
    try {
      const { state, result, cause } = await work(signal, (done) => change(id, { done }))
      change(id, { state, result, ...(cause === undefined ? {} : { error: wordsOf(cause) }) })
    } catch (cause) {
      change(id, { state: 'failed', error: wordsOf(cause) })
    } finally {
      change(id, { endedAt: new Date(wall()) })
      running = null
    }
  }

  return {
    refuseSecond() {
      if (running) throw new Refusal(409, 'JOB_RUNNING', `job ${running.id} is running`, 'wait for its end, or stop it')
    },
    start(kind: Job['kind'], total: number, work: Work): Job {
      this.refuseSecond()
      const id = randomUUID()
      const begun: Job = {
        ...{ id, kind, state: 'running', total, done: 0, startedAt: new Date(wall()) },
        ...{ endedAt: null, result: null, error: null },
      }
      jobs.set(id, begun)
      const [oldest] = jobs.keys()
      if (jobs.size > KEPT && oldest !== undefined) jobs.delete(oldest)
      const stop = new AbortController()
      running = { id, stop, over: Promise.resolve() }
      running.over = run(id, work, stop.signal)
      return begun
    },
    get: (id: string) => jobs.get(id) ?? null,
    stop(id: string) {
      if (running?.id === id) running.stop.abort()
      return jobs.get(id) ?? null
    },
    /** Stops what is under way; to be waited for, but not for ever. */
    async end() {
      running?.stop.abort()
      await running?.over
    },
  }
}
