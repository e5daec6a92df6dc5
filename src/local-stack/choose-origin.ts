// Where a service comes from: the environment, else a Docker engine, else this machine itself. Pure.

export type Origin = 'environment' | 'docker' | 'embedded'

export type DockerProbe = { reachable: true; address: string } | { reachable: false; why: string }

export type Facts = {
  variable: 'KAFKA_BROKERS' | 'DATABASE_URL'
  value: string | undefined
  docker: DockerProbe
  /** How many Kafka brokers are asked for; the Docker path has one. */
  brokers?: number
}

export const isSet = (value: string | undefined): value is string => value !== undefined && value.trim() !== ''

export const chooseOrigin = ({ variable, value, docker, brokers = 1 }: Facts): { origin: Origin; why: string } => {
  if (isSet(value)) return { origin: 'environment', why: `${variable} is set` }
  if (!docker.reachable) return { origin: 'embedded', why: `no ${variable}, ${docker.why}` }
  if (brokers > 1) return { origin: 'embedded', why: `no ${variable}, ${brokers} brokers asked for` }
  return { origin: 'docker', why: `no ${variable}, Docker engine at ${docker.address}` }
}
