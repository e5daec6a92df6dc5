// CPU time that processes used, from /proc (Linux): 10 ms fine.
import { readdir, readFile } from 'node:fs/promises'

const TICKS_PER_SECOND = 100

type Times = { parent: number; own: number; ended: number }

const timesOf = async (pid: number): Promise<Times | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  if (stat === '') return null
  // The name in brackets may hold spaces and brackets itself.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
  return { parent: fields[1] ?? 0, own: user + system, ended: endedUser + endedSystem }
}

/** Seconds that this process has used so far; 0 when it is gone. */
export const cpuOf = async (pid: number | null): Promise<number> =>
  pid === null ? 0 : ((await timesOf(pid))?.own ?? 0) / TICKS_PER_SECOND

/** The same of a process and its children, those that have ended too: PostgreSQL has one for each session. */
export const cpuOfFamily = async (pid: number): Promise<number> => {
  const pids = (await readdir('/proc')).map(Number).filter((each) => each > 0)
  const all = await Promise.all(pids.map(timesOf))
  const family = all.filter((each, at) => each !== null && (pids[at] === pid || each.parent === pid))
  const own = family.reduce((sum, each) => sum + (each?.own ?? 0), 0)
  return (own + ((await timesOf(pid))?.ended ?? 0)) / TICKS_PER_SECOND
}
