import { expect, test } from 'vitest'

type Verdicts = { deadLetterVerdict: (deadLetters: object | null) => { word: string; level: string } }
/** A file for the browser, whose types are held elsewhere. */
const path = '../../../src/http/dashboard/verdict.js'
const { deadLetterVerdict } = (await import(path)) as Verdicts

test('dead letters that nobody could count are neither none nor a fault of the page', () => {
  expect(deadLetterVerdict(null)).toMatchObject({ word: '–', level: 'warn' })
  expect(deadLetterVerdict({ unresolved: 0, lastHour: 0, hourBefore: 0 })).toMatchObject({ word: '0', level: 'good' })
})
