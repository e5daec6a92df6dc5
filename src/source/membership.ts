// Which partitions are ours. kafkajs tells only after a join, and never before a loss; a partition that stays ours over
// a rejoin keeps its buffer and position (dropping them lost records: see deliver.ts). kafkajs begins at Kafka's commit after
// every join, we at our position: a partition is held until that is known, and then sought. What lies below is never fetched,
// so that a batch which cannot be read, and was passed by, does not stop us again; nor does a commit beyond our position skip.
import type { Clock } from '../lib/clock.ts'
import { backoffMs } from '../pipeline/backoff.ts'
import type { Intake } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'
import type { StartPosition } from './start-position.ts'

export type MembershipDeps = {
  startPositions: (partitions: readonly number[]) => Promise<ReadonlyMap<number, StartPosition>>
  isFatal: (error: unknown) => boolean
  closing: () => boolean
  fail: (error: unknown) => void
  /** Fetch nothing of these. */
  hold: (partitions: readonly number[]) => void
  /** Fetch again, from `position` on. */
  release: (partition: number, position: bigint) => void
  seek: (partition: number, position: bigint) => void
  commit: (positions: ReadonlyMap<number, bigint>) => void
  clock: Clock
  emit: Emit
}

export function createMembership({ startPositions, emit, clock, ...deps }: MembershipDeps) {
  /** Which assignment of it, by a count of all. */
  const owned = new Map<number, number>()
  let assignments = 0
  let checking = false
  /** Joined, and Kafka not held against the database since: commits that waited for the join were dropped (commits.ts). */
  let untold = false

  /** Asks for as long as it takes. Null: fatal, or nobody wants to know any more. */
  async function ask(wanted: () => readonly number[]): Promise<ReadonlyMap<number, StartPosition> | null> {
    for (let attempt = 1; ; attempt += 1) {
      const partitions = wanted()
      if (partitions.length === 0 || deps.closing()) return null
      try {
        return await startPositions(partitions)
      } catch (error) {
        if (deps.isFatal(error)) {
          deps.fail(error)
          return null
        }
        const backoff = backoffMs(attempt, () => 1)
        emit({ type: 'position-retry', attempt, backoffMs: backoff, cause: error })
        await clock.sleep(backoff)
      }
    }
  }

  /** Loads the start positions; no record is taken before. */
  async function begin(partitions: readonly number[], intake: Intake) {
    const assigned = new Map(partitions.map((partition) => [partition, owned.get(partition)]))
    // Lost and gained again meanwhile, it has a question of its own: the answer to ours may be older than what others wrote.
    const ours = (partition: number) => owned.get(partition) === assigned.get(partition)
    const waiting = () => partitions.filter((partition) => ours(partition) && intake.next(partition) === null)
    const positions = await ask(waiting)
    for (const [partition, { position, kafka }] of positions ?? []) {
      if (!waiting().includes(partition)) continue
      intake.assign(partition, position)
      emit({ type: 'positioned', partition, position, kafka })
      tell(partition, position, kafka)
      deps.release(partition, position)
    }
  }

  /** Whoever settled these died before it told Kafka: without a new record nobody would, and lag would be seen that is none. */
  function tell(partition: number, position: bigint, kafka: bigint | null) {
    if (kafka === null || kafka < position) deps.commit(new Map([[partition, position]]))
  }

  /**
   * Holds Kafka against the database for partitions that are positioned. What somebody else settled while we were cut off is
   * not wanted any more, and may be gone from the log. And where the database holds less than we know it held (a standby took
   * over that had not got everything; an operator set it back), no record may ever come to show it: the partition is idle.
   */
  async function compare(partitions: () => readonly number[], intake: Intake, asking = ask): Promise<boolean> {
    // Before the question: what is settled while it is under way is no rewind. Nor is what was rewound and settled as far again.
    const held = new Map<number, { settled: bigint; assignment: unknown }>()
    const asked = () => {
      const wanted = partitions().filter((partition) => owned.has(partition) && intake.next(partition) !== null)
      for (const partition of wanted)
        held.set(partition, { settled: intake.settled(partition) ?? 0n, assignment: intake.assignment(partition) })
      return wanted
    }
    const answer = await asking(asked)
    for (const [partition, { position, kafka }] of answer ?? []) {
      const next = owned.has(partition) ? intake.next(partition) : null
      const { settled: before = 0n, assignment } = held.get(partition) ?? {}
      // Settled meanwhile: the next look sees both sides of it.
      if (next === null || intake.settled(partition) !== before || intake.assignment(partition) !== assignment) continue
      if (position > next) {
        intake.assign(partition, position)
        emit({ type: 'positioned', partition, position, kafka })
        deps.commit(new Map([[partition, position]])) // in the place of an older one that may still wait
      } else if (position < before) {
        emit({ type: 'rewound', partition, from: before, position })
        intake.rewind(partition, position)
        deps.seek(partition, position)
      } else if (position === before) tell(partition, position, kafka)
      // Else a COMMIT is done and its answer under way: whoever waits for it tells Kafka.
    }
    return answer !== null
  }

  /** A topic that was deleted and made again may go on at our offsets without an error. One look at a time. */
  async function check(intake: Intake) {
    if (checking) return
    checking = true
    if (await compare(() => [...owned.keys()], intake)) untold = false
    checking = false
  }

  async function askOnce(wanted: () => readonly number[]) {
    const partitions = wanted()
    return partitions.length === 0 ? null : await startPositions(partitions)
  }

  return {
    check,
    /** Before the end, drained: what nobody would tell Kafka until the next member. One try; rejects with why not. */
    async tellLast(intake: Intake) {
      if (untold) await compare(() => [...owned.keys()], intake, askOnce)
    },
    owns: (partition: number) => owned.has(partition),
    owned: () => [...owned.keys()],
    /** How many are held until it is known where to begin. */
    unpositioned: (intake: Intake) => [...owned.keys()].filter((partition) => intake.next(partition) === null).length,
    /** After each join, with all that is ours now. Synchronous: kafkajs fetches right after. */
    joined(assignment: readonly number[], intake: Intake) {
      untold = true
      const gone = [...owned.keys()].filter((partition) => !assignment.includes(partition))
      const gained = assignment.filter((partition) => !owned.has(partition))
      const kept = assignment.filter((partition) => owned.has(partition))
      for (const partition of gone) {
        owned.delete(partition)
        intake.revoke(partition)
      }
      for (const partition of gained) owned.set(partition, (assignments += 1))
      for (const partition of kept) {
        const next = intake.next(partition)
        if (next !== null) deps.release(partition, next)
      }
      deps.hold(assignment.filter((partition) => intake.next(partition) === null))
      if (gone.length > 0) emit({ type: 'revoked', partitions: gone })
      if (gained.length > 0) emit({ type: 'assigned', partitions: gained })
      begin(gained, intake).catch(deps.fail)
      check(intake).catch(deps.fail)
    },
    /** Holds Kafka against the database for one partition; fails the source when records would be lost. */
    async doubt(partition: number, intake: Intake) {
      await compare(() => [partition], intake)
    },
  }
}
