// Which partitions are ours. kafkajs tells only after a join, and never before a loss; a partition that stays ours over
// a rejoin keeps its buffer and position (dropping them lost records: see deliver.ts).
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
  seek: (partition: number, position: bigint) => void
  clock: Clock
  emit: Emit
}

export function createMembership({ startPositions, emit, clock, ...deps }: MembershipDeps) {
  const owned = new Set<number>()
  /** Where Kafka's commit stood above our position: kafkajs begins there after every join. */
  const ahead = new Map<number, bigint>()
  let checking = false

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
    const waiting = () => partitions.filter((partition) => owned.has(partition) && intake.next(partition) === null)
    const positions = await ask(waiting)
    for (const [partition, { position, kafka }] of positions ?? []) {
      if (!waiting().includes(partition)) continue
      intake.assign(partition, position)
      emit({ type: 'positioned', partition, position, kafka })
      if (kafka === null || kafka <= position) continue
      // Not left to the gap detection: at the end of the log no record would come to show the gap.
      ahead.set(partition, kafka)
      deps.seek(partition, position)
    }
  }

  /** Somebody else settled more while we were cut off: what is below is not wanted, and may be gone from the log. */
  function catchUp(positions: ReadonlyMap<number, StartPosition> | null, intake: Intake) {
    for (const [partition, { position, kafka }] of positions ?? []) {
      const next = owned.has(partition) ? intake.next(partition) : null
      if (next === null || position <= next) continue
      intake.assign(partition, position)
      emit({ type: 'positioned', partition, position, kafka })
    }
  }

  /** A topic that was deleted and made again may go on at our offsets without an error. One look at a time. */
  async function check(intake: Intake) {
    if (checking) return
    checking = true
    catchUp(await ask(() => [...owned].filter((partition) => intake.next(partition) !== null)), intake)
    checking = false
  }

  return {
    check,
    owns: (partition: number) => owned.has(partition),
    /** After each join, with all that is ours now. Synchronous: kafkajs fetches right after. */
    joined(assignment: readonly number[], intake: Intake) {
      const gone = [...owned].filter((partition) => !assignment.includes(partition))
      const gained = assignment.filter((partition) => !owned.has(partition))
      const kept = assignment.filter((partition) => owned.has(partition))
      for (const partition of gone) {
        owned.delete(partition)
        ahead.delete(partition)
        intake.revoke(partition)
      }
      for (const partition of gained) owned.add(partition)
      for (const partition of kept) {
        const next = intake.next(partition)
        if (next !== null && next < (ahead.get(partition) ?? 0n)) deps.seek(partition, next)
      }
      if (gone.length > 0) emit({ type: 'revoked', partitions: gone })
      if (gained.length > 0) emit({ type: 'assigned', partitions: gained })
      begin(gained, intake).catch(deps.fail)
      check(intake).catch(deps.fail)
    },
    /** Holds Kafka against the database for one partition; fails the source when records would be lost. */
    async doubt(partition: number, intake: Intake) {
      catchUp(await ask(() => (owned.has(partition) ? [partition] : [])), intake)
    },
  }
}
