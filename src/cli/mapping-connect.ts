import { CORRECTION_TIMEOUTS } from '../mapping-jobs.ts'
import type { Database } from '../sink/database.ts'
import { createMappingReads, type MappingReads } from '../sink/mapping-reads.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'

export type Connected = { readonly database: Database; readonly reads: MappingReads }

export const connected = <R>(io: Io, work: (all: Connected) => Promise<R>): Promise<R> =>
  withDatabase(io, { applicationName: 'sluice-mapping', ...CORRECTION_TIMEOUTS }, (database) =>
    work({ database, reads: createMappingReads(database) }),
  )
