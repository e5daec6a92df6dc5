// Corrections of mappings over HTTP: what they would move is counted first, then they run as jobs. On two connections of their own,
// one to count and one to move: a large ledger takes long, and nobody else is to wait for it.
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { CORRECTION_TIMEOUTS, type Plan } from '../mapping-jobs.ts'
import { changeJson } from '../mapping-text.ts'
import { createDatabase, type Database } from '../sink/database.ts'
import { type Corrections, createCorrections } from '../sink/mapping-change.ts'
import type { MappingChange } from '../sink/mapping-change-statements.ts'
import { createMappingReads, type MappingReads } from '../sink/mapping-reads.ts'
import type { Job } from './jobs.ts'
import { createReads } from './reads.ts'
import { Refusal } from './refusal.ts'
import type { RouteDeps } from './route.ts'

const COUNT_MS = 20_000

export type Correction = {
  readonly kind: 'assign' | 'undo'
  readonly userId: string
  readonly vendorKey: string
  readonly actor: string
  readonly reason: string | null
  readonly make: (corrections: Corrections, reads: MappingReads) => Promise<MappingChange>
}

export function createCorrecting({ config, clock, jobs, ending }: RouteDeps) {
  let opened: Database | null = null
  const database = () =>
    (opened ??= createDatabase({
      ...{ url: config.databaseUrl, poolSize: 2, writer: 'fast', applicationName: `${config.kafka.clientId}-mapping` },
      ...CORRECTION_TIMEOUTS,
    }))
  const counting = createReads(database, clock)
  ending(async () => {
    await jobs.end()
    await opened?.close()
  })

  return {
    /** What it would move. */
    async count<P extends Plan>(plan: (reads: MappingReads) => Promise<P>) {
      jobs.refuseSecond()
      const planned = counting(
        (one) => plan(createMappingReads(one)),
        COUNT_MS,
        '`sluice mapping` takes the time to count it, and to move it',
      )
      const { make: _, ...told } = await planned.catch((error: unknown) => {
        if (!(error instanceof OperatorError) || error.exitCode !== ExitCode.usage) throw error
        throw new Refusal(409, 'REFUSED', error.message, error.remedy)
      })
      return { dryRun: true as const, ...told }
    },
    /** It is not stopped: it would be left half done, which takes as long to mend. */
    start({ kind, userId, vendorKey, actor, reason, make }: Correction): Job {
      return jobs.start(kind, 0, async (_, progress) => {
        const corrections = createCorrections({ database: database(), clock, actor, reason })
        const change = await make(corrections, createMappingReads(database()))
        progress(Number(change.movedRows))
        // It is made: that it cannot be shown is no failure.
        const mapping = await createMappingReads(database())
          .byKeys(userId, [vendorKey])
          .catch(() => null)
        return { state: 'done', result: { ...changeJson(change), mapping } }
      })
    },
  }
}
