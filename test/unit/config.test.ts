import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig, type Need } from '../../src/config.ts'
import { OperatorError } from '../../src/lib/operator-error.ts'

const minimal = { KAFKA_BROKERS: 'localhost:9092', DATABASE_URL: 'postgresql://u:p@localhost:5432/d' }

const refusal = (env: NodeJS.ProcessEnv, needs?: Need[]): OperatorError => {
  try {
    loadConfig(env, needs)
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('what is given', () => {
  test('two variables are enough; the rest has defaults', () => {
    const config = loadConfig(minimal)
    expect(config).toMatchObject({
      kafka: { brokers: ['localhost:9092'], clientId: 'sluice', securityProtocol: 'PLAINTEXT', sasl: null, ssl: null },
      groupId: 'sluice',
      topic: 'invoice-line-items',
      dlqTopic: 'invoice-line-items.dlq',
      databasePoolSize: 6,
      bufferMaxRecords: 20_000,
      bufferMaxBytes: 67_108_864,
      flushMaxRecords: 10_000,
      flushMaxBytes: 33_554_432,
      flushMinAgeMs: 5,
      flushMaxAgeMs: 1_000,
      flushTargetMs: 1_000,
      flushLanes: 1,
      sessionTimeoutMs: 30_000,
      shutdownTimeoutMs: 25_000,
      prismaWriter: 'fast',
      logLevel: 'info',
      allowInsecure: false,
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('the dead letter topic follows the topic', () => {
    expect(loadConfig({ ...minimal, KAFKA_TOPIC: 'lines' }).dlqTopic).toBe('lines.dlq')
  })

  test('several brokers, blanks around them', () => {
    expect(loadConfig({ ...minimal, KAFKA_BROKERS: 'a:1, b:2' }).kafka.brokers).toEqual(['a:1', 'b:2'])
  })

  test('an empty variable counts as unset', () => {
    expect(loadConfig({ ...minimal, LOG_LEVEL: '', KAFKA_SASL_PASSWORD: '' }).logLevel).toBe('info')
  })

  test('a command that needs no database does without its URL', () => {
    expect(loadConfig({ KAFKA_BROKERS: 'a:1' }, ['kafka']).databaseUrl).toBe('')
  })

  test('a secret comes from a file, without its trailing newline', () => {
    const config = loadConfig({
      KAFKA_BROKERS: 'a:1',
      DATABASE_URL_FILE: file('url', 'postgresql://u:from-file@h/d\n'),
    })
    expect(config.databaseUrl).toBe('postgresql://u:from-file@h/d')
  })
})

describe('what is refused', () => {
  test('every fault is told at once, with exit code 2', () => {
    const error = refusal({
      DATABASE_URL: 'mysql://root:sesame@db/x',
      FLUSH_MAX_AGE_MS: '5s',
      LOG_LEVEL: 'loud',
      FLUSH_MAX_RECORDS: '9',
      BUFFER_MAX_RECORDS: '8',
    })
    expect(error.exitCode).toBe(2)
    expect(error.message.split('\n')).toHaveLength(6)
    expect(error.message).toContain('the configuration has 5 faults')
    expect(error.message).toContain('KAFKA_BROKERS is not set')
    expect(error.message).toContain('DATABASE_URL must begin with postgresql://')
    expect(error.message).toContain(
      'FLUSH_MAX_AGE_MS must be a whole number of milliseconds without a unit, such as 1000 (it is "5s")',
    )
    expect(error.message).toContain('LOG_LEVEL must be one of fatal, error,')
    expect(error.message).toContain('FLUSH_MAX_RECORDS (9) must not be above BUFFER_MAX_RECORDS (8)')
  })

  test('a buffer that is smaller than a batch by default makes batches smaller, and is no contradiction', () => {
    const small = { KAFKA_BROKERS: 'a:1', DATABASE_URL: 'postgresql://a/b', BUFFER_MAX_RECORDS: '500', BUFFER_MAX_BYTES: '1000000' } // prettier-ignore
    expect(loadConfig(small)).toMatchObject({ flushMaxRecords: 500, flushMaxBytes: 1_000_000 })
  })

  test.each([
    ['the same topic twice', { KAFKA_TOPIC: 'a', KAFKA_DLQ_TOPIC: 'a' }, 'KAFKA_DLQ_TOPIC must differ'],
    ['ages crossed', { FLUSH_MIN_AGE_MS: '20', FLUSH_MAX_AGE_MS: '10' }, 'FLUSH_MIN_AGE_MS (20) must not be above'],
    ['bytes crossed', { FLUSH_MAX_BYTES: '200000', BUFFER_MAX_BYTES: '100000' }, 'FLUSH_MAX_BYTES (200000) must not'],
    [
      'pool too small for the lanes',
      { FLUSH_LANES: '4' },
      'DATABASE_POOL_SIZE (6) must be at least FLUSH_LANES + 4 (8)',
    ],
    ['SASL without a SASL protocol', { KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_USERNAME is set, but'],
    ['a SASL protocol without SASL', { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }, 'KAFKA_SASL_MECHANISM must be set'],
    ['TLS files without TLS', { KAFKA_SSL_CA_FILE: '/ca.pem' }, 'KAFKA_SSL_CA_FILE is set, but'],
    [
      'a certificate without its key',
      { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CERT_FILE: import.meta.filename },
      'set together',
    ],
    ['a file that is not there', { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_FILE: '/no/such.pem' }, '(ENOENT)'],
    ['a number out of range', { FLUSH_LANES: '0' }, 'FLUSH_LANES must be between 1 and 64'],
    ['a negative number', { FLUSH_TARGET_MS: '-1' }, 'FLUSH_TARGET_MS must be a whole number'],
    ['brokers with a scheme', { KAFKA_BROKERS: 'kafka://a:9092' }, 'KAFKA_BROKERS must be host:port'],
    ['a broker without a port', { KAFKA_BROKERS: 'a' }, 'KAFKA_BROKERS must be host:port'],
    ['an impossible topic', { KAFKA_TOPIC: 'a b' }, 'KAFKA_TOPIC must be a topic name'],
  ])('%s', (_, env, text) => {
    expect(refusal({ ...minimal, ...env }).message).toContain(text)
  })

  const plain = {
    ...minimal,
    KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_SASL_USERNAME: 'u',
    KAFKA_SASL_PASSWORD: 'sesame',
  }
  test('a password in the clear, unless told so', () => {
    expect(refusal(plain).message).toContain('in the clear')
    expect(loadConfig({ ...plain, ALLOW_INSECURE: 'true' }).kafka.sasl).toMatchObject({ password: 'sesame' })
    expect(loadConfig({ ...plain, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' }).kafka.sasl?.mechanism).toBe('SCRAM-SHA-512')
  })

  test('a secret given twice', () => {
    const error = refusal({ ...minimal, DATABASE_URL_FILE: '/x' })
    expect(error.message).toContain('DATABASE_URL and DATABASE_URL_FILE are both set')
  })

  test('a secret is never shown', () => {
    const { message, remedy } = refusal({
      KAFKA_SASL_PASSWORD: 'sesame',
      DATABASE_URL: 'mysql://root:sesame@db/x',
      KAFKA_SSL_KEY_PASSPHRASE: 'sesame',
    })
    expect(message + remedy).not.toContain('sesame')
  })
})

describe('near misses', () => {
  test.each([
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['FLUSH_MAX_AGE', 'FLUSH_MAX_AGE_MS'],
    ['KAFKA_SSL_CA', 'KAFKA_SSL_CA_FILE'],
    ['DATABASE_ULR', 'DATABASE_URL'],
  ])('%s → did you mean %s?', (name, meant) => {
    expect(refusal({ ...minimal, [name]: 'x' }).message).toContain(
      `${name} is not a variable of sluice: did you mean ${meant}?`,
    )
  })

  test('the variables of others stay unmentioned', () => {
    const others = {
      KAFKA_HOME: '/k',
      KAFKA_SERVICE_HOST: 'h',
      KAFKA_PORT_9092_TCP: 'x',
      DATABASE_URL_TEST: 'x',
      LOG_FORMAT: 'x',
    }
    expect(loadConfig({ ...minimal, ...others }).topic).toBe('invoice-line-items')
  })
})
