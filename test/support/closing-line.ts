// The last line of a run: `N passed, N failed`, and `, N skipped` when there are any. Registered in vitest.config.ts.
import { writeSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

type Tally = { passed: number; failed: number; skipped: number }

/** What fails outside of a test (an import, a hook of a file, an unhandled rejection, a global set-up) counts as one failed. */
const tally = (modules: readonly TestModule[], faultsOutside: number): Tally => {
  const count: Tally = { passed: 0, failed: faultsOutside, skipped: 0 }
  for (const module of modules) {
    let failed = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') count.passed += 1
      else if (state === 'failed') failed += 1
      else count.skipped += 1
    }
    count.failed += failed === 0 && module.state() === 'failed' ? 1 : failed
  }
  return count
}

const closingLine = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

export const createClosingLine = (): Reporter => {
  // Until a run has ended nothing has passed.
  let count: Tally = { passed: 0, failed: 1, skipped: 0 }
  return {
    // Other reporters and the global tear-down still write after the end of the run; this comes last.
    onInit: () => void process.once('exit', () => writeSync(1, `${closingLine(count)}\n`)),
    onTestRunEnd: (modules, errors) => void (count = tally(modules, errors.length)),
  }
}
