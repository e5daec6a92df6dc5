import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { invariantOf, verdictsOf } from '../../fault/invariants.ts'
import type { Result } from '../../fault/lane.ts'
import { matrix } from '../../fault/matrix.ts'
import { reportText } from '../../fault/report.ts'
import { type AllSaid, matrixText, remember } from '../../fault/report-matrix.ts'
import { outcomeOf } from '../../fault/play-tests.ts'
import { names, select } from '../../fault/selection.ts'

const known = ['fatal', ...names]
const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

test('every fault of the matrix is shown by a scenario that is, or by a test file that is', () => {
  expect(matrix.map(({ number }) => number)).toEqual(Array.from({ length: 42 }, (_, index) => index + 1))
  expect(matrix.filter(({ scenarios, shown }) => scenarios.length + shown.length === 0)).toEqual([])
  expect(matrix.flatMap((each) => each.scenarios).filter((name) => !known.includes(name))).toEqual([])
  expect(matrix.flatMap((each) => each.shown).filter((each) => !existsSync(file(each.file)))).toEqual([])
})

test('every scenario has a name of its own, and a row', () => {
  expect(known.filter((name, at) => known.indexOf(name) !== at)).toEqual([])
  const shown = matrix.flatMap((each) => [...each.scenarios, ...each.shown.map(({ name }) => name)])
  expect(known.filter((name) => !shown.includes(name))).toEqual([])
})

test('what is selected is there, or is told: nobody plays nothing and calls it ok', () => {
  const wanted = (only: string) => [...select(only).wanted]
  expect(wanted('26')).toEqual(['contract-isolation', 'integration-refused-rows'])
  expect(wanted('contract-isolation,storm*,6')).toEqual(['contract-isolation', 'storm', 'storm-kill', 'idle-in-transaction', 'zombie-in-transaction']) // prettier-ignore
  expect(wanted('fatal')).toContain('table-missing')
  expect(wanted('24')).not.toContain('fatal') // which is what the others leave
  expect(matrix.filter(({ number }) => wanted(String(number)).length === 0)).toEqual([])
  for (const none of ['nope-*', 'nope', '43', '0', '']) expect(select(none)).toEqual({ wanted: new Set(), unmatched: [none] }) // prettier-ignore
  expect(select('storm,nope-*').unmatched).toEqual(['nope-*'])
})

describe('a file of tests has shown something only when it ran, and all of it passed', () => {
  const file = 'test/contract/isolation.test.ts'
  const report = (status: string, ...statuses: string[]) => ({
    testResults: [{ name: `/there/${file}`, status, assertionResults: statuses.map((each) => ({ status: each })) }],
  })
  const wrong = (...given: Parameters<typeof outcomeOf> extends [string, ...infer Rest] ? Rest : never) =>
    outcomeOf(file, ...given).lines.filter(({ ok }) => !ok).length

  test.for([
    { what: 'passed', given: report('passed', 'passed', 'passed'), code: 0, found: 0 },
    { what: 'some skipped', given: report('passed', 'passed', 'skipped'), code: 0, found: 0 },
    { what: 'all skipped', given: report('passed', 'skipped'), code: 0, found: 1 },
    { what: 'one failed', given: report('failed', 'passed', 'failed'), code: 1, found: 3 },
    { what: 'a hook failed', given: report('failed', 'passed'), code: 1, found: 2 },
    { what: 'an error outside', given: report('passed', 'passed'), code: 1, found: 1 },
    { what: 'another file', given: { testResults: [] }, code: 0, found: 2 },
    { what: 'no report', given: null, code: -1, found: 3 },
  ])('$what', ({ given, code, found }) => {
    expect(wrong(given, code)).toBe(found)
  })

  test('how many passed, and how many did not run', () => {
    const { passed, skipped } = outcomeOf(file, report('passed', 'passed', 'passed', 'skipped'), 0)
    expect([passed, skipped]).toEqual([2, 1])
  })
})

const line = (what: string, ok = true) => ({ what, expected: '', found: '', ok })

test('a line of a proof is about one invariant, and one that fails makes its invariant fail', () => {
  expect(invariantOf(line('I6 commits in Kafka that went back (9 looks)'))).toBe('I6')
  expect(invariantOf(line('I12 exit codes other than 0 after SIGTERM under load'))).toBe('I12')
  // It says nothing of what is read again.
  expect(invariantOf(line('exit code of the member that came after'))).toBeNull()
  expect(invariantOf(line('dead letters'))).toBe('I9')
  expect(invariantOf(line('dead letters = records that must fail'))).toBe('I8')
  expect(invariantOf(line('of 240 items (user, sku), those whose stock is not that of the topic'))).toBe('I4')
  expect(invariantOf(line('members killed at joined'))).toBeNull()
  expect(verdictsOf([line('quantity in the ledger', false), line('items with inventory ≠ Σ ledger')])).toEqual({ I4: false }) // prettier-ignore
})

const said = { date: '2026-11-25', seed: 7 }
const rowOf = (text: string, number: number) => text.split('\n').find((each) => each.startsWith(`| ${number} |`))

