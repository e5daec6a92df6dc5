// A real Kafka and a real PostgreSQL for `sluice demo` and the tests, wherever they can be had.
import { chooseOrigin, isSet, type DockerProbe, type Facts, type Origin } from './choose-origin.ts'
import { KAFKA_IMAGE, POSTGRES_IMAGE, probeDocker, startDockerKafka, startDockerPostgres } from './docker.ts'
import { prepareEmbeddedKafka } from './embedded-kafka.ts'
import { prepareEmbeddedPostgres } from './embedded-postgres.ts'

export type StackOptions = {
  env: NodeJS.ProcessEnv
  log: (line: string) => void
  signal: AbortSignal
  kafka?: boolean
  postgres?: boolean
  /** Embedded brokers: 1, or 3 for a test of fail-over. */
  brokers?: number
}

/** `none`: it was not asked for. */
type Where = { origin: Origin | 'none'; why: string }

export type LocalStack = {
  readonly kafka: Where & { brokers: string[] }
  readonly postgres: Where & { url: string }
  /** Ends what was started here and removes its data. What came from the environment is left alone. */
  stop(): Promise<void>
}

type Started<T> = T & { stop(): Promise<void> }
type Part<T> = Where & Started<T>

/** One service, and the three ways to it. `embedded` checks what it needs before `start` starts anything. */
type Ways<T> = {
  name: string
  facts: Facts
  environment: (value: string) => T
  docker: { image: string; start: () => Promise<Started<T>> }
  embedded: () => Promise<{ version: string; start: () => Promise<Started<T>> }>
}

export const findStack = async (options: StackOptions): Promise<LocalStack> => {
  const { env, log, kafka = true, postgres = true, brokers = 1 } = options
  options.signal.throwIfAborted()
  const wanted = (kafka && !isSet(env['KAFKA_BROKERS'])) || (postgres && !isSet(env['DATABASE_URL']))
  const docker: DockerProbe = wanted ? await probeDocker(env) : { reachable: false, why: 'not looked for Docker' }

  // The first that fails ends the start of the other; nothing is started before both are known to be possible.
  const failed = new AbortController()
  const common = { env, log, signal: AbortSignal.any([options.signal, failed.signal]) }
  const starts = await Promise.all([
    kafka ? choose(kafkaWays(common, docker, brokers), log) : async () => absent({ brokers: [] as string[] }),
    postgres ? choose(postgresWays(common, docker), log) : async () => absent({ url: '' }),
  ])
  const guarded = async <T>(start: () => Promise<T>): Promise<T> => {
    try {
      return await start()
    } catch (error) {
      failed.abort(error)
      throw error
    }
  }
  const [kafkaPart, postgresPart] = await Promise.allSettled([guarded(starts[0]), guarded(starts[1])])
  const stop = async () => {
    await Promise.all([
      kafkaPart.status === 'fulfilled' && kafkaPart.value.stop(),
      postgresPart.status === 'fulfilled' && postgresPart.value.stop(),
    ])
  }
  if (kafkaPart.status === 'rejected' || postgresPart.status === 'rejected' || options.signal.aborted) {
    await stop()
    options.signal.throwIfAborted()
    throw failed.signal.reason
  }
  return { kafka: kafkaPart.value, postgres: postgresPart.value, stop }
}

const nothingToStop = async () => undefined

const absent = <T>(service: T): Part<T> => ({ ...service, origin: 'none', why: 'not asked for', stop: nothingToStop })

/** Says where the service will come from, and returns what starts it. */
const choose = async <T>(ways: Ways<T>, log: (line: string) => void): Promise<() => Promise<Part<T>>> => {
  const { name, facts } = ways
  const choice = chooseOrigin(facts)
  if (choice.origin === 'environment') {
    log(`${name}: environment (${choice.why})`)
    return async () => ({ ...choice, ...ways.environment(facts.value ?? ''), stop: nothingToStop })
  }
  if (choice.origin === 'embedded') {
    const { version, start } = await ways.embedded()
    log(`${name}: embedded ${version} (${choice.why})`)
    return async () => ({ ...choice, ...(await start()) })
  }
  log(`${name}: docker ${ways.docker.image} (${choice.why})`)
  return async () => {
    try {
      return { ...choice, ...(await ways.docker.start()) }
    } catch (error) {
      // An engine without a way to the image is common; it need not stop anybody who has Java.
      const why = `the Docker engine could not start ${ways.docker.image}: ${error instanceof Error ? error.message : String(error)}`
      return (await choose({ ...ways, facts: { ...facts, docker: { reachable: false, why } } }, log))()
    }
  }
}

type Common = Pick<StackOptions, 'env' | 'log' | 'signal'>

const kafkaWays = (common: Common, docker: DockerProbe, brokers: number): Ways<{ brokers: string[] }> => ({
  name: 'Kafka',
  facts: { variable: 'KAFKA_BROKERS', value: common.env['KAFKA_BROKERS'], docker, brokers },
  environment: (value) => ({ brokers: value.split(',').map((broker) => broker.trim()) }),
  docker: { image: KAFKA_IMAGE, start: startDockerKafka },
  embedded: () => prepareEmbeddedKafka({ ...common, brokers }),
})

const postgresWays = (common: Common, docker: DockerProbe): Ways<{ url: string }> => ({
  name: 'PostgreSQL',
  facts: { variable: 'DATABASE_URL', value: common.env['DATABASE_URL'], docker },
  environment: (url) => ({ url }),
  docker: { image: POSTGRES_IMAGE, start: startDockerPostgres },
  embedded: () => prepareEmbeddedPostgres(common),
})
