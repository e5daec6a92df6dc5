// One real broker that lets nobody in without a name: TLS with client certificates, SASL over TLS with every mechanism that
// we speak, SASL in the clear, certificates that are wrong, and ACLs. Users and passwords are of this file alone.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { brokerProperties } from '../../src/local-stack/broker-properties.ts'
import { jvmFlags, newClusterId } from '../../src/local-stack/embedded-kafka.ts'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { findJava } from '../../src/local-stack/java.ts'
import { fetchJars, locateJars } from '../../src/local-stack/kafka-jars.ts'
import { startService, withFreshPorts } from '../../src/local-stack/start-service.ts'
import { type Certificates, makeCertificates } from './certificates.ts'

/** The superuser: of the tests, never of what they test. */
export const ADMIN = { username: 'admin', password: 'planted-Zk-admin-password' } as const
/** May do what `sluice consume` and `sluice publish` need, once the test has given it the ACLs. */
export const MEMBER = { username: 'member', password: 'planted-Zk-member-password' } as const
export const CLIENT = { id: 'sluice-client', secret: 'planted-Zk-client-secret' } as const

const LISTENERS = ['ADMIN', 'MTLS', 'SASL', 'SHORT', 'EXPIRED', 'ELSEWHERE', 'CONTROLLER'] as const
export type Listener = Exclude<(typeof LISTENERS)[number], 'CONTROLLER'>
export type SecureKafka = Awaited<ReturnType<typeof startSecureKafka>>

/** Connections to the listener SHORT must say again who they are after so long; kafkajs does ten seconds before the end. */
export const SHORT_SESSION_MS = 12_000
const AUDIENCE = 'kafka'

const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${ADMIN.username}" password="${ADMIN.password}" user_${ADMIN.username}="${ADMIN.password}" user_${MEMBER.username}="${MEMBER.password}";`
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
const BEARER =
  'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
const VALIDATOR = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler'

const saslOf = (listener: string, mechanisms: readonly string[], more: Record<string, string> = {}) => ({
  [`listener.name.${listener}.sasl.enabled.mechanisms`]: mechanisms.join(','),
  ...Object.fromEntries(
    mechanisms.map((mechanism) => [
      `listener.name.${listener}.${mechanism.toLowerCase()}.sasl.jaas.config`,
      mechanism === 'PLAIN' ? plain : mechanism === 'OAUTHBEARER' ? BEARER : SCRAM,
    ]),
  ),
  ...more,
})

