import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { MUTATIONS } from '../../simulation/mutations.ts'

// `npm run test:mutations` takes minutes and is not part of CI: the code must not move away under its list.
test.each(MUTATIONS)('can be planted: $name', async ({ edits }) => {
  for (const { file, find, put } of edits) {
    expect((await readFile(file, 'utf8')).split(find), find).toHaveLength(2)
    expect(put).not.toBe(find)
  }
})
