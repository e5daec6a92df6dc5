// A PostgreSQL that is so many times slower for one client: its backends are stopped for most of the time (SIGSTOP).
import { setTimeout as sleep } from 'node:timers/promises'
import type { Base } from '../support/ground.ts'

const PERIOD_MS = 20

export async function slowDown({ query }: Base, client: string, times: number, work: () => Promise<unknown>) {
  let done = false
  let backends: number[] = []
  const send = (signal: NodeJS.Signals) => {
    for (const pid of backends)
      try {
        process.kill(pid, signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // that session has ended
      }
  }
  const find = async () => {
    const rows = await query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [client])
    backends = rows.map(({ pid }) => pid)
  }
  const braking = (async () => {
    for (let period = 0; !done; period++) {
      if (period % 25 === 0) await find()
      send('SIGSTOP')
      await sleep(PERIOD_MS * (1 - 1 / times))
      send('SIGCONT')
      await sleep(PERIOD_MS / times)
    }
  })()
  try {
    await work()
  } finally {
    done = true
    await braking
    send('SIGCONT')
  }
}
