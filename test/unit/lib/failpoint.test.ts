import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { withFailpoints } from '../../support/failpoints/env.ts'
import { parseFailpoints } from '../../support/failpoints/parse.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PASS_THROUGH = `
  const { register } = await import('tsx/esm/api')
  register()
  const { failpoint } = await import('./src/lib/failpoint.ts')
  failpoint('after_commit')
  failpoint('after_commit')
  console.log('went on')`

const pass = (env: NodeJS.ProcessEnv) =>
  execa('node', ['--input-type=module', '-e', PASS_THROUGH], { cwd: ROOT, env, reject: false })

describe('in production', () => {
  test('FAILPOINTS does nothing', async () => {
    const { FAILPOINTS } = withFailpoints('after_commit:kill')
    const { exitCode, stdout } = await pass({ FAILPOINTS })
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'went on' })
  })

  test('the module is a function without a body', () => {
    const source = readFileSync(`${ROOT}/src/lib/failpoint.ts`, 'utf8')
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, removeComments: true },
    })
    expect(outputText.trim()).toBe('export const failpoint = (_name) => { };')
  })

  test('no file of src, bin or the image knows the variable or the armed module', () => {
    const files = [...filesOf('src'), ...filesOf('bin'), 'Dockerfile', 'package.json']
    expect(files.length).toBeGreaterThan(100)
    const knowing = files.filter((file) =>
      /FAILPOINTS|armed\.ts|failpoints\//.test(readFileSync(`${ROOT}/${file}`, 'utf8')),
    )
    expect(knowing).toEqual([])
  })
})

describe('with the loader of the tests', () => {
  test('the process is killed at the pass that is named', async () => {
    const { signal, stdout } = await pass(withFailpoints('after_commit:kill@2'))
    expect(signal).toBe('SIGKILL')
    expect(JSON.parse(stdout)).toMatchObject({ msg: 'failpoint', name: 'after_commit', action: 'kill', pass: 2 })
  })

  test('and goes on where another is named', async () => {
    expect((await pass(withFailpoints('fetched:throw'))).stdout).toBe('went on')
  })
})

test('points are told by name, action and pass; anything else is refused', () => {
  expect(parseFailpoints('fetched:kill,after_commit:block:500@3')).toEqual([
    { name: 'fetched', action: 'kill', ms: 0, nth: 1 },
    { name: 'after_commit', action: 'block', ms: 500, nth: 3 },
  ])
  expect(() => parseFailpoints('fetched:explode')).toThrow('fetched:explode')
})

const filesOf = (folder: string): string[] =>
  readdirSync(`${ROOT}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length).replace(/^\//, ''))
