// Prometheus and promtool: PROMETHEUS_BIN (a folder), the PATH, or Debian's package, downloaded once by whichever test asks first.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'

export type Binaries = { readonly prometheus: string; readonly promtool: string }

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice', 'prometheus')

/** Null: there is none. Nothing is downloaded. */
export function findPrometheus(env: NodeJS.ProcessEnv = process.env): Binaries | null {
  const folders = [env['PROMETHEUS_BIN'], ...(env['PATH'] ?? '').split(delimiter), join(CACHE, 'usr', 'bin')]
  for (const folder of folders) {
    if (!folder) continue
    const found = { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') }
    if (existsSync(found.prometheus) && existsSync(found.promtool)) return found
  }
  return null
}

/** Unpacked, not installed: Debian's package would start a server of its own. Null where there is no apt. */
export async function fetchPrometheus(): Promise<Binaries | null> {
  const there = findPrometheus()
  if (there) return there
  const folder = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
  try {
    // Without network it must not be waited for: tests that need none begin after this.
    const soon = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10']
    await execa('apt-get', [...soon, 'download', 'prometheus'], { cwd: folder, timeout: 120_000 })
    const [deb] = (await readdir(folder)).filter((name) => name.endsWith('.deb'))
    await execa('dpkg', ['-x', join(folder, deb!), join(folder, 'out')])
    await mkdir(join(CACHE, '..'), { recursive: true })
    await rename(join(folder, 'out'), CACHE)
  } catch (error) {
    console.warn(`Prometheus could not be fetched with apt-get: ${(error as Error).message.split('\n')[0]}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return findPrometheus()
}
