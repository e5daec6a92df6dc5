import { expect, test } from 'vitest'

type Verdict = { word: string; level: string; why: string }
type Verdicts = {
  deadLetterVerdict: (deadLetters: object | null) => Verdict
  databaseVerdict: (state: { database: { ok: boolean; unansweredMs: number } }) => Verdict
}
/** A file for the browser, whose types are held elsewhere. */
const path = '../../../src/http/dashboard/verdict.js'
const { deadLetterVerdict, databaseVerdict } = (await import(path)) as Verdicts

test('dead letters that nobody could count are neither none nor a fault of the page', () => {
  expect(deadLetterVerdict(null)).toMatchObject({ word: '–', level: 'warn' })
  expect(deadLetterVerdict({ unresolved: 0, lastHour: 0, hourBefore: 0 })).toMatchObject({ word: '0', level: 'good' })
})

test.each([
  [
    { ok: true, unansweredMs: 400 },
    { word: 'answers', level: 'good', why: 'last answer 400 ms ago' },
  ],
  [
    { ok: true, unansweredMs: 9_000 },
    { word: 'answers', level: 'warn' },
  ],
  [
    { ok: false, unansweredMs: 34_000 },
    { word: 'silent', level: 'bad', why: 'last answer 34 s ago' },
  ],
])('PostgreSQL %j', (database, verdict) => expect(databaseVerdict({ database })).toMatchObject(verdict))
