// Runs a command as a container would: process 1 of its own, every file system read-only, a user without a name, no capability, no
// way to new rights. Needs root and Linux.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const UID = '65534'

/** Whatever is mounted, also /tmp and the like; /proc, /sys and /dev stay. `exec` throughout: process 1 is the command. */
const LOCK = `
grep -v -E '^[^ ]+ /(proc|sys|dev)([ /]|$)' /proc/self/mounts | cut -d' ' -f2 | while read -r at; do
  mount -o remount,bind,ro "$at" 2>/dev/null || true
done
exec setpriv --reuid ${UID} --regid ${UID} --clear-groups --no-new-privs --bounding-set=-all "$@"`

/** `--kill-child`: it ends with the one that waits for it, whatever ends that. */
const UNSHARE = ['--mount', '--propagation', 'private', '--pid', '--fork', '--mount-proc', '--kill-child']
const command = (args: readonly string[]): [string, string[]] => ['unshare', [...UNSHARE, '/bin/sh', '-c', LOCK, 'sh', ...args]] // prettier-ignore

/** Why it cannot be done here; null: it can. */
export const cannotLockDown = (): string | null => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  const [file, args] = command(['true'])
  const { status } = spawnSync(file, args, { stdio: 'ignore' })
  return status === 0 ? null : 'unshare or setpriv does not work here'
}

export type LockedDown = {
  /** As it is known outside; null: not there yet, or no more. */
  pid(): number | null
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<{ code: number | null; output: string }>
}

export const lockedDown = (args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): LockedDown => {
  const [file, all] = command(args)
  const child: ChildProcess = spawn(file, all, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout?.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (output += text.toString()))
  const pid = () => {
    if (child.exitCode !== null || child.signalCode !== null) return null
    // The one child of `unshare`, which itself takes no signal.
    const [, found] = /^(\d+) ?$/.exec(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')) ?? []
    return found === undefined ? null : Number(found)
  }
  return {
    pid,
    kill(signal) {
      const to = pid()
      if (to !== null) process.kill(to, signal)
    },
    ended: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, output }))
    }),
  }
}
