import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { barLine, createProgress } from '../../../src/cli/progress.ts'

const frame = { count: 0, noun: 'events', ms: 0, total: 1_000, done: 0, columns: 80 }

test('a bar promises neither a rate nor a time left before it can know them', () => {
  expect(barLine(frame)).toMatch(/^░+ 0% \| 0 events$/)
  expect(barLine({ ...frame, ms: 5_000 })).toMatch(/0% \| 0 events \| 0\/s$/)
  expect(barLine({ ...frame, ms: 2_000, done: 250, count: 5_000 })).toMatch(
    /^█+░+ 25% \| 5,000 events \| 2,500\/s \| 6s left$/,
  )
  expect(barLine({ ...frame, ms: 60_000, done: 100 })).toMatch(/9m 0s left$/)
  expect(barLine({ ...frame, ms: 2_000, done: 1_000 })).not.toContain('left')
})

test('a pipe has neither a bar nor a percentage, an empty file no division by nothing', () => {
  expect(barLine({ ...frame, total: null, ms: 1_000, count: 7 })).toBe('7 events | 7/s')
  expect(barLine({ ...frame, total: 0 })).toBe('0 events')
})

test.each([10, 30, 60, 80, 100])('a bar fits %s columns', (columns) => {
  const text = barLine({ count: 12_345_678, noun: 'events', ms: 90_000, total: 1_000, done: 431, columns })
  expect(text.length).toBeLessThan(columns)
})

/** What a terminal shows, for the few sequences that are used: erase line, cursor up, cursor to the left. */
const screenOf = (bytes: string): string[] => {
  const lines: string[] = ['']
  let at = 0
  // eslint-disable-next-line no-control-regex -- they are what is read
  for (const token of bytes.match(/\u001b\[[?\d;]*[A-Za-z]|\n|[^\u001b\n]+/g) ?? []) {
    if (token === '\n') lines[++at] ??= ''
    else if (token === '\u001b[2K') lines[at] = ''
    else if (token.endsWith('A') && token.startsWith('\u001b')) at -= Number(token.slice(2, -1) || 1)
    else if (!token.startsWith('\u001b')) lines[at] += token
  }
  return lines
}

const terminal = (isTTY: boolean): { stream: NodeJS.WriteStream; bytes: () => string } => {
  const stream = new PassThrough()
  let bytes = ''
  stream.on('data', (chunk: Buffer) => (bytes += chunk.toString()))
  return { stream: Object.assign(stream, { isTTY, columns: 80, rows: 24 }) as never, bytes: () => bytes }
}

test('lines printed while the bar lives stand whole above it, and it leaves nothing behind', () => {
  const { stream, bytes } = terminal(true)
  let now = 0
  const progress = createProgress({ stderr: stream, now: () => (now += 300), total: 100, done: () => 50 })
  progress.update(1)
  progress.line(stream, 'first')
  progress.update(2)
  progress.line(stream, 'second')
  expect(screenOf(bytes())).toEqual(['first', 'second', expect.stringMatching(/50% \| 2 events/), ''])
  progress.stop()
  stream.write('report\n')
  expect(screenOf(bytes()).slice(0, 4)).toEqual(['first', 'second', 'report', ''])
  // Autowrap stays on: long lines are not cut.
  expect(bytes()).not.toContain('\u001b[?7l')
})

test('outside a terminal there are only the lines', () => {
  const { stream, bytes } = terminal(false)
  const progress = createProgress({ stderr: stream, now: () => 0, total: 100, done: () => 50 })
  progress.update(1)
  progress.line(stream, 'first')
  progress.stop()
  expect(bytes()).toBe('first\n')
})
