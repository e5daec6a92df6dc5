// Who we are, for kafkajs. It asks these objects at every connect and at every re-authentication; what came from a file is
// read from it then, so that a password or certificate that was changed needs no restart.
import type { KafkaConfig as KafkaOptions, SASLOptions } from 'kafkajs'
import type { KafkaConfig, SaslConfig } from '../config.ts'
import { readAgain } from '../lib/file-again.ts'
import { createTokenSource } from './oauth-token.ts'

type TlsConfig = NonNullable<KafkaConfig['ssl']>

const again = (known: string | null, file: string | undefined) => (known === null ? undefined : readAgain(known, file))

export const tlsOptions = ({ ca, cert, key, keyPassphrase, files = {} }: TlsConfig): KafkaOptions['ssl'] & object => ({
  get ca() {
    return again(ca, files.ca)
  },
  get cert() {
    return again(cert, files.cert)
  },
  get key() {
    return again(key, files.key)
  },
  get passphrase() {
    return again(keyPassphrase, files.keyPassphrase)
  },
})

/** kafkajs keeps its authenticator in this very object: one for each client. */
export const saslOptions = (sasl: SaslConfig): SASLOptions => {
  if (sasl.mechanism === 'OAUTHBEARER')
    return { mechanism: 'oauthbearer', oauthBearerProvider: createTokenSource(sasl, () => performance.now()) }
  const user = {
    username: sasl.username,
    get password() {
      return readAgain(sasl.password, sasl.passwordFile)
    },
  }
  switch (sasl.mechanism) {
    case 'PLAIN':
      return Object.assign(user, { mechanism: 'plain' as const })
    case 'SCRAM-SHA-256':
      return Object.assign(user, { mechanism: 'scram-sha-256' as const })
    case 'SCRAM-SHA-512':
      return Object.assign(user, { mechanism: 'scram-sha-512' as const })
  }
}
