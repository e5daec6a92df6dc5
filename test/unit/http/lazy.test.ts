import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Files of the packages for HTTP that are loaded with a module of ours. */
const loadedWith = async (path: string): Promise<number> => {
  const script = `
    await import(${JSON.stringify(path)})
    const { createRequire } = await import('node:module')
    const files = Object.keys(createRequire(import.meta.url).cache)
    console.log(files.filter((file) => /node_modules.(fastify|prom-client|@fastify)./.test(file)).length)`
  const { stdout } = await execa('node', ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: ROOT })
  return Number(stdout)
}

test('a member without HTTP loads neither fastify nor prom-client', async () => {
  expect(await loadedWith(`${ROOT}src/app.ts`)).toBe(0)
  expect(await loadedWith(`${ROOT}src/serve-member.ts`)).toBeGreaterThan(50)
}, 60_000)
