// One `sluice consume` as it is installed: compiled, with the flags of bin/sluice.js, at its usual log level.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { sluicePath } from '../../test/support/built.ts'
import { watchMemory } from '../../test/support/memory.ts'
import type { Ground } from './ground.ts'

/** As the first line of bin/sluice.js. */
const FLAGS = ['--max-semi-space-size=64', '--trace-gc']
/** `Scavenge 5.1 (6.2) -> 4.0 (7.2) MB, 0.50 / 0.00 ms …`: the pause is the first of the two. */
const GC = /-> [\d.]+ \([\d.]+\) MB, (?:pooled: [\d.]+ MB, )?([\d.]+) \/ /

export type Work = {
  readonly topic: string
  readonly group: string
  readonly url: string
  readonly env?: NodeJS.ProcessEnv
  /** A folder for the profile of its CPU. */
  readonly profile?: string
}
export type BenchMember = ReturnType<typeof startMember>

export const environmentOf = (ground: Pick<Ground, 'brokers'>, { topic, group, url, env }: Work) => ({
  ...process.env,
  ...{ KAFKA_BROKERS: ground.brokers.join(','), KAFKA_TOPIC: topic, KAFKA_GROUP_ID: group, DATABASE_URL: url },
  ...env,
})

export const startMember = (ground: Pick<Ground, 'brokers'>, work: Work, name = 'member-1') => {
  const profiling = work.profile ? ['--cpu-prof', `--cpu-prof-dir=${work.profile}`] : []
  const startedAt = performance.timeOrigin + performance.now()
  const child = spawn(process.execPath, [...FLAGS, ...profiling, sluicePath(), 'consume'], {
    env: { ...environmentOf(ground, work), KAFKA_CLIENT_ID: name },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // it ends with us
  })
  const tail: string[] = []
  let gcMs = 0
  const told: Record<string, unknown>[] = []
  const read = (line: string) => {
    if (line.includes('"msg":"flushed"')) told.push(JSON.parse(line) as Record<string, unknown>)
    const pause = line.startsWith('{') ? undefined : GC.exec(line)?.[1]
    if (pause === undefined) tail.splice(0, Math.max(0, tail.push(line) - 20))
    else gcMs += Number(pause)
  }
  createInterface({ input: child.stdout! }).on('line', read)
  createInterface({ input: child.stderr! }).on('line', read)
  const memory = watchMemory(child.pid!)
  let ending: string | null = null
  const ended = new Promise<void>((resolve) =>
    child.once('close', (code, signal) => {
      ending = `exit code ${code ?? signal}`
      memory.stop()
      resolve()
    }),
  )
  return {
    pid: child.pid!,
    startedAt,
    ended,
    gcMs: () => gcMs,
    /** What it logged of its flushes: with LOG_LEVEL=debug only. */
    flushes: () => told,
    memory,
    /** Throws when it has ended. */
    check() {
      if (ending !== null) throw new Error(`${name} ended (${ending}):\n${tail.join('\n')}`)
    },
    async stop(signal: NodeJS.Signals = 'SIGTERM') {
      child.kill(signal)
      await ended
      if (signal === 'SIGTERM' && ending !== 'exit code 0') throw new Error(`${name} ended by ${ending}:\n${tail.join('\n')}`) // prettier-ignore
    },
  }
}
