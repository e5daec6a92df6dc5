// The Docker path. testcontainers is imported only when it is used; its reaper removes the containers when we die.
import { existsSync } from 'node:fs'
import { request, type RequestOptions } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { brokerProperties } from './broker-properties.ts'
import type { DockerProbe } from './choose-origin.ts'
import { freePorts } from './free-ports.ts'
import { postgresSettings } from './postgres-settings.ts'

export const KAFKA_IMAGE = 'apache/kafka:4.3.1'
export const POSTGRES_IMAGE = 'postgres:18'
const PROBE_TIMEOUT_MS = 2000

/** Asks the engine that testcontainers would take: DOCKER_HOST, else the usual sockets. Never slower than two seconds. */
export const probeDocker = async (env: NodeJS.ProcessEnv): Promise<DockerProbe> => {
  const host = env['DOCKER_HOST']
  const addresses = host ? [host] : usualSockets(env).map((path) => `unix://${path}`)
  const answers = await Promise.all(addresses.map(ping))
  const address = addresses.find((_, index) => answers[index])
  if (address !== undefined) return { reachable: true, address }
  return {
    reachable: false,
    why: addresses.length === 0 ? 'no Docker engine' : `no Docker engine answers at ${addresses.join(' or ')}`,
  }
}

const usualSockets = (env: NodeJS.ProcessEnv): string[] =>
  [
    '/var/run/docker.sock',
    ...(env['XDG_RUNTIME_DIR'] ? [join(env['XDG_RUNTIME_DIR'], 'docker.sock')] : []),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ].filter((path) => existsSync(path))

/** Any HTTP answer is an engine: one that wants TLS says 400 to us, and testcontainers brings the certificates. */
const ping = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const target = requestTarget(address)
    if (target === null) return resolve(false)
    const asked = request({ ...target, path: '/_ping', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }, (response) => {
      response.resume()
      resolve(true)
    })
    asked.once('error', () => resolve(false))
    asked.end()
  })

const requestTarget = (address: string): RequestOptions | null => {
  if (!URL.canParse(address)) return null
  const { protocol, hostname, port, pathname } = new URL(address)
  if (protocol === 'unix:') return { socketPath: pathname }
  if (protocol === 'tcp:' || protocol === 'http:') return { host: hostname, port: port || 2375 }
  return null
}

/**
 * A plain container: `@testcontainers/kafka` can only run Confluent's images. The host's port is chosen by us, so that
 * the broker can advertise it from the start.
 */
export const startDockerKafka = async (): Promise<{ brokers: string[]; stop(): Promise<void> }> => {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime
  const [port = 0] = await freePorts(1)
  const properties = {
    ...brokerProperties(1),
    'node.id': '1',
    'controller.quorum.voters': '1@localhost:9093',
    listeners: 'CLIENT://:9092,BROKER://localhost:9094,CONTROLLER://localhost:9093',
    'advertised.listeners': `CLIENT://${host}:${port},BROKER://localhost:9094`,
  }
  const variables = Object.entries(properties).map(([name, value]) => [
    `KAFKA_${name.replaceAll('.', '_').toUpperCase()}`,
    value,
  ])
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment(Object.fromEntries(variables) as Record<string, string>)
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start()
  return { brokers: [`${host}:${port}`], stop: async () => void (await container.stop()) }
}

export const startDockerPostgres = async (): Promise<{ url: string; stop(): Promise<void> }> => {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const settings = Object.entries(postgresSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(POSTGRES_IMAGE).withCommand(['postgres', ...settings]).start()
  return { url: container.getConnectionUri(), stop: async () => void (await container.stop()) }
}
