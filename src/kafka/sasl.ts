// How we say who we are. kafkajs's own authenticators are behind this, because of two faults of theirs: they call any fault
// during the talk a refusal, also a connection that broke, and a refusal ends the consumer for good; and that of OAUTHBEARER
// takes a refused token for an accepted one (RFC 7628: the reason comes as a challenge, the failure only after our answer).
import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs'
import type { SaslConfig } from '../config.ts'
import { readAgain } from '../lib/file-again.ts'
import { closeWhatIsHalfSaid } from './half-said.ts'
import { EncoderOf, internal } from './kafkajs-internals.ts'
import { createTokenSource } from './oauth-token.ts'

const errors = internal('src/errors.js') as {
  KafkaJSSASLAuthenticationError: new (message: string) => Error
  /** kafkajs tries again. */
  KafkaJSConnectionError: new (message: string, where: { broker: string }) => Error
}

type Provider = Mechanism['authenticationProvider']
type User = { readonly username: string; readonly password: string }

const builtIn = (file: string, user: User): Provider =>
  (internal(`src/broker/saslAuthenticator/${file}.js`) as (user: User) => Provider)(user)

/** What the connection met, when it is something that passes. */
const passing = (met: unknown): met is Error => met instanceof Error && 'retriable' in met && met.retriable === true

/** A password is changed in two places, one after the other: whoever was let in before is refused only after so long. */
const CHANGE_MS = 20_000

/** May a refusal be of a password that is just being changed? Asked for each attempt, with its outcome. */
const createPatience = (now: () => number) => {
  let accepted = false
  let refusedAt: number | null = null
  return {
    accept() {
      accepted = true
      refusedAt = null
    },
    lasts(): boolean {
      refusedAt ??= now()
      return accepted && now() - refusedAt < CHANGE_MS
    },
  }
}
type Patience = ReturnType<typeof createPatience>

/** A connection that broke while we said who we are is a connection that broke. */
const honest =
  (provider: Provider, patience: Patience | null): Provider =>
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
          patience?.accept()
        } catch (error) {
          if (passing(met)) throw met
          if (patience?.lasts() !== true) throw error
          throw new errors.KafkaJSConnectionError('refused; the password may be about to be changed', {
            broker: `${args.host}:${args.port}`,
          })
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
      throw new errors.KafkaJSSASLAuthenticationError('SASL OAUTHBEARER authentication failed')
    },
  })

const authenticationProvider = (sasl: SaslConfig, now: () => number): Provider => {
  if (sasl.mechanism === 'OAUTHBEARER') return oauth(createTokenSource(sasl, now))
  const patience = sasl.passwordFile === undefined ? null : createPatience(now)
  const user = {
    username: sasl.username,
    get password() {
      return readAgain(sasl.password, sasl.passwordFile)
    },
  }
  switch (sasl.mechanism) {
    case 'PLAIN':
      return honest(builtIn('plain', user), patience)
    case 'SCRAM-SHA-256':
      return honest(builtIn('scram256', user), patience)
    case 'SCRAM-SHA-512':
      return honest(builtIn('scram512', user), patience)
  }
}

/** `now` in milliseconds. One for each client: what it was told before counts. */
export const saslOptions = (sasl: SaslConfig, now: () => number): Mechanism => {
  closeWhatIsHalfSaid()
  return { mechanism: sasl.mechanism, authenticationProvider: authenticationProvider(sasl, now) }
}
