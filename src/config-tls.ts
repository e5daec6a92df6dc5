import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'

// What is wrong with certificates and keys is told before anybody connects: kafkajs would try them again and again. Texts name
// the variables, never what is in the files.

/** The texts; and where they came from, to be read again. */
type TlsPart = 'ca' | 'cert' | 'key' | 'keyPassphrase'
export type TlsConfig = { readonly [Part in TlsPart]: string | null } & {
  readonly files?: { readonly [Part in TlsPart]?: string }
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

const certificatesIn = (pem: string): X509Certificate[] | null => {
  try {
    const found = (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block))
    return found.length > 0 ? found : null
  } catch {
    return null
  }
}

const keyIn = (pem: string, passphrase: string | null): KeyObject | 'locked' | null => {
  try {
    return createPrivateKey({ key: pem, ...(passphrase === null ? {} : { passphrase }) })
  } catch {
    return /ENCRYPTED/.test(pem) ? 'locked' : null
  }
}

/** `name` says where the text came from. */
export const pemFaults = (name: string, pem: string, kind: 'certificate' | 'key'): string[] => {
  if (kind === 'certificate')
    return certificatesIn(pem) === null ? [`${name} does not hold a certificate in PEM form`] : []
  const found = keyIn(pem, null)
  return found === null || found === 'locked'
    ? [`${name} does not hold a private key in PEM form, without passphrase`]
    : []
}

const keyFaults = ({ cert, key, keyPassphrase }: TlsConfig): string[] => {
  if (key === null) return []
  const found = keyIn(key, keyPassphrase)
  if (found === null) return ['KAFKA_SSL_KEY_FILE does not hold a private key in PEM form']
  if (found === 'locked')
    return [
      keyPassphrase === null
        ? 'the key in KAFKA_SSL_KEY_FILE is encrypted: set KAFKA_SSL_KEY_PASSPHRASE'
        : 'KAFKA_SSL_KEY_PASSPHRASE does not open the key in KAFKA_SSL_KEY_FILE',
    ]
  const own = cert === null ? undefined : certificatesIn(cert)?.[0]
  if (own && !own.checkPrivateKey(found))
    return ['the key in KAFKA_SSL_KEY_FILE is not that of the first certificate in KAFKA_SSL_CERT_FILE']
  return []
}

export const tlsFaults = (tls: TlsConfig): string[] => {
  const certificates = { KAFKA_SSL_CA_FILE: tls.ca, KAFKA_SSL_CERT_FILE: tls.cert }
  return [
    ...keyFaults(tls),
    ...Object.entries(certificates).flatMap(([name, pem]) => (pem === null ? [] : pemFaults(name, pem, 'certificate'))),
  ]
}
