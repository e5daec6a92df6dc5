// Apache Kafka's jars, downloaded once per machine and pom.xml. A folder under its final name is complete: it is filled
// under another name, then renamed. Two processes at once both download, one rename wins, the other is thrown away.
import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OperatorError } from '../lib/operator-error.ts'
import { findMaven, REMEDY } from './java.ts'
import { exitOf, startKeeper } from './keeper.ts'

const POM = fileURLToPath(new URL('./kafka/pom.xml', import.meta.url))

export type JarOptions = { env: NodeJS.ProcessEnv; log: (line: string) => void; signal: AbortSignal }

export type Jars = { version: string; folder: string; cached: boolean }

/** Says where the jars are or will be, and throws if they are missing and cannot be fetched. Starts nothing. */
export const locateJars = async (env: NodeJS.ProcessEnv): Promise<Jars> => {
  const pom = await readFile(POM, 'utf8')
  const version = /<kafka\.version>(.+?)</.exec(pom)?.[1] ?? 'unknown'
  const cache = join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'sluice')
  const folder = join(cache, `kafka-${version}-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`)
  const cached = await exists(folder)
  if (!cached) await findMaven(env)
  return { version, folder, cached }
}

export const fetchJars = async (jars: Jars, { env, log, signal }: JarOptions): Promise<void> => {
  if (jars.cached) return
  const cache = join(jars.folder, '..')
  await mkdir(cache, { recursive: true })
  log(`Kafka: downloading Apache Kafka ${jars.version} with Maven into ${cache} (54 MB, once)`)
  const maven = await findMaven(env)
  const folder = join(cache, `download-${randomUUID()}`)
  const lib = join(folder, 'lib')
  const download = startKeeper({
    folder,
    command: [
      maven,
      '-q',
      '-B',
      '-f',
      POM,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${lib}`,
    ],
    env: { ...env, MAVEN_OPTS: `${env['MAVEN_OPTS'] ?? ''} -XX:-UsePerfData` },
    stopSignal: 'TERM',
  })
  try {
    const code = await exitOf(download, signal)
    if (code !== 0) {
      for (const line of (await download.log()).trimEnd().split('\n').slice(-20)) log(`  | ${line}`)
      throw new OperatorError(
        `Maven could not download Apache Kafka (exit code ${code}); the end of its log is above`,
        REMEDY,
      )
    }
    await rename(lib, jars.folder).catch(async (error: unknown) => {
      if (!(await exists(jars.folder))) throw error
    })
  } finally {
    await download.end()
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
