import { expect, it } from 'vitest'
import { FAULT_CODES, faultOf, isFaultCode, messageOf } from '../../../src/line-items/fault.ts'

it('every code has a stage and one short sentence of our own', () => {
  for (const code of FAULT_CODES) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
    expect(messageOf(code)).toMatch(/^.{10,120}\.$/)
    expect(['decode', 'validate', 'map', 'write']).toContain(faultOf(code).stage)
  }
  expect(new Set(FAULT_CODES.map(messageOf)).size).toBe(FAULT_CODES.length)
})

it('knows its codes from other words', () => {
  expect(isFaultCode('TEXT_NUL')).toBe(true)
  expect(isFaultCode('toString')).toBe(false)
})
