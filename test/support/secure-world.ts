// A world on a broker that lets nobody in without a name, and the ways in.
import kafkajs from 'kafkajs'
import { loadConfig } from '../../src/config.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { migrate } from '../../src/sink/migrate.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { KEY_PASSPHRASE } from './certificates.ts'
import { CLIENT, MEMBER, type Listener, startSecureKafka } from './secure-kafka.ts'
import { freshDatabase } from './stack.ts'
import { startTokenServer } from './token-server.ts'
import { openWorld } from './world.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const migrateForSecureWorld = async (url: string) => void (await migrate(url))

export type Ways = ReturnType<typeof waysInto>
export type SecureWorld = Awaited<ReturnType<typeof openSecureWorld>>

/** As an operator sets it: one environment for each way in. */
const waysInto = (kafka: Awaited<ReturnType<typeof startSecureKafka>>, tokenUrl: string) => {
  const { path } = kafka.certificates
  const tls = (listener: Listener) => ({ KAFKA_BROKERS: kafka.address(listener), KAFKA_SSL_CA_FILE: path('ca.pem') })
  const none = { KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '', ALLOW_INSECURE: '' }
  const user = (mechanism: string, listener: Listener = 'SASL') => ({
    ...none,
    ...tls(listener),
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: MEMBER.username,
    KAFKA_SASL_PASSWORD: MEMBER.password,
  })
  const certificate = (alias: string) => ({
    ...none,
    ...tls('MTLS'),
    KAFKA_SECURITY_PROTOCOL: 'SSL',
    KAFKA_SSL_CERT_FILE: path(`${alias}.pem`),
    KAFKA_SSL_KEY_FILE: path(`${alias}.key.pem`),
  })
  return {
    user,
    certificate,
    lockedKey: {
      ...certificate('client'),
      KAFKA_SSL_KEY_FILE: path('client.locked.pem'),
      KAFKA_SSL_KEY_PASSPHRASE: KEY_PASSPHRASE,
    },
    /** The scope says whose token it is to be, and for how many seconds (they may be over). */
    oauth: (username: string = MEMBER.username, seconds = 300) => ({
      ...none,
      ...tls('SASL'),
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: tokenUrl,
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: CLIENT.id,
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: CLIENT.secret,
      KAFKA_SASL_OAUTHBEARER_SCOPE: `${username}:${seconds}`,
      ALLOW_INSECURE: 'true', // for the token endpoint alone, which has no TLS here
    }),
    clear: { ...kafka.superuser, KAFKA_SASL_USERNAME: MEMBER.username, KAFKA_SASL_PASSWORD: MEMBER.password },
  }
}

const OPERATIONS = { read: 'READ', write: 'WRITE', create: 'CREATE', describe: 'DESCRIBE', configs: 'DESCRIBE_CONFIGS' } as const // prettier-ignore
type Operation = keyof typeof OPERATIONS
export type Rights = { topic?: readonly Operation[]; dlq?: readonly Operation[]; group?: readonly Operation[] }

/** What docs/security.md says that `sluice consume` and `sluice publish` need. */
export const NEEDED = {
  topic: ['read', 'write', 'describe', 'configs'],
  dlq: ['write', 'describe', 'configs'],
  group: ['read', 'describe'],
} as const satisfies Rights

/** With a database of its own, or on this one. */
export const openSecureWorld = async (databaseUrl?: string) => {
  const kafka = await startSecureKafka()
  const server = await startTokenServer(CLIENT, (form) => {
    const [sub = '', seconds = '300'] = (form.get('scope') ?? '').split(':')
    const body = {
      access_token: kafka.token(sub, Number(seconds)),
      token_type: 'Bearer',
      expires_in: Math.abs(Number(seconds)),
    }
    return { body }
  })
  const { url, drop } =
    databaseUrl === undefined
      ? await freshDatabase(migrateForSecureWorld)
      : { url: databaseUrl, drop: () => Promise.resolve() }
  const { superuser } = kafka
  const world = await openWorld({ brokers: [], databaseUrl: url, partitions: 2, access: superuser })
  const { topic, groupId } = world.config
  const admin = createKafka(loadConfig(world.env).kafka, createLog('silent')).admin()
  await admin.connect()

  /** A user of a name of its own has no more rights than these; on the topics of the world, or on this one. */
  const allow = async (username: string, rights: Rights, name = topic) => {
    const { topic: onTopic = [], dlq = [], group = [] } = rights
    const on = (type: number, resource: string, operations: readonly Operation[]) =>
      operations.map((operation) => ({
        resourceType: type,
        resourceName: resource,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: `User:${username}`,
        host: '*',
        operation: AclOperationTypes[OPERATIONS[operation]],
        permissionType: AclPermissionTypes.ALLOW,
      }))
    const acl = [
      ...on(AclResourceTypes.TOPIC, name, onTopic),
      ...on(AclResourceTypes.TOPIC, `${name}.dlq`, dlq),
      ...on(AclResourceTypes.GROUP, groupId, group),
    ]
    if (acl.length > 0) await admin.createAcls({ acl })
  }
  for (const username of [MEMBER.username, 'client']) await allow(username, NEEDED)

  return {
    ...{ kafka, world, allow, ways: waysInto(kafka, server.url), tokenServer: server },
    /** `sluice <args>` with this way in; one that goes on for too long is ended. */
    sluice: (args: readonly string[], way: NodeJS.ProcessEnv) =>
      world.sluice(args, { env: { ...world.env, ...way }, timeout: 60_000 }),
    async close(): Promise<void> {
      await admin.disconnect()
      await world.close()
      await drop()
      await server.stop()
      await kafka.stop()
    },
  }
}
