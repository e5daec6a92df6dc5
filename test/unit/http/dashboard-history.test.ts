import { expect, test } from 'vitest'

type Lines = Record<string, (point: object) => number | null>
type History = { lagLines: (points: object[], at: 1 | 2) => { lines: Lines; note: string } }
/** A file for the browser, whose types are held elsewhere. */
const path = '../../../src/http/dashboard/history.js'
const { lagLines } = (await import(path)) as History

/** The higher its number, the longer its lag. */
const pointOf = (partitions: number) => ({ lag: Array.from({ length: partitions }, (_, at) => [at, at, 1]) })

test('up to eight partitions have a line each; of more the worst have, and it is said of how many', () => {
  const names = (partitions: number) => {
    const { lines, note } = lagLines([pointOf(partitions)], 1)
    return { names: Object.keys(lines), note }
  }
  expect(names(8)).toEqual({ names: Array.from({ length: 8 }, (_, at) => `partition ${at}`), note: '' })
  expect(names(12)).toEqual({
    names: Array.from({ length: 8 }, (_, at) => `partition ${at + 4}`),
    note: expect.stringContaining('the 8 of 12 partitions that were worst') as string,
  })
})
