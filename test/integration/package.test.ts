// What `npm pack` makes of a built checkout, laid out as npm would install it: on the packages that are shipped, and no other.
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lock, shipped } from '../../scripts/dependencies.ts'
import { sluicePath } from '../support/built.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOT_OURS = /^(node_modules|dist|\.git|\.test-results)(\/|$)/

let folder: string
let app: string
let files: string[]
beforeAll(async () => {
  folder = await mkdtemp(join(process.env['TMPDIR'] || tmpdir(), 'sluice-package-'))
  const checkout = join(folder, 'checkout')
  await cp(ROOT, checkout, { recursive: true, filter: (from) => !NOT_OURS.test(from.slice(ROOT.length)) })
  await cp(join(dirname(sluicePath()), '../dist'), join(checkout, 'dist'), { recursive: true })
  // Not `prepare` and `prepack`: they have made what is here.
  const packed = await execa('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: checkout }) // prettier-ignore
  const [{ filename = '', files: listed = [] } = {}] = JSON.parse(packed.stdout) as { filename: string; files: { path: string }[] }[] // prettier-ignore
  files = listed.map(({ path }) => path)

  app = join(folder, 'app')
  await mkdir(join(app, 'node_modules'), { recursive: true })
  await execa('tar', ['-xzf', join(folder, filename)], { cwd: folder })
  await rename(join(folder, 'package'), join(app, 'node_modules/sluice'))
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  for (const [path] of shipped(lock).filter(
    ([at]) => at.lastIndexOf('node_modules/') === 0 && existsSync(join(ROOT, at)),
  )) {
    await mkdir(dirname(join(app, path)), { recursive: true })
    await symlink(join(ROOT, path), join(app, path))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the list of contents: what runs, the migrations, and nothing else', () => {
  const rest = files.filter(
    (path) => !/^(dist\/.+\.js|dist\/http\/dashboard\/.+|prisma\/(schema\.prisma|migrations\/.+))$/.test(path),
  )
  expect(rest.sort()).toEqual(['README.md', 'bin/health.js', 'bin/sluice.js', 'package.json'])
  expect(files.filter((path) => /\.(map|ts|tsx|test\.js|log|gz|csv|ndjson|env)$/.test(path))).toEqual([])
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?<!\.d)\.ts$/.test(path),
  )
  expect(files).toEqual(expect.arrayContaining(sources.map((path) => `dist/${path.replace(/\.ts$/, '.js')}`)))
  expect(files).toEqual(expect.arrayContaining(['dist/http/dashboard/index.html', 'dist/generated/prisma/client.js']))
})

test('installed, and run by the name that npm gives it', async () => {
  // Runs what the package wants to be run when it is installed, and links its commands.
  const { all } = await execa('npm', ['rebuild', 'sluice', '--offline'], { cwd: app, all: true })
  expect(all).toMatch(/rebuilt dependencies successfully/)
  const sluice = (...args: string[]) => execa(join(app, 'node_modules/.bin/sluice'), args, { cwd: folder })
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect((await sluice('--version')).stdout).toBe(version)
  expect((await sluice('consume', '--help')).stdout).toContain('Usage: sluice consume')
})
