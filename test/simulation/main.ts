// npm run simulate -- [--seeds 2000] [--from 1] [--seed N]: see test/README.md.
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
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
const count = Number(values.seeds)
const failed: number[] = []
let steps = 0
const faults = new Map<string, number>()
const began = performance.now()
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed)
  steps += outcome.steps
  for (const fault of outcome.faults) faults.set(fault, (faults.get(fault) ?? 0) + 1)
  if (!outcome.failure) continue
  failed.push(seed)
  process.stdout.write(`seed ${seed}: ${outcome.failure.message}\n  npm run simulate -- --seed ${seed}\n`)
  if (failed.length >= 40) break
}
const seconds = (performance.now() - began) / 1000
process.stdout.write(`${count} seeds, ${failed.length} failed, ${steps} steps in ${seconds.toFixed(1)} s\n`)
process.stdout.write(
  `${[...faults]
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${name} ${n}`)
    .join(' · ')}\n`,
)
process.exit(failed.length > 0 ? 1 : 0)
