import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { OperatorError } from '../lib/operator-error.ts'

const OLDEST_JAVA = 17

export const REMEDY =
  'Install Docker, or Java 17 and Maven; or set KAFKA_BROKERS and DATABASE_URL to services that you have.'

/** The `java` to run Kafka with; throws, in one sentence, if there is none or it is too old. */
export const findJava = async (env: NodeJS.ProcessEnv): Promise<string> => {
  const java = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java'
  const major = javaMajor(await versionText(java, env))
  if (major === null)
    throw new OperatorError('A local Kafka needs a Docker engine or Java, and neither is here', REMEDY)
  if (major < OLDEST_JAVA)
    throw new OperatorError(`Apache Kafka 4 needs Java ${OLDEST_JAVA} or newer, and this is Java ${major}`, REMEDY)
  return java
}

/** `openjdk version "17.0.15"` → 17, `java version "1.8.0_292"` → 8, anything else → null. */
export const javaMajor = (text: string): number | null => {
  const match = /version "(?:1\.)?(\d+)/.exec(text)
  return match?.[1] === undefined ? null : Number(match[1])
}

const ANSWERS_MS = 20_000

/** Empty if it does not run: macOS has a `java` that only says where to get one, and exits 1. */
const versionText = (java: string, env: NodeJS.ProcessEnv): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(java, ['-version'], { env, timeout: ANSWERS_MS }, (error, stdout, stderr) => {
      if (error?.killed)
        reject(
          new OperatorError(
            `\`${java} -version\` did not answer within ${ANSWERS_MS / 1000} s`,
            'Is this machine overloaded? Try again when it has less to do.',
          ),
        )
      else resolve(error ? '' : stdout + stderr)
    })
  })

export const findMaven = async (env: NodeJS.ProcessEnv): Promise<string> => {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'mvn')
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder !== '' && found) return path
  }
  throw new OperatorError('Java is here, but Maven (mvn), which downloads Apache Kafka once, is not', REMEDY)
}
