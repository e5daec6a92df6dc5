// Certificates and keys, for kafkajs. It asks this object at every connect: what came from a file is read from it then, so
// that a certificate that was changed needs no restart.
import type { KafkaConfig as KafkaOptions } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import { readAgain } from '../lib/file-again.ts'

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
