// Kafka Connect and the Debezium JDBC sink, downloaded by Maven once per machine and pom.xml.
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findJava, findMaven } from '../../src/local-stack/java.ts'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))
export const CONNECT_VERSION = '4.3.1'
export const SINK_VERSION = '3.6.0.Final'
// The jar's own copy-dependencies fails: some of its POMs are nowhere.
const PLUGIN = `io.debezium:debezium-connector-jdbc:${SINK_VERSION}:tar.gz:plugin`

const run = promisify(execFile)
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** The folder with `connect/*.jar` and `plugins/`. */
export async function peerJars(): Promise<string> {
  await findJava(process.env)
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sluice')
  const hash = createHash('sha256').update((await readFile(POM, 'utf8')) + PLUGIN)
  const folder = join(cache, `peer-${hash.digest('hex').slice(0, 12)}`)
  if (await exists(folder)) return folder
  const maven = await findMaven(process.env)
  console.log(
    `downloading Kafka Connect ${CONNECT_VERSION} and the Debezium JDBC sink ${SINK_VERSION} with Maven (once)`,
  )
  const download = join(cache, `download-${randomUUID()}`)
  const plugins = join(download, 'plugins')
  await mkdir(plugins, { recursive: true })
  try {
    const goal = (name: string, ...more: string[]) => run(maven, ['-q', '-B', '-f', POM, `dependency:${name}`, ...more])
    await goal('copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(download, 'connect')}`)
    await goal('copy', `-Dartifact=${PLUGIN}`, `-DoutputDirectory=${download}`)
    const archive = join(download, `debezium-connector-jdbc-${SINK_VERSION}-plugin.tar.gz`)
    await run('tar', ['-xzf', archive, '-C', plugins])
    await rm(archive)
    await rename(download, folder)
  } finally {
    await rm(download, { recursive: true, force: true })
  }
  return folder
}
