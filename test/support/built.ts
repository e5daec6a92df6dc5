// sluice, compiled and laid out as an installed package: a process of it begins a second of CPU earlier than one that
// compiles through tsx as it starts. Made anew for each vitest run (stack.global.ts): it cannot be older than the sources.
import { existsSync, rmSync } from 'node:fs'
import { cp, mkdtemp, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Where a run tells its test processes what it has built. */
const VARIABLE = 'SLUICE_BUILT'

const SOURCES = join(ROOT, 'bin/sluice.js')

/** What `node` is given to run sluice: the sources outside of a vitest run, and for failpoints, whose loader knows no other. */
export const sluicePath = (env: NodeJS.ProcessEnv = {}): string =>
  (env['FAILPOINTS'] ? undefined : process.env[VARIABLE]) ?? SOURCES

/** Gone with this process. */
export const buildSluice = async (): Promise<void> => {
  const folder = await mkdtemp(join(process.env['TMPDIR'] || tmpdir(), 'sluice-built-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const each of ['bin', 'prisma', 'package.json'])
    await cp(join(ROOT, each), join(folder, each), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  // As `npm run build`, but without a look at types, which takes ten seconds and is what `npm run check` is for.
  const untyped = { noCheck: true, noResolve: true, noLib: true, types: [], outDir: join(folder, 'dist') }
  const config = ts.getParsedCommandLineOfConfigFile(join(ROOT, 'tsconfig.build.json'), untyped, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic({ messageText }) {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
    },
  })
  if (config) ts.createProgram(config.fileNames, config.options).emit()
  const pages = join(ROOT, 'src/http/dashboard')
  if (existsSync(pages)) await cp(pages, join(folder, 'dist/http/dashboard'), { recursive: true })
  process.env[VARIABLE] = join(folder, 'bin/sluice.js')
}
