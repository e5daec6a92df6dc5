// How long a command takes, on a machine that may be busy with something else.
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { sluicePath } from './built.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What a refusal may take, from the moment that all of sluice is loaded. */
export const SOON_MS = 10_000

/** Loads what `sluice consume` loads, and ends because nothing is configured. */
const loaded = () => execa('node', [sluicePath(), 'consume'], { cwd: ROOT, env: { PATH: process.env['PATH'] }, extendEnv: false, reject: false }) // prettier-ignore

/** Beyond what loading takes here, now: both are started together. */
export const timed = async <T>(work: () => Promise<T>): Promise<{ ended: T; tookMs: number }> => {
  const started = performance.now()
  const lapse = () => performance.now() - started
  const [[ended, allMs], loadMs] = await Promise.all([
    work().then((each) => [each, lapse()] as const),
    loaded().then(({ exitCode }) => {
      if (exitCode !== 2) throw new Error(`sluice without a configuration ended with exit code ${exitCode}`)
      return lapse()
    }),
  ])
  return { ended, tookMs: allMs - loadMs }
}
