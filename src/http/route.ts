// What every route is given.
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import type { Config } from '../config.ts'
import type { Clock } from '../lib/clock.ts'
import type { OperatorError } from '../lib/operator-error.ts'
import type { Database } from '../sink/database.ts'
import type { KeptBatch } from '../telemetry/tally.ts'
import type { createGroup } from './group.ts'
import { accessOf } from './guard.ts'
import type { Jobs } from './jobs.ts'
import type { Reads } from './reads.ts'
import { Refusal } from './refusal.ts'

export type RouteDeps = {
  readonly config: Config
  /** A pool of its own: the pipeline's is not for whoever asks. This is for who has the token. */
  readonly database: () => Database
  /** And this for everybody. */
  readonly reads: Reads
  readonly group: ReturnType<typeof createGroup>
  readonly batches: () => readonly KeptBatch[]
  /** One at a time, whatever it does. */
  readonly jobs: Jobs
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  readonly memberId: string
  readonly token: string | null
  readonly clock: Clock
  readonly explain: (error: unknown) => OperatorError | null
  /** A fault of ours, for the log. */
  readonly fault: (error: unknown) => void
  /** To be called at the end. */
  readonly ending: (end: () => Promise<void>) => void
}
export type Routes = (app: FastifyInstance, deps: RouteDeps) => void

/** @throws Refusal 400. What was given is not told back. */
export function parsed<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const result = schema.safeParse(given ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new Refusal(400, 'MALFORMED', `${where === '' ? 'what is asked' : where} is malformed: ${issue?.message ?? ''}`)
}

/** The options of a route that wants the token. */
export const guardedBy = (token: string, summary: string, schema: object) => ({
  schema: { summary, security: [{ token: [] }], ...schema } as object,
  preValidation: async ({ headers }: { headers: Parameters<typeof accessOf>[0] }) => {
    if (accessOf(headers, token) !== 'granted')
      throw new Refusal(
        401,
        'TOKEN',
        'the token is missing or wrong',
        'send "Authorization: Bearer …" with ADMIN_TOKEN',
      )
  },
  // Nobody clicks as fast. (Wrong tokens: tries.ts.)
  config: { rateLimit: { max: 30, timeWindow: 10_000 } },
})
