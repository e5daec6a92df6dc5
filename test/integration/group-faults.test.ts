// The short form of the stories of `npm run test:fault`: kill -9 at four failpoints, a zombie, 20 s of a rebalance storm; all
// on one topic, under one load and one sampler.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Server, type Stage, startServer } from '../fault/stage.ts'
import { stories } from '../fault/stories.ts'
import { type Story, tellStory } from '../fault/story.ts'
import { notOk } from '../support/oracle.ts'
import { stack } from '../support/stack.ts'

const SEED = 20_261_125
const KILLS = ['kill-at-admitted', 'kill-at-before-commit', 'kill-at-after-commit', 'kill-at-relay-sent']
const NAMES = [...KILLS, 'zombie-flushing', 'storm']
const say = (line: string): void => console.log(line)

let server: Server
let stage: Stage
beforeAll(async () => {
  server = await startServer()
  stage = await openStage({ brokers: stack().brokers, server, seed: SEED, say })
})
afterAll(async () => {
  await stage.close()
  await server.end()
})

/** So that the next story finds the group empty. */
const leave = async () => {
  const alive = stage.world.members.filter((member) => member.running())
  for (const member of alive) member.kill('SIGTERM')
  expect((await Promise.all(alive.map((member) => member.ended))).filter(({ code }) => code !== 0)).toEqual([])
}

const called = (name: string): Story => stories.find((each) => each.name === name)!

const all: Story = {
  ...{ number: 1, name: 'short', what: NAMES.join(', '), proves: 'all of it', letters: true },
  async tell(telling) {
    const lines = []
    for (const name of NAMES) {
      say(name)
      lines.push(...(await called(name).tell(telling)))
      if (!KILLS.includes(name) || name === KILLS.at(-1)) await leave()
    }
    return lines
  },
}

test(`members killed, stopped and replaced: totals are exact, and nothing was ever wrong meanwhile (seed ${SEED})`, async () => {
  const { lines } = await tellStory(stage, all, { rate: 300, times: 1, seconds: 20 })
  expect(notOk(lines)).toEqual([])
}, 240_000)
