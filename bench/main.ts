// `npm run bench -- NAME …`: measurements on real services, found as `sluice demo` finds them. Without a name: all of them.
import { benchAdaptive } from './adaptive.ts'
import { benchCeiling } from './ceiling.ts'
import { benchDlq } from './dlq.ts'
import { benchIsolation } from './isolation.ts'
import { benchKafkajs } from './kafkajs.ts'
import { benchLatency } from './latency.ts'
import { benchMapping } from './mapping.ts'
import { benchMemory } from './memory.ts'
import { benchNetwork } from './network.ts'
import { benchPeer } from './peer.ts'
import { benchPublish } from './publish.ts'
import { benchScale } from './scale.ts'
import { benchSequential } from './sequential.ts'
import { benchStartup } from './startup.ts'
import { benchThroughput } from './throughput.ts'
import { holdGround } from './support/ground.ts'

type Bench = {
  run: (args: readonly string[]) => Promise<void>
  /** Its part of twenty minutes, when all are run. */
  all: string
}

const BENCHES: Record<string, Bench> = {
  throughput: { run: benchThroughput, all: '--records 200000' },
  ceiling: { run: benchCeiling, all: '--records 200000' },
  sequential: { run: benchSequential, all: '--records 200000' },
  peer: { run: benchPeer, all: '' },
  latency: { run: benchLatency, all: '--seconds 4' },
  adaptive: { run: benchAdaptive, all: '--rounds 1 --seconds 4 --slow 6' },
  network: { run: benchNetwork, all: '--records 150000' },
  scale: { run: benchScale, all: '--records 100000 --prefill 500000' },
  startup: { run: benchStartup, all: '' },
  dlq: { run: benchDlq, all: '' },
  publish: { run: benchPublish, all: '' },
  isolation: { run: benchIsolation, all: '3' },
  memory: { run: benchMemory, all: '--seconds 20 --down 10' },
  mapping: { run: benchMapping, all: '' },
  kafkajs: { run: benchKafkajs, all: '' },
}
/** About the client alone: not part of all, as it takes minutes. */
const APART = ['kafkajs']

const USAGE = `npm run bench                  all, in twenty minutes (but ${APART.join(', ')})
npm run bench -- --quick       all at tiny sizes: do they run, are the counts right; no figures are written
npm run bench -- NAME …        one of ${Object.keys(BENCHES).join(' | ')}; its options are in bench/NAME.ts`

async function runAll(quick: boolean): Promise<void> {
  const ground = holdGround()
  try {
    for (const [name, { run, all }] of Object.entries(BENCHES)) {
      if (!quick && APART.includes(name)) continue
      console.log(`\n=== ${name}`)
      const began = performance.now()
      await run(quick ? ['--quick'] : all.split(' ').filter((word) => word !== ''))
      console.log(`=== ${name}: ok, ${Math.round((performance.now() - began) / 1000)} s`)
    }
  } finally {
    await ground.letGo()
  }
}

const [name = '--all', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench) await bench.run(args)
else if (name === '--all' || name === '--quick') await runAll(name === '--quick')
else {
  console.error(USAGE)
  process.exitCode = 2
}
