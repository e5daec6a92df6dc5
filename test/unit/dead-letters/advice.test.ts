import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ADVICE } from '../../../src/dead-letters/advice.ts'
import { STAGES } from '../../../src/dead-letters/letter-filter.ts'
import { FAULT_CODES, faultOf, isFaultCode } from '../../../src/line-items/fault.ts'

test.each(FAULT_CODES)('%s has advice in whole sentences, and only commands that exist', async (code) => {
  const advice = ADVICE[code]
  expect(advice).toMatch(/^[A-Z].{20,}\.$/)
  for (const [, command] of advice.matchAll(/`([^`]*)`/g))
    expect(command).toMatch(/^sluice (dlq (show|replay|discard) |publish$)/)
  for (const [, named] of advice.matchAll(/--code ([A-Z_]+)/g)) expect(named).toBe(code)
})

test('no advice for a code that is gone', () => {
  expect(Object.keys(ADVICE).filter((code) => !isFaultCode(code))).toEqual([])
})

test('the stages that can be asked for are those that codes have', () => {
  expect(new Set(FAULT_CODES.map((code) => faultOf(code).stage))).toEqual(new Set(STAGES))
})

test('the documented table has every code', async () => {
  const table = await readFile(new URL('../../../docs/dead-letter-codes.md', import.meta.url), 'utf8')
  expect(FAULT_CODES.filter((code) => !table.includes(`\`${code}\``))).toEqual([])
})
