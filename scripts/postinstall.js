// Generates the Prisma client into src/generated/prisma, after `npm ci` in a checkout (npm's `prepare`); a package that was packed from one has
// it in dist, and runs nothing when it is installed. `prisma generate` does not use its schema engine but wants the
// download; naming any executable in its place keeps the install working without network access to that download.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

if (!existsSync(new URL('../node_modules/prisma', import.meta.url))) {
  console.log('sluice: prisma is not installed (production install); using the client that was generated at build time')
  process.exit(0)
}
const { status } = spawnSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  },
})
process.exit(status ?? 1)
