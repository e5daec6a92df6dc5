import { defineConfig } from 'vitest/config'
import { createClosingLine } from './test/support/closing-line.ts'

const lane = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
})

// Lanes and their budgets: test/README.md. The real lanes share one stack (Kafka + PostgreSQL), started once, and run
// their files one after another: two cores hold one broker, one database and one system under test.
const real = {
  globalSetup: ['test/support/stack.global.ts'],
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    reporters: ['default', createClosingLine()],
    projects: [
      lane('unit'),
      lane('property', { testTimeout: 60_000 }),
      lane('contract', real),
      lane('integration', real),
      // Not part of `npm test`: it starts a broker of its own for each file.
      lane('security', real),
    ],
  },
})
