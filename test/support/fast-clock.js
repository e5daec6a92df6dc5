// node --import …/fast-clock.js: our own time (lib/clock.ts) runs FAST_CLOCK times as fast. kafkajs, pg and the services have theirs.
import { syncBuiltinESMExports } from 'node:module'
import { performance } from 'node:perf_hooks'
import timers from 'node:timers/promises'

const times = Number(process.env['FAST_CLOCK'])
const { setTimeout } = timers
const now = performance.now.bind(performance)

timers.setTimeout = (ms, ...rest) => setTimeout(ms / times, ...rest)
performance.now = () => now() * times
syncBuiltinESMExports()