const keystoreOf = (listener: string, keystore: string, more: Record<string, string> = {}) => ({
  [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.keystore.location`]: keystore,
  ...more,
})

const properties = (ports: Record<string, number>, certificates: Certificates, jwks: string) => {
  const listeners = LISTENERS.map((name) => `${name}://127.0.0.1:${ports[name]}`)
  const keystore = (alias: string) => certificates.path(`${alias}.both.pem`)
  const validator = {
    'listener.name.sasl.oauthbearer.sasl.server.callback.handler.class': VALIDATOR,
    'listener.name.sasl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url': jwks,
    'listener.name.sasl.oauthbearer.sasl.oauthbearer.expected.audience': AUDIENCE,
  }
  return {
    ...brokerProperties(1),
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports['CONTROLLER']}`,
    listeners: listeners.join(','),
    'advertised.listeners': listeners.filter((each) => !each.startsWith('CONTROLLER')).join(','),
    'inter.broker.listener.name': 'ADMIN',
    'listener.security.protocol.map':
      'ADMIN:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,MTLS:SSL,SASL:SASL_SSL,SHORT:SASL_SSL,EXPIRED:SASL_SSL,ELSEWHERE:SASL_SSL',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${ADMIN.username}`,
    'allow.everyone.if.no.acl.found': 'false',
    ...saslOf('admin', ['PLAIN']),
    ...saslOf('controller', ['PLAIN']),
    ...saslOf('sasl', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'], validator),
    ...saslOf('short', ['SCRAM-SHA-512'], {
      'listener.name.short.scram-sha-512.connections.max.reauth.ms': String(SHORT_SESSION_MS),
    }),
    ...saslOf('expired', ['PLAIN']),
    ...saslOf('elsewhere', ['PLAIN']),
    ...keystoreOf('mtls', keystore('server'), {
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.mtls.ssl.truststore.type': 'PEM',
      'listener.name.mtls.ssl.truststore.location': certificates.path('ca.pem'),
      'listener.name.mtls.ssl.principal.mapping.rules': 'RULE:^CN=(.*)$/$1/',
    }),
    ...keystoreOf('sasl', keystore('server')),
    ...keystoreOf('short', keystore('server')),
    ...keystoreOf('expired', keystore('expired')),
    ...keystoreOf('elsewhere', keystore('elsewhere')),
    'log.dirs': 'data',
  }
}

const WRITE = 'printf %s "$1" >server.properties; shift; exec "$@"'

export const startSecureKafka = async () => {
  const env = process.env
  const quiet = { env, log: () => {}, signal: new AbortController().signal }
  const [java, jars, certificates] = [await findJava(env), await locateJars(env), await makeCertificates()]
  await fetchJars(jars, quiet)
  await certificates.join('server', 'expired', 'elsewhere')
  const issuer = createIssuer()
  const jwks = await certificates.write('jwks.json', JSON.stringify({ keys: [issuer.jwk] }))
  const classpath = ['-cp', join(jars.folder, '*')]

  const start = async () => {
    const chosen = await freePorts(LISTENERS.length)
    const ports = Object.fromEntries(LISTENERS.map((name, index) => [name, chosen[index] ?? 0]))
    const folder = join(env['TMPDIR'] || tmpdir(), `sluice-kafka-${randomUUID()}`)
    const flags = [...jvmFlags(folder, 2), `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://${jwks}`]
    const text = Object.entries(properties(ports, certificates, `file://${jwks}`))
      .map(([name, value]) => `${name}=${value}\n`)
      .join('')
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${MEMBER.username},password=${MEMBER.password}]`,
    ])
    const format = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', 'server.properties', ...scram]
    const running = await startService(
      {
        name: 'Kafka',
        folder,
        env,
        prepare: ['/bin/sh', '-c', WRITE, 'sh', text, java, ...flags, ...classpath, ...format],
        serve: [java, ...flags, ...classpath, 'kafka.Kafka', 'server.properties'],
        stopSignal: 'KILL',
        readyLine: 'Kafka Server started',
        port: ports['ADMIN'] ?? 0,
      },
      quiet.signal,
    )
    return { running, ports }
  }
  const { running, ports } = await withFreshPorts(start, 'see its log', console.error)
  const address = (listener: Listener) => `127.0.0.1:${ports[listener]}`
  const superuser = {
    KAFKA_BROKERS: address('ADMIN'),
    KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_SASL_USERNAME: ADMIN.username,
    KAFKA_SASL_PASSWORD: ADMIN.password,
    ALLOW_INSECURE: 'true',
  }
  return {
    certificates,
    address,
    superuser,
    token: (sub: string, expiresIn: number) => issuer.token(sub, expiresIn),
    /** Gives the member another SCRAM-SHA-512 password, as an operator does (kafka-configs.sh). */
    async rotate(password: string): Promise<void> {
      const login = `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${plain}\n`
      const config = await certificates.write('admin.properties', login)
      const credentials = `SCRAM-SHA-512=[password=${password}]`
      const alter = ['--alter', '--add-config', credentials, '--entity-type', 'users', '--entity-name', MEMBER.username]
      const connect = ['--bootstrap-server', address('ADMIN'), '--command-config', config]
      await execa(java, ['-Xmx128m', ...classpath, 'kafka.admin.ConfigCommand', ...connect, ...alter])
    },
    async stop(): Promise<void> {
      await running.stop()
      await certificates.remove()
    },
  }
}

/** Signs tokens as an authorisation server does; the broker knows its public key. */
const createIssuer = () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' },
    /** Of the user `sub`; `expiresIn` may lie in the past. */
    token(sub: string, expiresIn: number): string {
      const now = Math.floor(Date.now() / 1000)
      const claims = { sub, aud: AUDIENCE, iat: now - 3_600, exp: now + expiresIn, scope: 'kafka' }
      const text = `${encode({ alg: 'RS256', kid: 'k1', typ: 'JWT' })}.${encode(claims)}`
      return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
    },
  }
}
