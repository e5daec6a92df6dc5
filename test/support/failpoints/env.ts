// The environment of a process with failpoints, or with a clock that jumps, or is fast.
import type { FailpointName } from '../../../src/lib/failpoint.ts'
import type { Action } from './parse.ts'

const preload = (file: string) => `--import ${new URL(file, import.meta.url).href}`

type Point = `${FailpointName}:${Exclude<Action, 'block'>}${'' | `@${number}`}` | `${FailpointName}:block:${number}${'' | `@${number}`}` // prettier-ignore

export const withFailpoints = (...points: Point[]): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: preload('register.js'),
  FAILPOINTS: points.join(','),
})

/** At SIGUSR2 the wall clock of the process jumps by so much; the monotonic clock goes on. */
export const withClockJump = (ms: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: preload('../clock-jump.js'),
  CLOCK_JUMP_MS: String(ms),
})

/** Its own clock runs so many times as fast: what it waits for by itself, not what the services do. */
export const withFastClock = (times: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: preload('../fast-clock.js'),
  FAST_CLOCK: String(times),
})

/** The process tells what it holds (timers, sockets) in its log, every second. */
export const withResources = (): NodeJS.ProcessEnv => ({ NODE_OPTIONS: preload('../resources.js') })
