import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { createDatabase } from '../sink/database.ts'
import { indexTexts } from '../sink/match-index.ts'
import { migrate } from '../sink/migrate.ts'
import type { Io } from './io.ts'

export const migrateCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('migrate')
    .description('create or update the tables in DATABASE_URL')
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://sluice:secret@localhost:5432/sluice sluice migrate')
    .action(async () => {
      const { databaseUrl } = loadConfig(io.env, ['database'])
      const { applied } = await migrate(databaseUrl)
      io.stdout.write(
        applied.length === 0 ? 'nothing to do: the tables are up to date\n' : `applied ${applied.join(', ')}\n`,
      )
      const database = createDatabase({ url: databaseUrl, poolSize: 1, writer: 'fast' })
      const taken = await indexTexts(database).finally(() => database.close())
      if (taken > 0) io.stdout.write(`${taken} stored texts can now be found by nearly the same text\n`)
      exit(ExitCode.ok)
    })
