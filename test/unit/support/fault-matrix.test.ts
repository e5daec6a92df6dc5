import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { invariantOf, verdictsOf } from '../../fault/invariants.ts'
import { matrix } from '../../fault/matrix.ts'
import { matrixText } from '../../fault/report-matrix.ts'
import { fatalScenarios } from '../../fault/scenarios-fatal.ts'
import { kafkaScenarios, kafkaStories } from '../../fault/scenarios-kafka.ts'
import { scenarios } from '../../fault/scenarios.ts'
import { stories } from '../../fault/stories.ts'

const known = ['kill-nine', ...[...scenarios, ...fatalScenarios, ...kafkaScenarios, ...kafkaStories, ...stories].map(({ name }) => name)] // prettier-ignore
const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

test('every fault of the matrix is shown by a scenario that is, or by a test file that is', () => {
  expect(matrix.map(({ number }) => number)).toEqual(Array.from({ length: 42 }, (_, index) => index + 1))
  expect(matrix.filter(({ scenarios, shown }) => scenarios.length + shown.length === 0)).toEqual([])
  expect(matrix.flatMap((each) => each.scenarios).filter((name) => !known.includes(name))).toEqual([])
  expect(matrix.flatMap((each) => each.shown).filter((each) => !existsSync(file(each.file)))).toEqual([])
})

test('every scenario has a name of its own, and a row', () => {
  expect(known.filter((name, at) => known.indexOf(name) !== at)).toEqual([])
  const shown = matrix.flatMap((each) => each.scenarios)
  expect(known.filter((name) => !shown.includes(name))).toEqual([])
})

const line = (what: string, ok = true) => ({ what, expected: '', found: '', ok })

test('a line of a proof is about one invariant, and one that fails makes its invariant fail', () => {
  expect(invariantOf(line('I6 commits in Kafka that went back (9 looks)'))).toBe('I6')
  expect(invariantOf(line('I12 exit codes other than 0 after SIGTERM, in the storm'))).toBe('I12')
  expect(invariantOf(line('dead letters'))).toBe('I9')
  expect(invariantOf(line('dead letters = records that must fail'))).toBe('I8')
  expect(invariantOf(line('of 240 items (user, sku), those whose stock is not that of the topic'))).toBe('I4')
  expect(invariantOf(line('members killed at joined'))).toBeNull()
  expect(verdictsOf([line('quantity in the ledger', false), line('items with inventory ≠ Σ ledger')])).toEqual({ I4: false }) // prettier-ignore
})

test('the table tells what held, what did not, what tests assert and what was not played yet', () => {
  const said = { date: '2026-11-25', seed: 7 }
  const text = matrixText({
    storm: { ...said, ok: true, holds: { I1: true, I5: true } },
    scale: { ...said, ok: false, holds: { I1: true, I5: false } },
  })
  const row = (number: number) => text.split('\n').find((each) => each.startsWith(`| ${number} |`))
  expect(row(8)).toMatch(
    / \| ✓ \| – \| – \| – \| ✓ \| .*`storm`, `storm-kill` \(not yet\) \| 2026-11-25, seed 7 \| ok \|$/,
  )
  expect(row(9)).toMatch(/ \| ✓ \| – \| – \| – \| ✗ \| .*\*\*NOT OK\*\*: scale \|$/)
  expect(row(34)).toMatch(/ \| t \| – \| – \| t \| – \| .*same-event\.test\.ts.* \| `npm test` \| ok \|$/)
  expect(row(5)).toMatch(/ not yet \|$/)
})
