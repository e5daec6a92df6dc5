import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const REPORTER = join(ROOT, 'test/support/closing-line.ts')

let folder = ''
beforeAll(async () => {
  // Inside the checkout: the tests of the tests must find vitest.
  folder = await mkdtemp(join(ROOT, 'node_modules/.closing-line-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The last line and the exit code of a run over these files. */
const closing = async (files: Record<string, string>) => {
  const root = await mkdtemp(join(folder, 'run-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text)
  const config = `import { createClosingLine } from ${JSON.stringify(REPORTER)}
    export default { test: { include: ['*.test.js'], exclude: [], reporters: ['default', createClosingLine()] } }`
  await writeFile(join(root, 'vitest.config.js'), config)
  const args = ['run', '--root', root]
  const { exitCode, stdout } = await execa(join(ROOT, 'node_modules/.bin/vitest'), args, { reject: false, cwd: root })
  return [stdout.split('\n').at(-1), exitCode]
}

const file = (body: string) => `import { beforeAll, expect, test } from 'vitest'\n${body}`
const ok = `test('ok', () => {})\n`

test('counts what passed, failed and was skipped over all files', async () => {
  const files = {
    'a.test.js': file(`${ok}test.skip('no')\ntest('bad', () => expect(1).toBe(2))`),
    'b.test.js': file(ok),
  }
  expect(await closing(files)).toEqual(['2 passed, 1 failed, 1 skipped', 1])
  expect(await closing({ 'a.test.js': file(ok) })).toEqual(['1 passed, 0 failed', 0])
}, 30_000)

test.each([
  ['a file that cannot be loaded', `throw new Error('x')`],
  ['a rejection that nobody handles', file(`${ok}void Promise.reject(new Error('x'))`)],
])(
  '%s counts as failed',
  async (_, broken) => {
    const [line, code] = await closing({ 'a.test.js': file(ok), 'b.test.js': broken })
    expect([line, code]).toEqual([expect.stringMatching(/^[12] passed, 1 failed$/), 1])
  },
  30_000,
)
