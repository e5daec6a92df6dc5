// A disk that can be full: a tmpfs, mounted by a keeper which unmounts it when this process ends, in whatever way. Needs
// root, and a kernel that lets us mount.
import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKeeper } from '../../src/local-stack/keeper.ts'
import { unprivilegedUser } from '../../src/local-stack/postgres-binaries.ts'
import { until } from './until.ts'

/** `"$$"` is the keeper's child: it unmounts when the keeper tells it to end. */
const MOUNT = `
mkdir disk && mount -t tmpfs -o "$1" sluice disk || exit 1
trap 'umount -l disk; exit 0' TERM
echo mounted
while :; do sleep 1 & wait $!; done
`

export type SmallDisk = Awaited<ReturnType<typeof mountSmallDisk>>

/** Owned by the account that PostgreSQL runs under. Null: it cannot be mounted here, and why. */
export const mountSmallDisk = async (mebibytes: number) => {
  const user = await unprivilegedUser()
  const folder = join(process.env['TMPDIR'] || tmpdir(), `sluice-disk-${randomUUID()}`)
  const owner = user ? `,uid=${user.uid},gid=${user.gid}` : ''
  const command = ['/bin/sh', '-c', MOUNT, 'sh', `size=${mebibytes}m,mode=700${owner}`] as const
  const keeper = startKeeper({ folder, command, env: process.env, stopSignal: 'TERM' })
  let ended = false
  void keeper.exited.then(() => (ended = true))
  await until('the disk is mounted, or refused', async () => ended || (await keeper.log()).includes('mounted'))
  if (ended) {
    const why = (await keeper.log()).trim()
    await keeper.end()
    throw new NotPossibleHere(`a tmpfs cannot be mounted: ${why}`)
  }
  await openTo(folder)
  const path = join(folder, 'disk')
  const filler = join(path, 'filler')
  return {
    path,
    /** Until not one block is left. */
    async fill(): Promise<void> {
      const file = await open(filler, 'a')
      try {
        for (const size of [1_048_576, 4_096]) await writeUntilFull(file, Buffer.alloc(size, 1))
      } finally {
        await file.close()
      }
    },
    free: () => rm(filler, { force: true }),
    unmount: () => keeper.end(),
  }
}

/** A fault that cannot be made on this machine: the scenario is not run, and says so. */
export class NotPossibleHere extends Error {}

/** The keeper's folder is closed to others; PostgreSQL has to pass through it. */
const openTo = async (folder: string) => {
  const handle = await open(folder)
  await handle.chmod(0o711)
  await handle.close()
}

const writeUntilFull = async (file: Awaited<ReturnType<typeof open>>, block: Buffer) => {
  for (;;) {
    try {
      const { bytesWritten } = await file.write(block)
      if (bytesWritten < block.length) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
