// Who we are is asked again while we run (KIP-368), and the password is changed meanwhile (fault 39 of the matrix).
import { rename, writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { MEMBER, SHORT_SESSION_MS } from '../support/secure-kafka.ts'
import { openSecureWorld, type SecureWorld } from '../support/secure-world.ts'
import { until } from '../support/until.ts'

const CHANGED = 'planted-Zk-second-password'
const AGAIN = 'planted-Zk-third-password'
/** kafkajs says who we are ten seconds before the end of a session: here after ten, or less if this machine is busy. */
const TOKEN_SECONDS = 20

let secure: SecureWorld
let file: string
beforeAll(async () => {
  secure = await openSecureWorld()
  file = await secure.kafka.certificates.write('password', `${MEMBER.password}\n`)
})
afterAll(() => secure?.close())
/** What a test that failed left alive would hold the partitions of the next one. */
afterEach(async () => {
  const left = secure.world.members.filter((member) => member.running())
  for (const member of left) member.kill('SIGKILL')
  await Promise.all(left.map((member) => member.ended))
})

/** At once, as Kubernetes does it. */
const put = async (password: string) => {
  await writeFile(`${file}.new`, `${password}\n`)
  await rename(`${file}.new`, file)
}

const byFile = () => ({
  ...QUICK_SESSION,
  ...secure.ways.user('SCRAM-SHA-512', 'SHORT'),
  KAFKA_SASL_PASSWORD: '',
  KAFKA_SASL_PASSWORD_FILE: file,
})
/** Of the connection, not of the records. */
const troubles = (member: Member) =>
  member.lines().filter(({ level, msg }) => (level === 'warn' || level === 'error') && msg !== 'dead letter')

/** As they are when the group has settled. */
const settled = (members: Member[]) =>
  until('each member has a partition', () => {
    const last = members.map(
      (member) => member.lines('partitions assigned').at(-1)?.['partitions'] as number[] | undefined,
    )
    const revoked = members.map((member) => member.lines('partitions revoked').length)
    return (
      last.every((partitions) => partitions !== undefined) &&
      revoked.reduce((sum, n) => sum + n, 0) === members.length - 1
    )
  })

test('sessions end, tokens expire and a password is changed under load: the members go on, without a rebalance', async () => {
  const { world, ways, sluice, tokenServer, kafka } = secure
  const scram = world.start('scram', byFile())
  await scram.logged('partitions assigned')
  const oauth = world.start('oauth', ways.oauth(MEMBER.username, TOKEN_SECONDS))
  await oauth.logged('partitions assigned')
  await settled([scram, oauth])
  const before = [scram, oauth].map((member) => troubles(member).length)
  const [tokens, joins] = [tokenServer.seen.length, [scram, oauth].map((m) => m.lines('partitions assigned').length)]

  const started = performance.now()
  const publishing = sluice(['publish', '--generate', '2700', '--rate', '100'], ways.user('PLAIN'))
  await until('a third of it is written', async () => (await world.settled()) > 500)
  await kafka.rotate(CHANGED)
  await put(CHANGED)
  expect((await publishing).exitCode).toBe(0)
  expect(performance.now() - started).toBeGreaterThan(SHORT_SESSION_MS)
  await world.drained()

  expect(tokenServer.seen.length - tokens).toBeGreaterThan(3)
  expect([scram, oauth].map((member) => member.lines('partitions assigned').length)).toEqual(joins)
  expect(troubles(oauth).slice(before[1])).toEqual([])
  // Between the change on the broker and that of the file, refusals are told, and tried again.
  for (const line of troubles(scram).slice(before[0])) expect(JSON.stringify(line)).toMatch(/refuse|SASL|onnection/)
  for (const member of [scram, oauth]) {
    member.kill('SIGTERM')
    expect(await member.ended, member.tail()).toMatchObject({ code: 0 })
  }
})

test('a password that is changed behind our back ends the member with one clear line, after few tries, nothing lost', async () => {
  const { world, ways, sluice, kafka } = secure
  const given = { ...byFile(), KAFKA_SASL_PASSWORD_FILE: '', KAFKA_SASL_PASSWORD: CHANGED }
  const member = world.start('left-behind', given)
  await member.logged('partitions assigned')
  await kafka.rotate(AGAIN)
  const ended = await member.ended
  expect(ended, member.tail()).toMatchObject({ code: 3 })
  expect(member.output()).toContain(
    'sluice: Kafka refuses the user "member" (SASL authentication failed)\n  → check KAFKA',
  )
  expect(troubles(member).length, member.output()).toBeLessThan(20)
  expect(member.output()).not.toContain('planted-Zk')

  await put(AGAIN)
  const next = world.start('next', byFile())
  expect((await sluice(['publish', '--generate', '50', '--seed', '2'], ways.user('PLAIN'))).exitCode).toBe(0)
  await next.logged('partitions assigned')
  await world.drained()
  next.kill('SIGTERM')
  expect((await next.ended).code).toBe(0)
})

test('no token is to be had for longer than the last one lives: the member waits, and goes on', async () => {
  const { world, ways, sluice, tokenServer } = secure
  const member = world.start('waiting', { ...QUICK_SESSION, ...ways.oauth(MEMBER.username, TOKEN_SECONDS) })
  await member.logged('partitions assigned')
  await world.drained()
  tokenServer.setDown(true)
  const [asked, over] = [tokenServer.seen.length, performance.now() + TOKEN_SECONDS * 1_000]
  const patient = { timeoutMs: 60_000, describe: () => member.tail() }
  await until('the last token is over', () => performance.now() > over, patient)
  await until('more are asked for', () => tokenServer.seen.length - asked > 3, patient)
  const published = await sluice(['publish', '--generate', '50', '--seed', '3'], ways.user('PLAIN'))
  expect(published.exitCode).toBe(0)
  tokenServer.setDown(false)
  await world.drained()
  // No dead letter but of what is bad in the topic, and nothing twice.
  expect(notOk((await proveWorld(world)).lines)).toEqual([])
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
})
