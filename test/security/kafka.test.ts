// Every way into a Kafka that lets nobody in without a name, on a real broker: each works to the end, and each refusal is one
// clear line, soon, with what to do, and without a secret in it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NEEDED, openSecureWorld, type Rights, type SecureWorld, type Ways } from '../support/secure-world.ts'
import { SOON_MS, timed } from '../support/soon.ts'

let secure: SecureWorld
beforeAll(async () => {
  secure = await openSecureWorld()
})
afterAll(() => secure?.close())

/** Every password and secret of these tests begins so. */
const SECRET = 'planted-Zk'

type Way = (ways: Ways) => NodeJS.ProcessEnv

test.each<[string, Way]>([
  ['PLAIN over TLS', ({ user }) => user('PLAIN')],
  ['SCRAM-SHA-256', ({ user }) => user('SCRAM-SHA-256')],
  ['SCRAM-SHA-512', ({ user }) => user('SCRAM-SHA-512')],
  ['OAUTHBEARER', ({ oauth }) => oauth()],
  ['a client certificate', ({ certificate }) => certificate('client')],
  ['a client certificate with an encrypted key', ({ lockedKey }) => lockedKey],
  ['PLAIN in the clear, permitted by ALLOW_INSECURE', ({ clear }) => clear],
])('%s: publishes, consumes to the end, and publishes dead letters', async (name, way) => {
  const { world, ways, sluice } = secure
  const access = way(ways)
  const before = await world.totals()
  const member = world.start('member', access)
  const seed = String(name.length)
  const { exitCode, stderr } = await sluice(['publish', '--generate', '200', '--bad', '3', '--seed', seed], access)
  expect(exitCode, String(stderr)).toBe(0)
  await member.logged('partitions assigned')
  await world.drained()
  member.kill('SIGTERM')
  expect(await member.ended, member.tail()).toMatchObject({ code: 0 })
  expect((await world.totals()).deadLettered).toBeGreaterThan(before.deadLettered)
  expect(member.output()).not.toContain(SECRET)
})

/** What `sluice publish` and `sluice consume` say. */
const refused = async (access: NodeJS.ProcessEnv, commands = [['publish', '--generate', '5'], ['consume']]) => {
  const told: string[] = []
  for (const command of commands) {
    const { ended, tookMs } = await timed(() => secure.sluice(command, { LOG_LEVEL: 'trace', ...access }))
    const { exitCode, stderr, stdout } = ended
    const said = String(stderr)
    expect(exitCode, said).toBe(3)
    expect(tookMs).toBeLessThan(SOON_MS)
    expect(said.split('\n').filter((line) => line !== '' && !line.startsWith('sending failed'))).toHaveLength(2)
    expect(said + String(stdout)).not.toContain(SECRET)
    told.push(said)
  }
  return told
}

