// `npm run bench -- NAME …`: measurements on real services, found as `sluice demo` finds them.
import { benchDlq } from './dlq.ts'
import { benchIsolation } from './isolation.ts'
import { benchKafkajs } from './kafkajs.ts'
import { benchLatency } from './latency.ts'
import { benchMemory } from './memory.ts'
import { benchNetwork } from './network.ts'
import { benchPeer } from './peer.ts'
import { benchPublish } from './publish.ts'
import { benchAdaptive } from './adaptive.ts'
import { benchCeiling } from './ceiling.ts'
import { benchScale } from './scale.ts'
import { benchSequential } from './sequential.ts'
import { benchStartup } from './startup.ts'
import { benchThroughput } from './throughput.ts'

const BENCHES: Record<string, (args: readonly string[]) => Promise<void>> = {
  throughput: benchThroughput,
  ceiling: benchCeiling,
  sequential: benchSequential,
  peer: benchPeer,
  latency: benchLatency,
  adaptive: benchAdaptive,
  network: benchNetwork,
  memory: benchMemory,
  scale: benchScale,
  startup: benchStartup,
  dlq: benchDlq,
  publish: benchPublish,
  isolation: benchIsolation,
  kafkajs: benchKafkajs,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench) await bench(args)
else {
  console.error(`npm run bench -- ${Object.keys(BENCHES).join(' | ')}`)
  process.exitCode = 2
}
