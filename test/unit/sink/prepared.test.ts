import { expect, test } from 'vitest'
import { createStatementNames } from '../../../src/sink/prepared.ts'

const query = (sql: string, args: unknown[] = [1]) => ({ sql, args })

test('a statement has a name from the second time on, and always the same one', () => {
  const nameOf = createStatementNames()
  expect(nameOf(query('SELECT $1'))).toBeUndefined()
  const name = nameOf(query('SELECT $1'))
  expect(name).toEqual(expect.any(String))
  expect(nameOf(query('SELECT $1', [2]))).toBe(name)
  nameOf(query('SELECT $1 + 1'))
  expect(nameOf(query('SELECT $1 + 1'))).not.toBe(name)
})

test('what has no parameter, or one for each of many values, has none', () => {
  const nameOf = createStatementNames()
  for (const each of [query('BEGIN', []), query(`SELECT ${'$1, '.repeat(5_000)}`)])
    expect([nameOf(each), nameOf(each), nameOf(each)]).toEqual([undefined, undefined, undefined])
})

test('a connection keeps 200 of them at most, and the first ones stay', () => {
  const nameOf = createStatementNames()
  const names = new Set<string | undefined>()
  for (let i = 0; i < 1_000; i++) for (const _ of [1, 2]) names.add(nameOf(query(`SELECT $1 + ${i}`)))
  names.delete(undefined)
  expect(names.size).toBe(200)
  expect(nameOf(query('SELECT $1 + 0'))).toBe('sluice_0')
})
