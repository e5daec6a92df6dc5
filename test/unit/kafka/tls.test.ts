// What was changed in a file is used at the next connect: kafkajs copies these options each time, as here.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { tlsOptions } from '../../../src/kafka/tls.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
})
afterAll(() => rm(folder, { recursive: true }))

const PARTS = ['ca', 'cert', 'key', 'keyPassphrase'] as const
const path = (part: string) => join(folder, part)
beforeEach(async () => {
  for (const part of PARTS) await writeFile(path(part), `first ${part}\n`)
})

const options = () => {
  const files = Object.fromEntries(PARTS.map((part) => [part, path(part)]))
  return tlsOptions({
    ca: 'first ca',
    cert: 'first cert',
    key: 'first key',
    keyPassphrase: 'first keyPassphrase',
    files,
  })
}
const FIRST = { ca: 'first ca', cert: 'first cert', key: 'first key', passphrase: 'first keyPassphrase' }

test('a file that was replaced is read again', async () => {
  const given = options()
  expect(Object.assign({}, given)).toEqual(FIRST)
  for (const part of PARTS) {
    await writeFile(path('new'), `second ${part}\n`)
    await rename(path('new'), path(part))
  }
  const second = { ca: 'second ca', cert: 'second cert', key: 'second key', passphrase: 'second keyPassphrase' }
  expect(Object.assign({}, given)).toEqual(second)
})

test('a file that is gone or empty at this moment: what was read before', async () => {
  const given = options()
  await rm(path('ca'))
  await writeFile(path('key'), '')
  expect(Object.assign({}, given)).toEqual(FIRST)
})

test('what did not come from a file stays as it is; what was not given is not set', () => {
  const given = tlsOptions({ ca: null, cert: null, key: null, keyPassphrase: 'from a variable' })
  expect(Object.assign({}, given)).toEqual({ passphrase: 'from a variable' })
})
