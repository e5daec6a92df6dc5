// How the configuration says who we are: files, keys and certificates, and what does not go together.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describe as described, variableNames } from '../../src/config-variables.ts'
import { loadConfig } from '../../src/config.ts'

const minimal = { KAFKA_BROKERS: 'localhost:9092', DATABASE_URL: 'postgresql://u:p@localhost:5432/d' }
const CERTIFICATE = rootCertificates[0]!
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const LOCKED = privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' })
  .toString()

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
let nth = 0
const file = (text: string) => {
  const path = join(folder, String(++nth))
  writeFileSync(path, text)
  return path
}

const refusal = (env: NodeJS.ProcessEnv): string => {
  try {
    loadConfig({ ...minimal, ...env })
  } catch (error) {
    return String(error)
  }
  throw new Error('the configuration was accepted')
}
const tls = (env: NodeJS.ProcessEnv) => ({ KAFKA_SECURITY_PROTOCOL: 'SSL', ...env })
const oauth = {
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'https://login.example/token',
  KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'me',
  KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'sesame',
}
const user = {
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: 'me',
  KAFKA_SASL_PASSWORD: 'sesame',
}

describe('what is given', () => {
  test('files of TLS are read, and their paths kept', () => {
    const path = file(CERTIFICATE)
    const { ssl } = loadConfig({ ...minimal, ...tls({ KAFKA_SSL_CA_FILE: path }) }).kafka
    expect(ssl).toEqual({ ca: CERTIFICATE, cert: null, key: null, keyPassphrase: null, files: { ca: path } })
  })

  test('an encrypted key with its passphrase', () => {
    const env = { KAFKA_SSL_KEY_FILE: file(LOCKED), KAFKA_SSL_KEY_PASSPHRASE: 'sesame' }
    expect(refusal(tls({ ...env, KAFKA_SSL_CERT_FILE: file(CERTIFICATE) }))).toContain('is not that of the first')
  })

  test('OAUTHBEARER', () => {
    expect(loadConfig({ ...minimal, ...oauth }).kafka.sasl).toEqual({
      mechanism: 'OAUTHBEARER',
      tokenUrl: 'https://login.example/token',
      clientId: 'me',
      clientSecret: 'sesame',
      scope: null,
    })
  })

  test.each(variableNames.filter((name) => described(name).secret))('%s from a file, without its newline', (name) => {
    const others: Record<string, string> = {
      DATABASE_URL: 'postgresql://u:sesame@h/d',
      ADMIN_TOKEN: 'sesame-open-yourself',
    }
    const value = others[name] ?? 'sesame'
    for (const newline of ['', '\n', '\r\n']) {
      const env = name.startsWith('KAFKA_SASL_OAUTH') ? oauth : user
      const given = { ...minimal, ...env, [name]: '', [`${name}_FILE`]: file(value + newline) }
      const key = name === 'KAFKA_SSL_KEY_PASSPHRASE' && {
        KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
        KAFKA_SSL_KEY_FILE: file(LOCKED),
        KAFKA_SSL_CERT_FILE: file('no certificate'),
      }
      // The passphrase is proved by what is wrong then: the certificate alone.
      if (key) expect(refusal({ ...given, ...key })).toMatch(/one fault:\n {2}- KAFKA_SSL_CERT_FILE does not hold/)
      else expect(JSON.stringify(loadConfig(given))).toContain(`"${value}"`)
    }
  })
})

