// An older version of sluice beside this one: the last commit before the newest migration, so that its members work on
// tables that are newer than they know, as in a rolling deploy.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { NotPossibleHere } from '../support/small-disk.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** @throws NotPossibleHere where the history is not */
export const openOlderVersion = async () => {
  const git = (...args: string[]) => execa('git', args, { cwd: ROOT, reject: false })
  const { stdout: newest } = await git('log', '-1', '--diff-filter=A', '--format=%H', '--', 'prisma/migrations')
  const { stdout: commit, exitCode } = await git('rev-parse', '--short', '--verify', `${newest}^`)
  if (newest === '' || exitCode !== 0) throw new NotPossibleHere('there is no git history here, so no older version')
  const folder = await mkdtemp(join(tmpdir(), 'sluice-older-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await execa('sh', ['-c', `git archive ${commit} | tar -x -C "$1"`, 'sh', folder], { cwd: ROOT })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    await execa('node', ['scripts/postinstall.js'], { cwd: folder })
    const sluice = join(folder, 'bin', 'sluice.js')
    if (!existsSync(sluice)) throw new Error(`commit ${commit} has no bin/sluice.js`)
    return { commit, sluice, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
