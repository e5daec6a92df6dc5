import { expect, test } from 'vitest'
import { newClusterId } from '../../../src/local-stack/embedded-kafka.ts'

test('no cluster id begins like an option of the command line', () => {
  for (let first = 0; first < 256; first += 1) {
    const id = newClusterId(Buffer.alloc(16, first))
    expect(id).toMatch(/^[A-Za-z0-9_][\w-]{21}$/)
  }
})
