// The alert rules: each is told to somebody, fires in its case and in no other, and is silent in a healthy group.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { cases, promtoolTest } from '../../ops/alert-cases.ts'
import { fetchPrometheus } from '../../support/prometheus-binaries.ts'
import { alertsFile, rules } from '../../support/promql.ts'

const binaries = await fetchPrometheus()
if (!binaries)
  console.warn(
    'NOT RUN: alert rules under promtool, there is none, nor could it be downloaded (apt-get install prometheus, or PROMETHEUS_BIN)',
  )

test.each(rules)('$alert: severity, summary, and where its runbook is', ({ alert, labels, annotations }) => {
  expect(alert).toMatch(/^Sluice[A-Z]\w+$/)
  expect(['page', 'warning']).toContain(labels.severity)
  expect(annotations['summary']).toBeTruthy()
  expect(annotations['runbook']).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
})

test('every alert has a case in which it fires', () => {
  const fired = new Set(cases.flatMap(({ alerts }) => alerts))
  expect([...fired].sort()).toEqual(rules.map(({ alert }) => alert).sort())
})

const promtool = async (...tests: object[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-alerts-'))
  try {
    const file = join(folder, 'test.yml')
    await writeFile(file, stringify({ rule_files: [alertsFile], evaluation_interval: '1m', tests }))
    return await execa(binaries!.promtool, ['test', 'rules', file], { reject: false, all: true })
  } finally {
    await rm(folder, { recursive: true })
  }
}

test.skipIf(!binaries)('the rules are valid', async () => {
  const { exitCode, all } = await execa(binaries!.promtool, ['check', 'rules', alertsFile], {
    reject: false,
    all: true,
  })
  expect(exitCode, all).toBe(0)
})

// One run for all: promtool starts slowly, and names the case that fails.
test.skipIf(!binaries)(
  'each fires in its case and in no other; in a healthy group none does, not after two hours either',
  async () => {
    const well = [5, 30, 60, 119].map((atMinute) => ({
      what: `healthy, minute ${atMinute}`,
      alerts: [],
      changes: () => ({}),
      atMinute,
    }))
    const { exitCode, all } = await promtool(
      ...[...well, ...cases].map((each) => ({ name: each.what, ...promtoolTest(each) })),
    )
    expect(exitCode, all).toBe(0)
  },
  60_000,
)

test.skipIf(!binaries)('the check can fail: of a healthy group an alert is expected in vain', async () => {
  expect((await promtool(promtoolTest({ alerts: ['SluiceStuck'], changes: () => ({}) }))).exitCode).not.toBe(0)
})
