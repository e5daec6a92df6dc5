// node --import …/resources.js: what the process holds, by kind, as a line of its log every second.
import { writeSync } from 'node:fs'
import { setInterval } from 'node:timers'

setInterval(() => {
  const counts = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  writeSync(1, `${JSON.stringify({ level: 'debug', msg: 'resources', counts })}\n`)
}, 1_000).unref()
