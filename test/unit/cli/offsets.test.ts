import { Command } from 'commander'
import { expect, test } from 'vitest'
import { partitionOption } from '../../../src/cli/offsets-connect.ts'
import { actor } from '../../../src/lib/actor.ts'

const partitionsOf = (...args: string[]) =>
  new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .option('--partition <n...>', '', partitionOption)
    .parse(args, { from: 'user' })
    .opts<{ partition?: number[] }>().partition

test('a partition named twice is one: PostgreSQL would refuse the statement', () => {
  expect(partitionsOf('--partition', '2', '0', '2', '--partition', '0')).toEqual([2, 0])
})

test.each(['', '1.0', '0x1', '-1', 'x'])('--partition %j is no partition, and not partition 0', (text) => {
  expect(() => partitionsOf(`--partition=${text}`)).toThrow('a partition number')
})

test('a user id without a name, as containers have, is still put on record', () => {
  const nameless = () => {
    throw new Error('uv_os_get_passwd returned ENOENT')
  }
  expect(actor(nameless)).toBe(`uid ${process.getuid?.()}`)
  expect(actor(() => 'ann')).toBe('ann')
})
