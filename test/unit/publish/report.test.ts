import { expect, test } from 'vitest'
import { createFaultList } from '../../../src/publish/fault-list.ts'
import type { Ending, Outcome } from '../../../src/publish/publish.ts'
import { reportJson, reportText } from '../../../src/publish/report.ts'

const outcome = (change: Partial<Outcome> = {}): Outcome => ({
  published: 20_000,
  faults: 0,
  line: 50,
  ms: 2_000,
  ending: { kind: 'complete' },
  ...change,
})
const options = { topic: 't', unit: 'line', dryRun: false }
const broken: Ending = { kind: 'file-fault', message: 'cut off', line: 50 }

test('rows and events are counted in words, and a rate is told from one second on', () => {
  expect(reportText(outcome(), options)).toBe('published  20,000 events to t (2.0 s, 10,000 events/s)\nfaults     0')
  expect(reportText(outcome({ published: 1, faults: 1, ms: 300 }), options)).toBe(
    'published  1 event to t (0.3 s)\nfaults     1 row became no event',
  )
  expect(reportText(outcome({ faults: 1_200 }), options)).toContain('1,200 rows became no event')
})

test('a dry run speaks of what would be', () => {
  const dry = { ...options, dryRun: true }
  expect(reportText(outcome({ ending: broken }), dry)).toContain('cut off; nothing after it would be published')
  expect(reportText(outcome({ ending: broken }), options)).toContain('cut off; nothing after it was published')
  expect(reportText(outcome({ ending: { kind: 'stopped' } }), dry)).toMatch(/stopped after line 50$/)
  expect(JSON.parse(reportJson(outcome(), dry))).toMatchObject({ topic: null, dryRun: true, published: 20_000 })
})

test('what was stopped before its first row is not said to have ended at row 0', () => {
  const none = outcome({ line: 0, ending: { kind: 'stopped' } })
  expect(reportText(none, options)).toContain('stopped before the first line; publishing the file again is harmless')
  expect(reportText(none, { ...options, unit: 'record' })).toContain('publishing the same seed again is harmless')
})

test('faults beyond the first 20 are counted, with separators', () => {
  const told: string[] = []
  const faults = createFaultList({ unit: 'line', file: null, tell: (text) => told.push(text) })
  for (let line = 1; line <= 1_520; line++) faults.add({ line, fault: 'X' })
  faults.close()
  expect(told).toHaveLength(21)
  expect(told.at(-1)).toBe('… and 1,500 more (--faults FILE lists all)')
})
