// How we say who we are. kafkajs's own authenticators are behind this, because of two faults of theirs: they call any fault
// during the talk a refusal, also a connection that broke, and a refusal ends the consumer for good; and that of OAUTHBEARER
// takes a refused token for an accepted one (RFC 7628: the reason comes as a challenge, the failure only after our answer).
import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs'
import type { SaslConfig } from '../config.ts'
import { readAgain } from '../lib/file-again.ts'
import { EncoderOf, internal } from './kafkajs-internals.ts'
import { createTokenSource } from './oauth-token.ts'

const { KafkaJSSASLAuthenticationError: Refused } = internal('src/errors.js') as {
  KafkaJSSASLAuthenticationError: new (message: string) => Error
}

type Provider = Mechanism['authenticationProvider']
type User = { readonly username: string; readonly password: string }

const builtIn = (file: string, user: User): Provider =>
  (internal(`src/broker/saslAuthenticator/${file}.js`) as (user: User) => Provider)(user)

/** What the connection met, when it is something that passes. */
const passing = (met: unknown): met is Error => met instanceof Error && 'retriable' in met && met.retriable === true

/** A connection that broke while we said who we are is a connection that broke. */
export const honest =
  (provider: Provider): Provider =>
  ({ saslAuthenticate, ...args }) => {
    let met: unknown
    const watched: AuthenticationProviderArgs['saslAuthenticate'] = async (exchange) => {
      try {
        return await saslAuthenticate(exchange)
      } catch (error) {
        met = error
        throw error
      }
    }
    const { authenticate } = provider({ ...args, saslAuthenticate: watched })
    return {
      async authenticate() {
        try {
          await authenticate()
        } catch (error) {
          throw passing(met) ? met : error
        }
      },
    }
  }

const bytes = (text: string) => ({
  encode: () => new EncoderOf().writeInt32(Buffer.byteLength(text)).writeBuffer(Buffer.from(text)).buffer,
})
/** Four bytes of length, then what the broker has to say: nothing when it is content. */
const challenge = { decode: (raw: Buffer) => raw.subarray(4), parse: (said: Buffer) => said.length > 0 }

const oauth =
  (token: () => Promise<{ value: string }>): Provider =>
  ({ saslAuthenticate }) => ({
    async authenticate() {
      const { value } = await token()
      const refused = await saslAuthenticate({
        request: bytes(`n,,\x01auth=Bearer ${value}\x01\x01`),
        response: challenge,
      })
      if (refused !== true) return
      await saslAuthenticate({ request: bytes('\x01'), response: challenge })
      throw new Refused('SASL OAUTHBEARER authentication failed')
    },
  })

const authenticationProvider = (sasl: SaslConfig): Provider => {
  if (sasl.mechanism === 'OAUTHBEARER') return oauth(createTokenSource(sasl, () => performance.now()))
  const user = {
    username: sasl.username,
    get password() {
      return readAgain(sasl.password, sasl.passwordFile)
    },
  }
  switch (sasl.mechanism) {
    case 'PLAIN':
      return honest(builtIn('plain', user))
    case 'SCRAM-SHA-256':
      return honest(builtIn('scram256', user))
    case 'SCRAM-SHA-512':
      return honest(builtIn('scram512', user))
  }
}

export const saslOptions = (sasl: SaslConfig): Mechanism => ({
  mechanism: sasl.mechanism,
  authenticationProvider: authenticationProvider(sasl),
})
