// npm run simulate -- [--seeds 2000] [--from 1] [--stop-at 20] | [--seed N]: see test/README.md.
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    'stop-at': { type: 'string', default: '20' },
    seed: { type: 'string' },
  },
})

if (values.seed !== undefined) {
  const { trace, failure, steps, simulatedMs } = await simulate(Number(values.seed), { keepTrace: true })
  process.stdout.write(`${trace.join('\n')}\n`)
  process.stdout.write(`seed ${values.seed}: ${steps} steps, ${Math.round(simulatedMs / 1000)} s of simulated time\n`)
  if (failure) process.stdout.write(`${failure.stack ?? failure.message}\n`)
  process.exit(failure ? 1 : 0)
}

const first = Number(values.from)
const stopAt = Number(values['stop-at'])
let seeds = 0
let failed = 0
let steps = 0
const faults = new Map<string, number>()
const began = performance.now()
for (; seeds < Number(values.seeds) && failed < stopAt; seeds += 1) {
  const outcome = await simulate(first + seeds)
  steps += outcome.steps
  for (const fault of new Set([...outcome.faults, ...outcome.told])) faults.set(fault, (faults.get(fault) ?? 0) + 1)
  if (!outcome.failure) continue
  failed += 1
  process.stdout.write(
    `seed ${outcome.seed}: ${outcome.failure.message}\n  npm run simulate -- --seed ${outcome.seed}\n`,
  )
}
const seconds = (performance.now() - began) / 1000
const often = [...faults].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`)
process.stdout.write(`${often.join(' · ')}\n`)
process.stdout.write(`${seeds} seeds, ${failed} failed, ${steps} steps in ${seconds.toFixed(1)} s\n`)
process.exit(failed > 0 ? 1 : 0)
