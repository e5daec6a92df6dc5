import { expect, test } from 'vitest'
import { isForeign } from '../../../src/http/guard.ts'

const HOST = '127.0.0.1'

// docs/security.md: what nginx sends on for a page that was opened as https://sluice.example.
test('a proxy that sets Host and takes its own Origin away is let in, one that passes it on is not', () => {
  expect(isForeign({ host: 'localhost' }, HOST)).toBe(false)
  expect(isForeign({ host: 'localhost', origin: 'https://sluice.example' }, HOST)).toBe(true)
  expect(isForeign({ host: 'sluice.example', origin: 'https://sluice.example' }, HOST)).toBe(true)
})

test('the Origin of another page is still refused behind it', () => {
  expect(isForeign({ host: 'localhost', origin: 'https://evil.example' }, HOST)).toBe(true)
})
