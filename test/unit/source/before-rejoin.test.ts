import { expect, test } from 'vitest'
import { createBeforeRejoin } from '../../../src/source/before-rejoin.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'

/** What is asked for, and how long it may take. */
const world = (limitMs = 30_000) => {
  const asked: string[] = []
  const events: TelemetryEvent[] = []
  let drained = (_empty = true) => {}
  const promise = new Promise<boolean>((resolve) => (drained = (empty = true) => resolve(empty)))
  const rejoin = createBeforeRejoin({
    limitMs,
    drain(ms) {
      asked.push(`drain ${ms}`)
      return promise
    },
    async settleCommits(ms) {
      asked.push(`commit ${ms}`)
      return true
    },
    emit: (event) => void events.push(event),
  })
  return { rejoin, asked, events, drained }
}

test('all fetchers that join wait for one drain and one commit', async () => {
  const { rejoin, asked, events, drained } = world()
  const batches = Promise.all([1, 2, 3].map(() => rejoin.settled()))
  drained()
  await batches
  await rejoin.settled()
  expect(asked).toEqual(['drain 10000', 'commit 3000'])
  expect(events).toEqual([{ type: 'rebalancing', drained: true }])
})

test('what is left in the buffer is told', async () => {
  const { rejoin, events, drained } = world()
  drained(false)
  await rejoin.settled()
  expect(events).toEqual([{ type: 'rebalancing', drained: false }])
})

test('after a join the next rebalance is another one', async () => {
  const { rejoin, asked, drained } = world()
  drained()
  await rejoin.settled()
  rejoin.over()
  await rejoin.settled()
  expect(asked).toEqual(['drain 10000', 'commit 3000', 'drain 10000', 'commit 3000'])
})

test('both stay well below a short session', async () => {
  const { rejoin, asked, drained } = world(6_000)
  drained()
  await rejoin.settled()
  expect(asked).toEqual(['drain 2000', 'commit 2000'])
})
