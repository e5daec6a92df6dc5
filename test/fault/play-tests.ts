// Runs one file of tests as `npx vitest run` does, and says what came of it.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { ProofLine } from '../../src/demo/proof.ts'
import { atLeast, exactly } from './play.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MOST_MS = 15 * 60_000
/** Of its output, when it failed. */
const LAST_LINES = 60

/** What the json reporter of vitest says, as far as we read it. */
export type TestReport = {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    /** Of what failed outside of a test. */
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName?: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}
export type TestOutcome = { readonly lines: ProofLine[]; readonly passed: number; readonly skipped: number }

/** On this Kafka; a PostgreSQL it finds by itself. */
export const playTests = async (file: string, brokers: readonly string[], say: (line: string) => void) => {
  const folder = await mkdtemp(join(process.env['TMPDIR'] || tmpdir(), 'sluice-fault-tests-'))
  const outputFile = join(folder, 'report.json')
  // test/<project>/…
  const project = file.split('/')[1] ?? ''
  const flags = ['run', '--project', project, file, '--reporter=json', `--outputFile=${outputFile}`]
  try {
    const { exitCode, all } = await execa('node', [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...flags], {
      ...{ cwd: ROOT, env: { KAFKA_BROKERS: brokers.join(',') }, reject: false, all: true, timeout: MOST_MS },
    })
    const report = JSON.parse(await readFile(outputFile, 'utf8').catch(() => 'null')) as TestReport | null
    const outcome = outcomeOf(file, report, exitCode ?? -1)
    if (outcome.lines.some(({ ok }) => !ok))
      say([all, ...whyNot(report)].join('\n').split('\n').slice(-LAST_LINES).join('\n'))
    return outcome
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const whyNot = (report: TestReport | null): string[] =>
  (report?.testResults ?? []).flatMap(({ message = '', assertionResults }) => [
    message,
    ...assertionResults
      .filter(({ status }) => status === 'failed')
      .flatMap(({ fullName = '', failureMessages = [] }) => [fullName, ...failureMessages]),
  ])

/** A file that is not in the report, or in which nothing passed, has shown nothing. */
export const outcomeOf = (file: string, report: TestReport | null, exitCode: number): TestOutcome => {
  const own = report?.testResults.find(({ name }) => name.endsWith(`/${file}`))
  const count = (status: string) => own?.assertionResults.filter((each) => each.status === status).length ?? 0
  const [passed, failed] = [count('passed'), count('failed')]
  return {
    ...{ passed, skipped: (own?.assertionResults.length ?? 0) - passed - failed },
    lines: [
      exactly('exit code of vitest', 0, exitCode),
      exactly('test files that passed', 1, own?.status === 'passed' ? 1 : 0),
      atLeast('tests that passed', 1, passed),
      exactly('tests that failed', 0, failed),
    ],
  }
}
