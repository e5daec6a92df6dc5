import { expect, test } from 'vitest'
import { createBeforeRejoin } from '../../../src/source/before-rejoin.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'

const refused = (type: string) => Object.assign(new Error(type), { type })

/** What is asked for, and how long it may take. */
const world = (limitMs = 30_000) => {
  const asked: string[] = []
  const events: TelemetryEvent[] = []
  let drained = () => {}
  const promise = new Promise<void>((resolve) => (drained = resolve))
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

test('all batches that were fetched wait for one drain and one commit', async () => {
  const { rejoin, asked, events, drained } = world()
  const batches = Promise.all([1, 2, 3].map(() => rejoin.settled(refused('REBALANCE_IN_PROGRESS'))))
  drained()
  await batches
  await rejoin.settled(refused('REBALANCE_IN_PROGRESS'))
  expect(asked).toEqual(['drain 10000', 'commit 3000'])
  expect(events).toEqual([{ type: 'rebalancing', code: 'REBALANCE_IN_PROGRESS', drained: true }])
})

test('after a join the next rebalance is another one', async () => {
  const { rejoin, asked, drained } = world()
  drained()
  await rejoin.settled(refused('REBALANCE_IN_PROGRESS'))
  rejoin.over()
  await rejoin.settled(refused('REBALANCE_IN_PROGRESS'))
  expect(asked).toEqual(['drain 10000', 'commit 3000', 'drain 10000', 'commit 3000'])
})

test('both stay well below a short session', async () => {
  const { rejoin, asked, drained } = world(6_000)
  drained()
  await rejoin.settled(refused('REBALANCE_IN_PROGRESS'))
  expect(asked).toEqual(['drain 2000', 'commit 2000'])
})

test('whoever is not known any more joins at once: no commit would be taken', async () => {
  const { rejoin, asked, events } = world()
  await rejoin.settled(refused('UNKNOWN_MEMBER_ID'))
  expect(asked).toEqual([])
  expect(events).toEqual([{ type: 'rebalancing', code: 'UNKNOWN_MEMBER_ID', drained: false }])
})
