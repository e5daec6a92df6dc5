// Starts Kafka and PostgreSQL, and compiles sluice, once per vitest run. Two projects list this file, and vitest loads it once for each of
// them: what they share hangs on `globalThis`.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { findStack, type LocalStack } from '../../src/local-stack/local-stack.ts'
import { buildSluice } from './built.ts'

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: string[]
    postgresUrl: string
    /** Every database of this run has a name that starts with it. */
    databasePrefix: string
  }
}

type Shared = {
  users: number
  databasePrefix: string
  stack: Promise<LocalStack>
  built: Promise<void>
}

const KEY = Symbol.for('sluice.test.stack')
const globals = globalThis as { [KEY]?: Shared }

/** One after the other: compiling blocks this process, and on a busy machine `java -version` would time out meanwhile, unheard. */
const startShared = (): Shared => {
  const built = buildSluice()
  const options = { env: process.env, log: (line: string) => console.log(line), signal: new AbortController().signal }
  return {
    ...{ users: 0, databasePrefix: `test_${randomUUID().slice(0, 8)}_`, built },
    stack: built.then(() => findStack(options)),
  }
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const shared = (globals[KEY] ??= startShared())
  shared.users += 1
  const [stack] = await Promise.all([shared.stack, shared.built])
  project.provide('kafkaBrokers', stack.kafka.brokers)
  project.provide('postgresUrl', stack.postgres.url)
  project.provide('databasePrefix', shared.databasePrefix)
  return async () => {
    shared.users -= 1
    if (shared.users > 0) return
    delete globals[KEY]
    if (stack.postgres.origin === 'environment') await dropDatabases(stack.postgres.url, shared.databasePrefix)
    await stack.stop()
  }
}

const dropDatabases = async (url: string, prefix: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    )
    for (const { name } of rows) await client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  } finally {
    await client.end()
  }
}
