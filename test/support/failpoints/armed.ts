// What stands in the place of src/lib/failpoint.ts in a member of a test. FAILPOINTS=after_commit:kill@3,fetched:block:500
// kills the process at the third pass of after_commit, and blocks it for half a second at the first of fetched.
import { writeSync } from 'node:fs'
import type { FailpointName } from '../../../src/lib/failpoint.ts'
import { parseFailpoints } from './parse.ts'

const armed = parseFailpoints(process.env['FAILPOINTS'] ?? '')
const passes = new Map<string, number>()

export const failpoint = (name: FailpointName): void => {
  const pass = (passes.get(name) ?? 0) + 1
  passes.set(name, pass)
  for (const point of armed) {
    if (point.name !== name || point.nth !== pass) continue
    // A line of the member's log, written before anything else can happen.
    writeSync(1, `${JSON.stringify({ level: 'info', msg: 'failpoint', name, action: point.action, pass })}\n`)
    act(point)
  }
}

const act = ({ name, action, ms }: (typeof armed)[number]): void => {
  if (action === 'kill') process.kill(process.pid, 'SIGKILL')
  else if (action === 'stop') process.kill(process.pid, 'SIGSTOP')
  else if (action === 'throw') throw new Error(`failpoint ${name}`)
  // The event loop stands still: no timer, no heartbeat, no answer is seen.
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
