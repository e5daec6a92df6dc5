// node --import …/clock-jump.js: at SIGUSR2 the wall clock (Date) jumps by CLOCK_JUMP_MS. What libfaketime would do to
// CLOCK_REALTIME, without it: performance.now() and timers go by the monotonic clock and do not see it.
import { writeSync } from 'node:fs'

const RealDate = globalThis.Date
let shift = 0

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + shift] : args))
  }
  static now() {
    return RealDate.now() + shift
  }
}

process.on('SIGUSR2', () => {
  shift += Number(process.env['CLOCK_JUMP_MS'])
  writeSync(1, `${JSON.stringify({ level: 'info', msg: 'clock jumped', shift })}\n`)
})
