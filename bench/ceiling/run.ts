import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cpuOf, cpuOfFamily } from '../support/cpu.ts'
import type { Ground } from '../support/ground.ts'
import { flushesOf } from '../support/ledger.ts'
import type { Task } from './subject.ts'

const SUBJECT = fileURLToPath(new URL('subject.ts', import.meta.url))
const FLAGS = ['--max-semi-space-size=64', '--max-old-space-size=8192', '--expose-gc', '--import', 'tsx']

export type Written = { readonly rate: number; readonly node: number; readonly postgres: number }
export type Plan = Omit<Task, 'url' | 'topic' | 'process'>

/** Writes all batches, in `plan.processes` processes at once. */
export async function write(ground: Ground, plan: Plan): Promise<Written> {
  const base = await ground.database()
  const topic = 'bench-ceiling'
  try {
    const children = Array.from({ length: plan.processes }, () => fork(SUBJECT, { execArgv: FLAGS }))
    const said = (word: string) =>
      Promise.all(
        children.map(async (child) => {
          const ended = once(child, 'exit').then(() => Promise.reject(new Error('a subject ended before its time')))
          const [message] = (await Promise.race([once(child, 'message'), ended])) as [string]
          if (message !== word) throw new Error(`${message}, not ${word}`)
        }),
      )
    const spent = async () => {
      const [postgres, ...each] = await Promise.all([
        cpuOfFamily(await ground.postmaster()),
        ...children.map(({ pid }) => cpuOf(pid ?? null)),
      ])
      return { postgres, node: each.reduce((sum, one) => sum + one, 0) }
    }
    const ready = said('ready')
    children.forEach((child, process) => child.send({ ...plan, process, url: base.url, topic } satisfies Task))
    await ready
    const before = await spent()
    const done = said('done')
    for (const child of children) child.send('go')
    await done
    const after = await spent()
    for (const child of children) child.send('end')

    const flushes = await flushesOf(base, topic)
    const rows = flushes.reduce((sum, flush) => sum + flush.rows, 0)
    if (rows !== plan.records) throw new Error(`${rows} rows, not ${plan.records}`)
    const began = Math.min(...flushes.map((flush) => flush.began))
    const ended = Math.max(...flushes.map((flush) => flush.committed))
    const micros = (who: 'node' | 'postgres') => ((after[who] - before[who]) * 1e6) / rows
    return { rate: (rows * 1000) / (ended - began), node: micros('node'), postgres: micros('postgres') }
  } finally {
    await base.drop()
  }
}
