// What a process must not gather over half an hour: memory, timers, sockets, sessions. Looked at on a member that lives through
// all of it, after a warm-up and at the end, both times when nothing is wrong and nothing is left to do.
import type { ProofLine } from '../../src/demo/proof.ts'
import { atLeast, atMost } from '../fault/play.ts'
import { backendsOf, type Stage } from '../fault/stage.ts'
import type { Member } from '../support/member.ts'
import { residentMib } from '../support/memory.ts'

export type Held = {
  readonly rssMib: number
  readonly kinds: Readonly<Record<string, number>>
  readonly sessions: number
  /** Lines of its log that it was told by; a process without them has not been looked at. */
  readonly looks: number
}

const LOOKS = 5
/** Sockets and timers of a reconnect that is under way, and requests that wait for an answer. */
const SLACK = 6
const SLACK_MIB = 120

/** Of the last seconds: the least of each kind, for what comes and goes is no leak. */
export const holdsNow = async (stage: Pick<Stage, 'query'>, member: Member): Promise<Held> => {
  const looks = member.lines('resources').slice(-LOOKS)
  const kinds: Record<string, number> = {}
  const named = new Set(looks.flatMap((line) => Object.keys(line['counts'] as object)))
  for (const kind of named)
    kinds[kind] = Math.min(...looks.map((line) => (line['counts'] as Record<string, number>)[kind] ?? 0))
  return {
    rssMib: (await residentMib(member.pid)) ?? NaN,
    ...{ kinds, looks: looks.length },
    sessions: (await backendsOf(stage, member)).length,
  }
}

export const proveFlat = (before: Held, after: Held, poolSize: number): ProofLine[] => [
  atLeast('looks at the memory, timers and sockets of the member that lived through it, before and after', 1, Math.min(before.looks, after.looks, Object.keys(before.kinds).length)), // prettier-ignore
  atMost('RSS in MiB at the end (after the warm-up + a constant)', before.rssMib + SLACK_MIB, after.rssMib),
  atMost('sessions in PostgreSQL of the member that lived through it', poolSize, after.sessions),
  ...Object.keys({ ...before.kinds, ...after.kinds }).map((kind) =>
    atMost(
      `${kind} that it holds at the end (after the warm-up + ${SLACK})`,
      (before.kinds[kind] ?? 0) + SLACK,
      after.kinds[kind] ?? 0,
    ),
  ),
]
