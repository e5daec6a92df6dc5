// What takes longer than a request: one at a time, remembered in memory. It ends with the member; nothing is lost then: what is
// left of a replay or discard is asked for again, the rows of a correction are moved by the next one of the user.
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

type JobsDeps = {
  readonly wall: () => number
  readonly explain: (error: unknown) => OperatorError | null
  /** A fault of ours, for the log. */
  readonly fault: (error: unknown) => void
}

/** Not to be stopped: it would be left half done, which takes as long to mend. */
const isCorrection = ({ kind }: Job) => kind === 'assign' || kind === 'undo'

export function createJobs({ wall, explain, fault }: JobsDeps) {
  const jobs = new Map<string, Job>()
  let running: { id: string; stop: AbortController; over: Promise<void> } | null = null

  const change = (id: string, to: Partial<Job>) => {
    const job = jobs.get(id)
    if (job) jobs.set(id, { ...job, ...to })
  }
  const wordsOf = (cause: unknown) => {
    const { status, body } = tell(cause, explain)
    if (status === 500) fault(cause)
    const { message, remedy } = body.error
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
      const job = running && jobs.get(running.id)
      if (!job) return
      const others = 'wait for its end; another member, or the terminal, takes others'
      const remedy = isCorrection(job) ? others : 'wait for its end, or stop it'
      throw new Refusal(409, 'JOB_RUNNING', `job ${job.id} (${job.kind}) is running`, remedy)
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
      const job = jobs.get(id)
      if (running?.id === id && job && isCorrection(job))
        throw new Refusal(409, 'NOT_STOPPED', 'a correction is not stopped: it would be left half done', 'wait for its end') // prettier-ignore
      if (running?.id === id) running.stop.abort()
      return job ?? null
    },
    /** Stops what is under way; to be waited for, but not for ever. */
    async end() {
      running?.stop.abort()
      await running?.over
    },
  }
}
