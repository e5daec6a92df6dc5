// The short form of `npm run test:security`: two ways into a Kafka that lets nobody in without a name, and what it says to
// whoever is refused.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSecureWorld, type SecureWorld } from '../support/secure-world.ts'

let secure: SecureWorld
beforeAll(async () => {
  secure = await openSecureWorld()
})
afterAll(() => secure?.close())

test('SCRAM and OAUTHBEARER over TLS: published by one, consumed by the other', async () => {
  const { world, ways, sluice } = secure
  const member = world.start('member', ways.oauth())
  expect((await sluice(['publish', '--generate', '200', '--bad', '3'], ways.user('SCRAM-SHA-512'))).exitCode).toBe(0)
  await member.logged('partitions assigned')
  await world.drained()
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
})

test('a wrong password, an unknown authority, a missing right: one line each, exit code 3, no secret', async () => {
  const { ways, kafka, allow, sluice, world } = secure
  await allow('no-dlq', { topic: ['read', 'configs'], group: ['read'] })
  const cases: [NodeJS.ProcessEnv, string][] = [
    [{ ...ways.user('PLAIN'), KAFKA_SASL_PASSWORD: 'planted-Zk-wrong' }, 'Kafka refuses the user "member"'],
    [{ ...ways.user('PLAIN'), KAFKA_SSL_CA_FILE: kafka.certificates.path('other-ca.pem') }, 'is not trusted'],
    [ways.oauth('no-dlq'), `DESCRIBE and WRITE on topic "${world.config.dlqTopic}"`],
  ]
  for (const [access, text] of cases) {
    const { exitCode, stdout, stderr } = await sluice(['consume'], access)
    expect([exitCode, String(stderr).split('\n').length]).toEqual([3, 2])
    expect(stderr).toContain(text)
    expect(`${String(stdout)}${String(stderr)}`).not.toContain('planted-Zk')
  }
})
