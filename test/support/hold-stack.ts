// A process of its own that starts the embedded stack and holds it: what the tests of local-stack kill.
import { findStack } from '../../src/local-stack/local-stack.ts'

const stack = await findStack({
  env: process.env,
  log: (line) => console.error(line),
  signal: new AbortController().signal,
})
console.log(JSON.stringify({ kafka: stack.kafka, postgres: stack.postgres }))
process.stdin.once('end', () => void stack.stop())
process.stdin.resume()