test('the table tells what held, what did not, what tests assert and what was not played yet', () => {
  const text = matrixText({
    storm: { ...said, ok: true, holds: { I1: true, I5: true } },
    scale: { ...said, ok: false, greenInARow: 0, holds: { I1: true, I5: false } },
    'answer-lost': { ...said, ok: true, greenInARow: 2, holds: { I1: true, I2: true } },
    'commit-lost': { ...said, ok: true, greenInARow: 3, holds: { I1: true } },
    'fail-over': { ...said, ok: true, holds: { I1: true } },
    'integration-same-event': { ...said, ok: true, greenInARow: 4, holds: {} },
    'security-kafka-sessions': { ...said, ok: false, greenInARow: 0, holds: {} },
  })
  const row = (number: number) => rowOf(text, number)
  expect(row(3)).toMatch(
    / \| ✓ \| \(✓\) \| – \| .*`answer-lost`, `commit-lost` \| 2026-11-25, seed 7 \| ok, 2 in a row \|$/,
  )
  expect(row(9)).toMatch(/ \| ✓ \| – \| – \| – \| ✗ \| .*\*\*NOT OK\*\*: scale \|$/)
  expect(row(20)).toMatch(/ \| ok \|$/)
  expect(row(34)).toMatch(/ \| t \| – \| – \| t \| – \| .*same-event\.test\.ts\) \| 2026-11-25, seed 7 \| ok, 4 in a row \|$/) // prettier-ignore
  expect(row(39)).toMatch(/ \| ✗ \| – .*\*\*NOT OK\*\*: security-kafka-sessions \|$/)
  expect(row(26)).toMatch(/ \| – \| – .*isolation\.test\.ts\) \(not yet\), .* \| {2}\| not yet \|$/)
  expect(row(5)).toMatch(/ not yet \|$/)
})

test('a fault of which something named was not played is shown in part, and not counted as shown', () => {
  const one = { storm: { ...said, ok: true, greenInARow: 9, holds: { I1: true } } }
  const both = { ...one, 'storm-kill': { ...said, ok: true, greenInARow: 1, holds: { I1: true } } }
  expect(rowOf(matrixText(one), 8)).toMatch(/ \| \(✓\) \| .*`storm`, `storm-kill` \(not yet\) \| .* \| part: 1 of 2 played \|$/) // prettier-ignore
  expect(rowOf(matrixText(both), 8)).toMatch(/ \| ✓ \| .* \| ok, 1 in a row \|$/)
  const shown = (all: AllSaid) => Number(/faults (\d+) are shown/.exec(matrixText(all))?.[1])
  expect(shown(both) - shown(one)).toBe(1)
  expect(shown(one)).toBe(shown({}))
})

describe('what is remembered of a run', () => {
  const lines = [line('ledger rows = distinct valid events')]
  const result = { name: 'storm', what: '', lines }
  const run = { date: '2026-11-27', seed: 8 }
  let report: string
  beforeEach(async () => {
    report = join(await mkdtemp(join(tmpdir(), 'sluice-report-')), 'reliability.md')
  })
  afterEach(() => rm(dirname(report), { recursive: true }))

  test('how often in a row it was ok; what fails, breaks or looks at nothing begins anew; NOT RUN changes nothing', async () => {
    const green = async (...results: Result[]) => (await remember(report, results, run))['storm']?.greenInARow
    expect(await green(result)).toBe(1)
    expect(await green(result)).toBe(2)
    expect(await green({ ...result, lines: [], skipped: 'no tmpfs' })).toBe(2)
    expect(await green({ ...result, lines: [line('dead letters', false)] })).toBe(0)
    expect(await green(result)).toBe(1)
    expect(await green({ ...result, broken: 'timed out' })).toBe(0)
    expect(await green(result)).toBe(1)
    expect(await green({ ...result, lines: [] })).toBe(0)
  })

  test('only what a line of the proof was about', async () => {
    const all = await remember(report, [result], run)
    expect(all['storm']).toEqual({ ...run, ok: true, greenInARow: 1, holds: { I1: true } })
    expect(await remember(report, [], run)).toEqual(all)
  })

  test('and the report has a row for it, of Kafka too, until nothing is remembered', async () => {
    const facts = { ...run, rate: 300, minutes: 3, versions: 'sluice 0' }
    const told = { story: { number: 31 }, records: 1_200, seconds: 30 }
    const figures = { downMs: 1, againMs: 2, backlog: 3, catchUpRate: null, rssMib: { before: 1, down: 1, max: 1, after: 1 }, codes: [], evidence: [], answers: [] } // prettier-ignore
    const ofKafka: Result[] = [
      { name: 'topic-gone', what: 'the topic is gone', lines, told },
      { name: 'narrow', what: '50 KB/s', lines, survived: { figures, records: 1, rebalances: 0 } },
    ]
    const broken = { name: 'rolling-kill', what: 'kill', lines: [], broken: 'Error: no broker' }
    const first = reportText('', ofKafka, { said: await remember(report, ofKafka, run), facts })
    const text = reportText(first, [broken], { said: await remember(report, [broken], run), facts })
    const ends = (name: string, end: string): unknown => expect.stringMatching(new RegExp(`^\\| \`${name}\` .*\\| ${end} \\| 2026-11-27 .*--only ${name} `)) // prettier-ignore
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        ends('topic-gone', 'ok, 1 in a row'),
        ends('narrow', 'ok, 1 in a row'),
        ends('rolling-kill', '\\*\\*NOT OK\\*\\*'),
      ]),
    )
    expect(text).toContain('found by the topic id; stops, never skips')
    expect(reportText(text, [], { said: {}, facts })).not.toContain('--only')
  })
})
