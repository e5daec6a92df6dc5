import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { ASK_ABOVE, confirmed } from '../../../src/cli/confirm.ts'

const setUp = (over: { count?: number; yes?: boolean; tty?: boolean } = {}) => {
  const { count = ASK_ABOVE + 1, yes = false, tty = true } = over
  const stdin = Object.assign(new PassThrough(), { isTTY: tty })
  const stderr = Object.assign(new PassThrough(), { isTTY: tty }) as unknown as NodeJS.WriteStream & PassThrough
  const stop = new AbortController()
  const asked = () => String(stderr.read() ?? '')
  const answer = confirmed({ io: { stderr, drain: stop.signal }, stdin, question: 'Sure?', count, yes })
  return { answer, stdin, stop, asked }
}

test.each([
  ['y', true],
  ['YES ', true],
  ['n', false],
  ['', false],
  ['yeah, no', false],
])('the answer %j', async (text, expected) => {
  const { answer, stdin, asked } = setUp()
  stdin.write(`${text}\n`)
  expect(await answer).toBe(expected)
  expect(asked()).toBe('Sure? [y/N] ')
})

test('the end of input and a signal mean no', async () => {
  const ended = setUp()
  ended.stdin.end()
  expect(await ended.answer).toBe(false)
  const stopped = setUp()
  stopped.stop.abort('SIGINT')
  expect(await stopped.answer).toBe(false)
})

test('few letters, or --yes, are not asked about', async () => {
  for (const { answer, asked } of [setUp({ count: ASK_ABOVE, tty: false }), setUp({ yes: true, tty: false })]) {
    expect(await answer).toBe(true)
    expect(asked()).toBe('')
  }
})

test('without a terminal nobody can be asked: refused', async () => {
  await expect(setUp({ tty: false }).answer).rejects.toMatchObject({ exitCode: 2, remedy: expect.stringContaining('--yes') as string }) // prettier-ignore
})