describe('one line, what to do, exit code 3, within seconds', () => {
  const password = { KAFKA_SASL_PASSWORD: `${SECRET}-wrong` }
  test.each<[string, Way, RegExp, RegExp]>([
    [
      'a wrong password (PLAIN)',
      ({ user }) => ({ ...user('PLAIN'), ...password }),
      /refuses the user "member"/,
      /check KAFKA_SASL_USERNAME and/,
    ],
    [
      'a wrong password (SCRAM)',
      ({ user }) => ({ ...user('SCRAM-SHA-512'), ...password }),
      /refuses the user "member"/,
      /check KAFKA_SASL_USERNAME and/,
    ],
    [
      'an unknown user',
      ({ user }) => ({ ...user('SCRAM-SHA-256'), KAFKA_SASL_USERNAME: 'nobody' }),
      /refuses the user "nobody"/,
      /check KAFKA_SASL_USERNAME/,
    ],
    [
      'a mechanism that is not enabled',
      ({ user }) => user('PLAIN', 'SHORT'),
      /not accept the SASL mechanism PLAIN/,
      /set KAFKA_SASL_MECHANISM/,
    ],
    [
      'a wrong client secret',
      ({ oauth }) => ({ ...oauth(), KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: `${SECRET}-wrong` }),
      /gives the client "sluice-client" no token \(HTTP 401, invalid_client\)/,
      /check KAFKA_SASL_OAUTHBEARER_CLIENT_ID/,
    ],
    [
      'an expired token',
      ({ oauth }) => oauth('member', -100),
      /refuses the token of the client "sluice-client"/,
      /clocks/,
    ],
    [
      'an authority that did not sign the broker',
      ({ user }) => ({ ...user('PLAIN'), KAFKA_SSL_CA_FILE: secure.kafka.certificates.path('other-ca.pem') }),
      /certificate of Kafka at \S+ is not trusted/,
      /set KAFKA_SSL_CA_FILE/,
    ],
    [
      'a broker whose certificate has expired',
      ({ user }) => user('PLAIN', 'EXPIRED'),
      /is not trusted \(CERT_HAS_EXPIRED\)/,
      /the broker needs a new certificate/,
    ],
    [
      'a broker with the certificate of another host',
      ({ user }) => user('PLAIN', 'ELSEWHERE'),
      /is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
      /a name that the certificate was made for/,
    ],
    [
      'a client certificate of a stranger',
      ({ certificate }) => certificate('stranger'),
      /refuses our certificate/,
      /set KAFKA_SSL_CERT_FILE/,
    ],
    [
      'a client certificate that has expired',
      ({ certificate }) => certificate('expired-client'),
      /refuses our certificate/,
      /has not expired/,
    ],
    [
      'no client certificate',
      ({ certificate }) => ({ ...certificate('client'), KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '' }),
      /wants a certificate of ours/,
      /set KAFKA_SSL_CERT_FILE/,
    ],
    [
      'TLS on a listener without',
      ({ user }) => user('PLAIN', 'ADMIN'),
      /does not speak TLS there/,
      /port of the TLS listener/,
    ],
    [
      'no TLS on a listener with',
      ({ clear }) => ({ ...clear, KAFKA_BROKERS: secure.kafka.address('SASL') }),
      /closed the connection/,
      /check KAFKA_SECURITY_PROTOCOL/,
    ],
  ])('%s', async (_, way, says, does) => {
    for (const told of await refused(way(secure.ways))) {
      expect(told).toMatch(says)
      expect(told).toMatch(does)
    }
  })
})

test('a password in the clear is not sent without permission: exit code 2, before anybody connects', async () => {
  const { exitCode, stderr } = await secure.sluice(['consume'], { ...secure.ways.clear, ALLOW_INSECURE: '' })
  expect(exitCode).toBe(2)
  expect(stderr).toContain('KAFKA_SASL_MECHANISM=PLAIN without TLS sends the password in the clear')
})

describe('a missing right is named at the start', () => {
  const consume = [['consume']]
  test.each<[string, Rights, string, string[][]]>([
    ['no-topic', { ...NEEDED, topic: [] }, 'DESCRIBE and READ and DESCRIBE_CONFIGS on topic "TOPIC"', consume],
    ['no-read', { ...NEEDED, topic: ['describe', 'configs'] }, 'READ on topic "TOPIC"', consume],
    ['no-configs', { ...NEEDED, topic: ['read'] }, 'DESCRIBE_CONFIGS on topic "TOPIC"', consume],
    ['no-dlq', { ...NEEDED, dlq: ['describe'] }, 'WRITE on topic "TOPIC.dlq"', consume],
    ['no-group', { ...NEEDED, group: [] }, 'DESCRIBE and READ on group "GROUP"', consume],
    ['no-group-read', { ...NEEDED, group: ['describe'] }, 'group "GROUP"', consume],
    ['no-write', { ...NEEDED, topic: ['read', 'configs'] }, 'WRITE on topic "TOPIC"', [['publish', '--generate', '5']]],
    [
      'nothing',
      {},
      'DESCRIBE and READ and DESCRIBE_CONFIGS on topic "TOPIC"; DESCRIBE and WRITE on topic "TOPIC.dlq"; DESCRIBE and READ on group "GROUP"',
      consume,
    ],
  ])('%s', async (username, rights, missing, commands) => {
    const { topic, groupId } = secure.world.config
    const letters = async () => (await secure.world.query('SELECT 1 FROM dead_letter')).length
    const before = await letters()
    await secure.allow(username, rights)
    for (const told of await refused(secure.ways.oauth(username), commands)) {
      const named = missing.replaceAll('TOPIC', topic).replaceAll('GROUP', groupId)
      expect(told).toContain(`sluice: Kafka does not authorise the client "sluice-client": ${named}\n`)
      expect(told).toContain('docs/security.md')
    }
    expect(await letters()).toBe(before)
  })
})

