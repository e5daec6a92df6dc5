import { createServer as createPlain, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { KafkaConfig } from '../../../src/config.ts'
import { createAdmin } from '../../../src/kafka/admin.ts'
import { CONNECT_DEADLINE_MS } from '../../../src/kafka/client.ts'
import { explainKafkaError } from '../../../src/kafka/explain.ts'
import { createProducer } from '../../../src/kafka/producer.ts'
import { OperatorError } from '../../../src/lib/operator-error.ts'
import { createLog } from '../../../src/telemetry/log.ts'

const config = (brokers: string[], more: Partial<KafkaConfig> = {}): KafkaConfig => ({
  brokers,
  clientId: 'test',
  securityProtocol: 'PLAINTEXT',
  sasl: null,
  ssl: null,
  ...more,
})
const silent = createLog('silent')

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))
const listen = async (server: Server): Promise<string> => {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

const connectFault = async (kafka: KafkaConfig, deadlineMs?: number): Promise<{ error: OperatorError; ms: number }> => {
  const started = performance.now()
  const admin = createAdmin(kafka, silent, deadlineMs)
  const error: unknown = await admin.connect().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(OperatorError)
  return { error: error as OperatorError, ms: performance.now() - started }
}

test('a closed port: refused, told within seconds', async () => {
  const { error, ms } = await connectFault(config(['127.0.0.1:1']))
  expect(error.message).toBe('cannot reach Kafka at 127.0.0.1:1 (connection refused)')
  expect(error.exitCode).toBe(3)
  expect(ms).toBeLessThan(3_000)
})

test('a producer says the same', async () => {
  await expect(createProducer(config(['127.0.0.1:1']), silent).connect()).rejects.toThrow(
    'cannot reach Kafka at 127.0.0.1:1',
  )
})

test('a listener that never answers is given up at the deadline, and leaves no socket behind', async () => {
  let left = 0
  let gone: () => void
  const allGone = new Promise<void>((resolve) => (gone = resolve))
  const mute = await listen(
    createPlain((socket) => {
      left++
      socket.resume().on('close', () => --left === 0 && gone())
    }),
  )
  const { error, ms } = await connectFault(config([mute]), 400)
  expect(error.message).toBe(`cannot reach Kafka at ${mute} (no answer)`)
  expect(ms).toBeLessThan(1_500)
  await allGone
  expect(CONNECT_DEADLINE_MS).toBeLessThan(10_000)
})

test('a name nobody knows', async () => {
  const { error } = await connectFault(config(['no-such-host.invalid:9092']))
  expect(error.message).toContain('cannot reach Kafka at no-such-host.invalid:9092 (host name not found)')
})

test('a listener that hangs up on us', async () => {
  const rude = await listen(createPlain((socket) => socket.once('data', () => socket.end())))
  const { error } = await connectFault(config([rude]))
  expect(error.message).toContain(`Kafka at ${rude} closed the connection (KAFKA_SECURITY_PROTOCOL=PLAINTEXT)`)
})

const protocolError = (type: string, more: object = {}) =>
  Object.assign(new Error('The broker says so'), { name: 'KafkaJSProtocolError', type, ...more })

test.each([
  ['SASL_AUTHENTICATION_FAILED', 'Kafka refuses the user "jane" (SASL authentication failed)'],
  ['TOPIC_AUTHORIZATION_FAILED', 'Kafka does not authorise the user "jane": topic'],
  ['GROUP_AUTHORIZATION_FAILED', 'Kafka does not authorise the user "jane": group'],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'the topic does not exist'],
  ['INVALID_REPLICATION_FACTOR', 'the replication factor is larger than the number of brokers'],
])('%s', (type, text) => {
  const sasl = { mechanism: 'PLAIN' as const, username: 'jane', password: 'sesame' }
  const wrapped = new Error('outer', { cause: protocolError(type) })
  const explained = explainKafkaError(wrapped, config(['a:1'], { sasl }))
  expect(explained?.message).toBe(text)
  expect(`${explained?.message}${explained?.remedy}`).not.toContain('sesame')
})

test('who and what is not authorised, when the call says so', () => {
  const oauth = { mechanism: 'OAUTHBEARER', tokenUrl: '', clientId: 'me', clientSecret: 'sesame', scope: null } as const
  const subject = { topic: 'lines', group: 'g' }
  const said = (type: string, more: Partial<KafkaConfig> = {}) =>
    explainKafkaError(protocolError(type), config([], more), subject)?.message
  expect(said('TOPIC_AUTHORIZATION_FAILED', { sasl: oauth })).toBe(
    'Kafka does not authorise the client "me": topic "lines"',
  )
  expect(said('GROUP_AUTHORIZATION_FAILED')).toBe('Kafka does not authorise clients without a name: group "g"')
})

test('SCRAM names its mechanism in every refusal: that is not an unknown mechanism', () => {
  const refused = (text: string) => Object.assign(new Error(text), { name: 'KafkaJSSASLAuthenticationError' })
  const sasl = { mechanism: 'SCRAM-SHA-512' as const, username: 'jane', password: 'sesame' }
  const said = (text: string) => explainKafkaError(refused(text), config([], { sasl }))?.message
  expect(said('failed: invalid credentials with SASL mechanism SCRAM-SHA-512')).toContain('refuses the user "jane"')
  expect(said('SASL SCRAM-SHA-512 mechanism is not supported by the server')).toContain('not accept the SASL mechanism')
})

test('one error per topic, as createTopics fails', () => {
  const aggregate = Object.assign(new Error('Topic creation errors'), {
    errors: [protocolError('INVALID_PARTITIONS', { topic: 'lines' })],
  })
  expect(explainKafkaError(aggregate, config(['a:1']))?.message).toBe(
    'Kafka refuses the topic "lines" (INVALID_PARTITIONS)',
  )
})

test('an OperatorError within stays as it is; the unknown stays unexplained', () => {
  const ours = new OperatorError('said', 'do')
  expect(explainKafkaError(new Error('x', { cause: ours }), config([]))).toBe(ours)
  expect(explainKafkaError(new TypeError('x'), config([]))).toBeNull()
  expect(explainKafkaError('x', config([]))).toBeNull()
})
