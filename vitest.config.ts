import { defineConfig } from 'vitest/config'
import { createClosingLine } from './test/support/closing-line.ts'

const lane = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
})

// Lanes and their budgets: test/README.md. They run in the order of their groups. The real lanes share one stack (Kafka +
// PostgreSQL), started once; most of their time is waiting (for sessions, rebalances, back-offs), so three files at once keep
// two cores busy. What holds a member to seconds, or to its memory, comes last, and two at once.
const real = (groupOrder: number, maxWorkers: number) => ({
  globalSetup: ['test/support/stack.global.ts'],
  sequence: { groupOrder },
  maxWorkers,
  testTimeout: 120_000,
  hookTimeout: 120_000,
})

const FAULTS = ['postgres-faults', 'kafka-faults', 'group-faults', 'outage'].map(
  (name) => `test/integration/${name}.test.ts`,
)

export default defineConfig({
  test: {
    reporters: ['default', createClosingLine()],
    projects: [
      lane('unit', { maxWorkers: 2 }),
      lane('property', { maxWorkers: 2, testTimeout: 60_000 }),
      lane('contract', real(1, 3)),
      lane('integration', { ...real(1, 3), exclude: FAULTS }),
      lane('browser', real(2, 2)),
      lane('faults', { ...real(2, 2), include: FAULTS }),
      // Not part of `npm test`: it starts a broker of its own for each file.
      lane('security', real(3, 1)),
      // Nor is this one: it starts a Prometheus (Debian's package, downloaded once).
      lane('ops', { ...real(4, 1), testTimeout: 240_000 }),
    ],
  },
})
