// Standard output on a disk that is full.
import { spawnSync } from 'node:child_process'
import fs, { closeSync, openSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { createLog } from '../../../src/telemetry/log.ts'
import { until } from '../../support/until.ts'

afterEach(() => void vi.restoreAllMocks())

const LOG = new URL('../../../src/telemetry/log.ts', import.meta.url).href

test('a process that logs to /dev/full goes on', () => {
  const full = openSync('/dev/full', 'w')
  const script = `const { createLog } = await import('${LOG}')
    const log = createLog('info')
    for (let i = 0; i < 3; i += 1) log.info('a line')
    process.exitCode = 7`
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' }) // prettier-ignore
  closeSync(full)
  expect(stderr).toBe('')
  expect(status).toBe(7)
})

test('when there is room again lines that were kept are written, and how many are lost', async () => {
  const written: string[] = []
  let isFull = true
  vi.spyOn(fs, 'writeSync').mockImplementation((_, what) => {
    if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    written.push(String(what))
    return Buffer.byteLength(String(what))
  })
  const log = createLog('info')
  const large = 'x'.repeat(2_000)
  for (let i = 0; i < 1_000; i += 1) log.info({ i, large }, 'kept, or lost')
  isFull = false
  log.info('room')
  const lines = () => written.join('').split('\n').filter(Boolean).map((line) => JSON.parse(line) as { i?: number; msg: string; lost?: number }) // prettier-ignore
  await until('what is lost is said', () => lines().some(({ lost }) => lost !== undefined))
  const kept = lines().filter(({ i }) => i !== undefined)
  expect(kept.map(({ i }) => i)).toEqual(kept.map((_, i) => i))
  expect(kept.length).toBeGreaterThan(400)
  expect(lines().at(-1)).toMatchObject({ lost: 1_000 - kept.length })
})
