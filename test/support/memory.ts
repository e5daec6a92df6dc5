// Resident memory of a process, in MiB, from /proc. Linux only.
import { readFile } from 'node:fs/promises'

const EVERY_MS = 200

/** Null: the process is gone. */
export const residentMib = async (pid: number): Promise<number | null> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kib === undefined ? null : Math.round(Number(kib) / 1024)
}

/** Looks every 200 ms until stopped; `max` is the largest since the last `restart`, `now` is a look too. */
export const watchMemory = (pid: number) => {
  let max = 0
  const now = async () => {
    const mib = (await residentMib(pid)) ?? 0
    max = Math.max(max, mib)
    return mib
  }
  const timer = setInterval(() => void now(), EVERY_MS)
  return {
    now,
    max: () => max,
    restart: () => (max = 0),
    stop: () => clearInterval(timer),
  }
}