describe('what is refused', () => {
  test.each([
    ['a CA that is none', tls({ KAFKA_SSL_CA_FILE: import.meta.filename }), 'CA_FILE does not hold a certificate'],
    [
      'a key that is none',
      tls({ KAFKA_SSL_KEY_FILE: import.meta.filename, KAFKA_SSL_CERT_FILE: import.meta.filename }),
      'KAFKA_SSL_KEY_FILE does not hold a private key',
    ],
    ['OAUTHBEARER without its endpoint', { ...oauth, KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: '' }, 'must be set'],
    ['OAUTHBEARER with a password', { ...oauth, KAFKA_SASL_PASSWORD: 'x' }, 'does not use it'],
    ['SCRAM with a client id', { ...user, KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'x' }, 'does not use it'],
    [
      'a token in the clear',
      { ...oauth, KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT' },
      'without TLS sends the token in the clear',
    ],
    [
      'a client secret in the clear',
      { ...oauth, KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'HTTP://login.example/token' },
      'sends the client secret in the clear',
    ],
    [
      'a password in the URL of the endpoint',
      { ...oauth, KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'https://me:sesame@login.example/token' },
      'must not hold user or password',
    ],
  ])('%s', (_, env, text) => expect(refusal(env)).toContain(text))

  test('an encrypted key without, or with the wrong, passphrase', () => {
    const env = tls({ KAFKA_SSL_KEY_FILE: file(LOCKED), KAFKA_SSL_CERT_FILE: file(CERTIFICATE) })
    expect(refusal(env)).toContain('is encrypted: set KAFKA_SSL_KEY_PASSPHRASE')
    expect(refusal({ ...env, KAFKA_SSL_KEY_PASSPHRASE: 'no' })).toContain('does not open the key')
  })

  test('a key of another certificate', () => {
    const env = tls({ KAFKA_SSL_KEY_FILE: file(KEY), KAFKA_SSL_CERT_FILE: file(CERTIFICATE) })
    expect(refusal(env)).toContain('is not that of the first certificate')
  })

  test.each(variableNames.filter((name) => described(name).secret))('%s twice, or from an empty file', (name) => {
    expect(refusal({ [name]: 'sesame', [`${name}_FILE`]: file('x') })).toContain(`${name} and ${name}_FILE are both`)
    expect(refusal({ [name]: '', [`${name}_FILE`]: file('\n') })).toContain('is empty')
  })

  test('none of the texts holds a secret', () => {
    const text = refusal({
      ...oauth,
      KAFKA_SASL_PASSWORD: 'sesame',
      KAFKA_SSL_KEY_PASSPHRASE: 'sesame',
      LOG_LEVEL: 'x',
    })
    expect(text).not.toContain('sesame')
  })
})

describe('TLS of PostgreSQL', () => {
  const at = (query: string, env: NodeJS.ProcessEnv = {}) => ({
    DATABASE_URL: `postgresql://u:sesame@h/d${query}`,
    ...env,
  })

  test.each(['', '?sslmode=verify-full', '?sslmode=disable', '?ssl=true'])('"%s" is taken', (query) => {
    expect(loadConfig({ ...minimal, ...at(query) }).databaseUrl).toContain(query)
  })

  test.each(['allow', 'prefer', 'require', 'verify-ca', 'no-verify'])('sslmode=%s is not, unless told so', (mode) => {
    expect(refusal(at(`?sslmode=${mode}`))).toContain(`sslmode=${mode} does not say whether the certificate is checked`)
    expect(loadConfig({ ...minimal, ...at(`?sslmode=${mode}`, { ALLOW_INSECURE: 'true' }) }).allowInsecure).toBe(true)
  })

  test.each([
    ['?sslmode=full', 'must be verify-full or disable'],
    ['?ssl=no-verify', 'are not taken'],
    ['?uselibpqcompat=true&sslmode=verify-full', 'are not taken'],
    ['?sslrootcert=/no/such.pem&sslmode=verify-full', 'sslrootcert: cannot read the file "/no/such.pem" (ENOENT)'],
    [`?sslrootcert=${import.meta.filename}`, 'sslrootcert does not hold a certificate'],
    [`?sslkey=${import.meta.filename}`, 'sslkey does not hold a private key'],
  ])('%s', (query, text) => {
    const said = refusal(at(query))
    expect(said).toContain(text)
    expect(said).not.toContain('sesame')
  })
})
