// One thing that sluice relies on, looked at. A check never throws and never takes for ever: the next one goes on.
import type { Clock } from '../lib/clock.ts'
import { OperatorError } from '../lib/operator-error.ts'

export type Status = 'ok' | 'warn' | 'fail' | 'skip'
export type Finding = {
  readonly status: Status
  /** What was found; never a secret. */
  readonly found: string
  /** The command, or the change, that mends it. */
  readonly remedy?: string
}
export type Checked = Finding & { readonly area: string; readonly check: string }

export const ok = (found: string): Finding => ({ status: 'ok', found })
export const warn = (found: string, remedy: string): Finding => ({ status: 'warn', found, remedy })
export const fail = (found: string, remedy: string): Finding => ({ status: 'fail', found, remedy })
export const skip = (found: string): Finding => ({ status: 'skip', found })

export type Look = () => Promise<Finding> | Finding
/** What several checks look at is asked for once; but again after a fault. */
export function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = null
      throw error
    })
    return answer
  }
}

/** By name, in the order in which they are told. */
export type Checks = Readonly<Record<string, Look>>
export type Explain = (error: unknown) => OperatorError | null

/** Kafka clients and PostgreSQL sessions have shorter time-outs of their own. */
const PATIENCE_MS = 40_000

/** `explain`: what a person can do about a fault, where it is known. */
export async function runChecks(area: string, checks: Checks, explain: Explain, clock: Clock): Promise<Checked[]> {
  const done: Checked[] = []
  for (const [check, look] of Object.entries(checks))
    done.push({ area, check, ...(await within(look, clock).catch((error: unknown) => told(error, explain))) })
  return done
}

export const skipped = (area: string, checks: readonly string[], why: string): Checked[] =>
  checks.map((check) => ({ area, check, ...skip(why) }))

async function within(look: Look, clock: Clock): Promise<Finding> {
  const ended = new AbortController()
  const late = clock
    .sleep(PATIENCE_MS, ended.signal)
    .then(() =>
      fail(`no answer within ${PATIENCE_MS / 1_000} s`, 'look at the network between here and there, and run it again'),
    )
  try {
    return await Promise.race([Promise.resolve().then(look), late])
  } finally {
    ended.abort()
  }
}

/** Not a fault's own words: PostgreSQL's may quote what they were given. */
export function told(error: unknown, explain: Explain): Finding {
  const known = error instanceof OperatorError ? error : explain(error)
  if (known) return fail(known.message, known.remedy)
  return fail(
    `an unexpected fault (${error instanceof Error ? error.name : 'not an error'})`,
    'run it again; if it lasts, report it',
  )
}
