// `npm run bench -- NAME …`: measurements on real services, found as `sluice demo` finds them.
import { benchIsolation } from './isolation.ts'
import { benchKafkajs } from './kafkajs.ts'
import { benchMapping } from './mapping.ts'
import { benchPublish } from './publish.ts'

const BENCHES: Record<string, (args: readonly string[]) => Promise<void>> = {
  publish: benchPublish,
  isolation: benchIsolation,
  kafkajs: benchKafkajs,
  mapping: benchMapping,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench) await bench(args)
else {
  console.error(`npm run bench -- ${Object.keys(BENCHES).join(' | ')}`)
  process.exitCode = 2
}
