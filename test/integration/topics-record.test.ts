// `sluice topics record`: what closed the gate, or stops the members, is looked at where it lies.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(1)
  await world.send([
    recordOf(event({ invoiceId: 'I-7', lineNumber: 3 }), 0),
    {
      partition: 0,
      key: 'I-8',
      value: Buffer.from('{"quantity": \u001b[2J'),
      headers: [['x-from', Buffer.from('test')]],
    },
    { partition: 0, key: 'I-9', value: null },
  ])
})
afterAll(() => world.close())

const record = (...args: string[]) => world.sluice(['topics', 'record', '--partition', '0', ...args])

test('a line item is shown with what it says, a tombstone as what it is', async () => {
  const item = await record('--offset', '0')
  expect([item.exitCode, item.stderr]).toEqual([0, ''])
  expect(item.stdout).toMatch(/partition 0, offset 0\n/)
  expect(item.stdout).toMatch(/it is a line item/)
  expect(item.stdout).toMatch(/invoice +I-7, line 3/)
  expect((await record('--offset', '2')).stdout).toMatch(/a tombstone: it is ignored[^]*value: none/)
})

test('a bad one says what it becomes and what to do, and its bytes do nothing to the terminal', async () => {
  const { exitCode, stdout } = await record('--offset', '1')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/it becomes a dead letter\n +code +JSON_INVALID/)
  expect(stdout).toMatch(/what to do, once it is one.*\n {2}The value was cut off/)
  expect(stdout).toContain('x-from: test')
  expect(stdout).not.toContain('\u001b')
})

test('--json and --raw give the bytes', async () => {
  const { stdout } = await record('--offset', '1', '--json')
  const told = JSON.parse(String(stdout)) as Record<string, unknown>
  expect(told).toMatchObject({ partition: 0, offset: 1, outcome: 'rejected', code: 'JSON_INVALID' })
  expect(Buffer.from(String(told['value']), 'base64').toString()).toBe('{"quantity": \u001b[2J')
  expect((await record('--offset', '0', '--raw')).stdout).toContain('"invoiceId":"I-7"')
})

test.each([
  [['--offset', '3'], /there is no record at offset 3 or behind it/],
  [['--offset', 'x'], /an offset/],
  [['--offset', '0', '--raw', '--json'], /cannot be given together/],
])('%j is refused in a clear line', async (args, says) => {
  const { exitCode, stderr } = await record(...args)
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(says)])
})

test('a partition that is not there is named, with those that are', async () => {
  const { exitCode, stderr } = await world.sluice(['topics', 'record', '--partition', '7', '--offset', '0'])
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/has no partition 7\n.*it has 1/)])
})
