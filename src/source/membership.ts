// Which partitions are ours. kafkajs tells only after a join, and never before a loss; a partition that stays ours over
// a rejoin keeps its buffer and position (dropping them lost records: see deliver.ts).
import { backoffMs } from '../pipeline/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Intake } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'
import type { StartPosition } from './start-position.ts'

export type MembershipDeps = {
  startPositions: (partitions: readonly number[]) => Promise<ReadonlyMap<number, StartPosition>>
  isFatal: (error: unknown) => boolean
  closing: () => boolean
  fail: (error: unknown) => void
  clock: Clock
  emit: Emit
}

export function createMembership({ startPositions, emit, clock, ...deps }: MembershipDeps) {
  const owned = new Set<number>()

  /** Loads the start positions of `partitions`, for as long as it takes; no record is taken before. */
  async function begin(partitions: readonly number[], intake: Intake) {
    for (let attempt = 1; ; attempt += 1) {
      const waiting = partitions.filter((partition) => owned.has(partition) && intake.next(partition) === null)
      if (waiting.length === 0 || deps.closing()) return
      try {
        for (const [partition, { position, kafka }] of await startPositions(waiting)) {
          if (!owned.has(partition) || intake.next(partition) !== null) continue
          intake.assign(partition, position)
          emit({ type: 'positioned', partition, position, kafka })
        }
      } catch (error) {
        if (deps.isFatal(error)) return deps.fail(error)
        const delay = backoffMs(attempt, () => 1)
        emit({
          type: 'flush-retry',
          code: 'START_POSITION',
          fate: 'transient',
          attempt,
          backoffMs: delay,
          cause: error,
        })
        await clock.sleep(delay)
      }
    }
  }

  return {
    owns: (partition: number) => owned.has(partition),
    /** After each join, with all that is ours now. Synchronous: kafkajs fetches right after. */
    joined(assignment: readonly number[], intake: Intake) {
      const gone = [...owned].filter((partition) => !assignment.includes(partition))
      const gained = assignment.filter((partition) => !owned.has(partition))
      for (const partition of gone) {
        owned.delete(partition)
        intake.revoke(partition)
      }
      for (const partition of gained) owned.add(partition)
      if (gone.length > 0) emit({ type: 'revoked', partitions: gone })
      if (gained.length > 0) emit({ type: 'assigned', partitions: gained })
      void begin(gained, intake)
    },
    /** Holds Kafka against the database for one partition; fails the source when records would be lost. */
    async doubt(partition: number) {
      await startPositions([partition]).catch((error: unknown) => {
        if (deps.isFatal(error)) deps.fail(error)
      })
    },
  }
}
