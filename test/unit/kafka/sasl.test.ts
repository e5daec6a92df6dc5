// What kafkajs calls a refused password, and is none.
import kafkajs, { type AuthenticationProviderArgs } from 'kafkajs'
import { expect, test } from 'vitest'
import '../../../src/kafka/client.ts'
import { explainKafkaError } from '../../../src/kafka/explain.ts'
import { internal } from '../../../src/kafka/kafkajs-internals.ts'
import { saslOptions } from '../../../src/kafka/sasl.ts'
import type { SaslConfig } from '../../../src/config.ts'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const logger = new kafkajs.Kafka({ brokers: ['a:1'], logLevel: kafkajs.logLevel.NOTHING }).logger()

/** A connection that answers every message with this error, or with nothing. */
const openTalk = (sasl: SaslConfig, now: () => number = () => 0) => {
  const { authenticationProvider } = saslOptions(sasl, now)
  return async (error: Error | null): Promise<unknown> => {
    const saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'] = () =>
      error ? Promise.reject(error) : Promise.resolve()
    return authenticationProvider({ host: 'a', port: 1, logger, saslAuthenticate })
      .authenticate()
      .catch((reason: unknown) => reason)
  }
}
const talk = (sasl: SaslConfig, error: Error) => openTalk(sasl)(error)
const refusal = () =>
  Object.assign(new Error('no'), {
    ...{ name: 'KafkaJSProtocolError', type: 'SASL_AUTHENTICATION_FAILED', retriable: false },
  })

test.each(MECHANISMS)('%s: a connection that breaks in the middle is tried again, not refused', async (mechanism) => {
  const broken = Object.assign(new Error('Closed connection'), {
    name: 'KafkaJSConnectionClosedError',
    retriable: true,
  })
  const sasl = { mechanism, username: 'jane', password: 'sesame' }
  expect(await talk(sasl, broken)).toBe(broken)
})

test.each(MECHANISMS)('%s: a refusal stays one', async (mechanism) => {
  const sasl = { mechanism, username: 'jane', password: 'sesame' }
  const error = await talk(sasl, refusal())
  expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
  const config = { brokers: ['a:1'], clientId: 'c', securityProtocol: 'SASL_SSL', sasl, ssl: null } as const
  expect(explainKafkaError(error, { ...config, brokers: ['a:1'] })?.message).toContain('refuses the user "jane"')
})

test('a password of a file that was good is tried again for 20 s: it may be about to be changed; another is not', async () => {
  let now = 0
  const sasl = { mechanism: 'PLAIN' as const, username: 'jane', password: 'sesame', passwordFile: '/no/such/file' }
  const said = openTalk(sasl, () => now)
  expect(await said(refusal())).toMatchObject({ retriable: false })
  expect(await said(null)).toBeUndefined()
  expect(await said(refusal())).toMatchObject({ name: 'KafkaJSConnectionError', retriable: true })
  now = 20_000
  expect(await said(refusal())).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
  expect(await said(null)).toBeUndefined()
  expect(await said(refusal())).toMatchObject({ retriable: true })
  const { passwordFile: _, ...given } = sasl
  const once = openTalk(given)
  await once(null)
  expect(await once(refusal())).toMatchObject({ retriable: false })
})

test('what follows the handshake fails: the connection is closed, as the broker would take no second handshake on it', async () => {
  type Class = new (connection: object, logger: unknown, versions: object, auth: boolean) => { authenticate(): Promise<void> } // prettier-ignore
  const Authenticator = internal('src/broker/saslAuthenticator/index.js') as Class
  const steps: string[] = []
  const noToken = new Error('no token')
  const sasl: SaslConfig = { mechanism: 'PLAIN', username: 'jane', password: 'sesame' }
  const connection = {
    ...{ host: 'a', port: 1 },
    sasl: {
      ...saslOptions(sasl, () => 0),
      authenticationProvider: () => ({ authenticate: () => Promise.reject(noToken) }),
    },
    send: () => {
      steps.push('handshake')
      return Promise.resolve({ enabledMechanisms: ['PLAIN'] })
    },
    disconnect: () => {
      steps.push('closed')
      return Promise.resolve(true)
    },
  }
  const versions = { 17: { minVersion: 0, maxVersion: 1 } }
  await expect(new Authenticator(connection, logger, versions, false).authenticate()).rejects.toBe(noToken)
  expect(steps).toEqual(['handshake', 'closed'])
})