/** Of generated bad records there are always some. */
const CODE = 'SCHEMA_INVALID'

describe('no command needs more rights than docs/security.md lists', () => {
  /** With the user that has these rights. */
  const allowed = async (username: string, rights: Rights) => {
    await secure.allow(username, rights)
    return async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await secure.sluice(args, secure.ways.oauth(username))
      expect(exitCode, `${args.join(' ')}: ${String(stdout)}${String(stderr)}`).toBe(0)
    }
  }

  test('publish: WRITE on the topic', async () => {
    const sluice = await allowed('publisher', { topic: ['write'] })
    await sluice('publish', '--generate', '50', '--bad', '3', '--seed', '77')
  })

  test('consume: READ and DESCRIBE_CONFIGS on the topic, WRITE on the DLQ topic, READ on the group', async () => {
    const { world, allow, ways } = secure
    await allow('consumer', { topic: ['read', 'configs'], dlq: ['write'], group: ['read'] })
    const member = world.start('least', ways.oauth('consumer'))
    await member.logged('partitions assigned')
    await world.drained()
    member.kill('SIGTERM')
    expect((await member.ended).code, member.tail()).toBe(0)
  })

  test('topics check: DESCRIBE_CONFIGS and DESCRIBE on both topics', async () => {
    const sluice = await allowed('checker', { topic: ['describe', 'configs'], dlq: ['describe', 'configs'] })
    await sluice('topics', 'check')
  })

  test('topics create: CREATE, DESCRIBE and DESCRIBE_CONFIGS on both topics', async () => {
    const rights: Rights = { topic: ['create', 'describe', 'configs'], dlq: ['create', 'describe', 'configs'] }
    const [topic, access] = [`${secure.world.config.topic}-new`, secure.ways.oauth('creator')]
    await secure.allow('creator', rights, topic)
    for (const outcome of ['created', 'existed']) {
      const way = { ...access, KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: `${topic}.dlq` }
      const { exitCode, stdout, stderr } = await secure.sluice(['topics', 'create'], way)
      expect([exitCode, String(stdout).match(/^\w+/gm)], String(stderr)).toEqual([0, [outcome, outcome]])
    }
  })

  test('offsets show: DESCRIBE on the topic and the group; reset and skip: READ on both', async () => {
    const show = await allowed('looker', { topic: ['describe'], group: ['describe'] })
    await show('offsets', 'show')
    const mover = await allowed('mover', { topic: ['read'], group: ['read'] })
    await mover('offsets', 'reset', '--to', 'earliest', '--yes')
    await mover('offsets', 'reset', '--to', '2026-01-01T00:00:00Z', '--yes')
    await mover('offsets', 'reset', '--to', 'kafka', '--yes')
    await mover('offsets', 'skip', '--partition', '0', '--offset', '0', '--reason', 'a test', '--yes')
  })

  test('dlq replay: WRITE on the topic, DESCRIBE on the group; without them no letter is touched', async () => {
    const statuses = () => secure.world.query('SELECT id, status, replay_count FROM dead_letter ORDER BY id')
    const before = await statuses()
    await secure.allow('no-replay', { topic: ['read'], group: ['describe'] })
    const { exitCode, stderr } = await secure.sluice(['dlq', 'replay', '--yes', '--code', CODE], secure.ways.oauth('no-replay')) // prettier-ignore
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(`WRITE on topic "${secure.world.config.topic}"`)])
    expect(await statuses()).toEqual(before)
    const sluice = await allowed('replayer', { topic: ['write'], group: ['describe'] })
    await sluice('dlq', 'replay', '--yes', '--code', CODE)
    expect(await statuses()).not.toEqual(before)
  })
})
