import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startMember } from '../../../src/demo/member.ts'

// Its log file goes with the folder of the demo, so a path to it would be of no use.
test('a member that ends by itself tells why in its own words', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-member-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { failed } = startMember('member-1', { PATH: process.env['PATH'] }, join(folder, 'member-1.log'))
  await expect(failed).rejects.toMatchObject({
    name: 'OperatorError',
    message: 'member-1 ended by itself (2)',
    remedy: expect.stringContaining('KAFKA_BROKERS is not set') as string,
  })
})
