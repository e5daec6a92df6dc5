import { expect, test } from 'vitest'
import { OperatorError } from '../../../src/lib/operator-error.ts'
import { logTo } from '../../../src/telemetry/log.ts'

type Line = Record<string, unknown> & { err?: Record<string, unknown> }
const capture = (level = 'info') => {
  const lines: Line[] = []
  const log = logTo({ write: (line: string) => void lines.push(JSON.parse(line) as Line) }, level)
  return { lines, log }
}

test('a line has an ISO time, a level word and no host noise', () => {
  const { lines, log } = capture()
  log.info({ topic: 'a', position: 12n }, 'flushed')
  expect(lines[0]).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    topic: 'a',
    position: '12',
    msg: 'flushed',
  })
})

test('below its level it is silent', () => {
  const { lines, log } = capture('error')
  log.warn('x')
  expect(lines).toEqual([])
})

test('control and bidirectional characters leave strings, keys and the message', () => {
  const { lines, log } = capture()
  log.info({ 'a\u202eb': ['x\u001b[31m', { y: '\u2066z\n' }] }, 'red\u001b[31m\u200f')
  expect(JSON.stringify(lines[0])).not.toMatch(/\\u001b|\u202e|\u2066|\u200f|\\n/)
})

test('a database error shows its codes, never its words', () => {
  const { lines, log } = capture()
  const error = Object.assign(new Error('Key (user_id)=(jane@example.com) already exists'), {
    name: 'PrismaClientKnownRequestError',
    code: 'P2002',
    meta: { driverAdapterError: { cause: { originalCode: '23505', originalMessage: 'jane@example.com' } } },
  })
  log.error(error)
  log.error({ err: error, nested: { cause: error } }, 'flush failed')
  expect(lines[0]?.err).toMatchObject({ name: 'PrismaClientKnownRequestError', code: 'P2002', sqlstate: '23505' })
  expect(lines[0]?.err?.['at']).not.toEqual([])
  expect(JSON.stringify(lines)).not.toContain('jane')
})

test('a line of the words is not taken for a frame of the stack', () => {
  const { lines, log } = capture()
  log.error({ err: new SyntaxError('cannot read\n    at jane@example.com (row:1:1)') })
  expect(JSON.stringify(lines[0])).not.toContain('jane')
  expect(lines[0]?.err?.['at']).toEqual(expect.arrayContaining([expect.stringContaining('log.test.ts')]))
})

test('JSON.parse quotes its input, so its words stay unsaid', () => {
  const { lines, log } = capture()
  try {
    JSON.parse('jane@example.com')
  } catch (error) {
    log.error(error)
  }
  expect(lines[0]?.err?.['name']).toBe('SyntaxError')
  expect(JSON.stringify(lines)).not.toContain('jane')
})

test('our own errors, and the causes of errors, are told', () => {
  const { lines, log } = capture()
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  })
  log.error(new OperatorError('cannot reach Kafka', 'start it', 3, { cause }))
  expect(lines[0]?.err).toMatchObject({
    message: 'cannot reach Kafka',
    remedy: 'start it',
    cause: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' },
  })
})

test('bytes are counted, not shown', () => {
  const { lines, log } = capture()
  log.info({ value: Buffer.from('secret') })
  expect(lines[0]?.['value']).toBe('[6 bytes]')
})
