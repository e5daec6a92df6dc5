// The short form of `npm run test:fault`.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { killNine } from '../fault/kill-nine.ts'
import { openArena } from '../support/arena.ts'
import { notOk } from '../support/oracle.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(6)
})
afterAll(() => world.close())

test('three members killed at random moments under load: totals are exact', async () => {
  const say = (line: string): void => console.log(line)
  const lines = await killNine(world, { kills: 3, seed: 20_261_122, members: 3, realSession: false, say })
  expect(notOk(lines)).toEqual([])
}, 180_000)
