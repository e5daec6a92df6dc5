// Which processes are there, from /proc: for tests that say "leaves nothing behind". Linux only.
import { readdir, readFile } from 'node:fs/promises'

export type Process = {
  readonly pid: number
  readonly parent: number
  readonly session: number
  readonly started: string
  readonly command: string
}

const read = async (pid: number): Promise<Process | null> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return null
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim().slice(0, 120)
    return { pid, parent: Number(fields[1]), session: Number(fields[3]), started: fields[19]!, command }
  } catch {
    return null // gone meanwhile
  }
}

const all = async (): Promise<Process[]> => {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  return (await Promise.all(pids.map(read))).filter((each) => each !== null)
}

/** Stopped by SIGSTOP, at this moment. */
export const standsStill = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
}

/** `root` and everything below it, in whatever session. */
export const treeOf = async (root: number): Promise<Process[]> => {
  const processes = await all()
  const tree = processes.filter(({ pid }) => pid === root)
  for (const { pid } of tree) tree.push(...processes.filter(({ parent }) => parent === pid))
  return tree
}

/** Those of `before` that still live. A pid that was given away again has another start time. */
export const stillAlive = async (before: readonly Process[]): Promise<Process[]> =>
  (await all()).filter((now) => before.some(({ pid, started }) => pid === now.pid && started === now.started))
