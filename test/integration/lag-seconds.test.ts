// /metrics says how many seconds each partition is behind. Here that is computed from the topic, read by itself, and the positions in
// PostgreSQL: while records wait in the member, while they wait in Kafka, and when none does.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { until } from '../support/until.ts'
import { holdFlushes, type World } from '../support/world.ts'

const HOUR_MS = 3_600_000
/** A look takes so long at most: its moment is told, and each partition's age is of a moment within it. */
const LOOK_S = 3

let world: World
let member: Member
let port: number
beforeAll(async () => {
  world = await openArena(3)
  port = (await freePorts(1))[0]!
  member = world.start('measured', { ...QUICK_SESSION, HTTP_PORT: String(port) })
  await member.logged('partitions assigned')
})
afterAll(() => world.close())

/** `agoMs` by partition. */
const send = (...agoMs: readonly (readonly number[])[]) =>
  world.send(
    agoMs.flatMap((ages, partition) =>
      ages.map((ago) => ({ ...recordOf(event(), partition), timestamp: Date.now() - ago })),
    ),
  )

async function scraped() {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const lag = [...text.matchAll(/^sluice_partition_lag_seconds\{.*partition="(\d+)".*\} (.+)$/gm)]
  const asked = /^sluice_lag_asked_timestamp_seconds\{.*\} (.+)$/m.exec(text)?.[1]
  return {
    asked: Number(asked),
    seconds: new Map(lag.map(([, partition, value]) => [Number(partition), Number(value)])),
  }
}

/** When the first record was published that PostgreSQL does not hold, by partition; null: there is none. */
async function waitingSince(): Promise<(number | null)[]> {
  const records = await readTopic(world.config.kafka, world.config.topic, createLog('silent'))
  const standing = [...(await world.standing())].sort((a, b) => a.partition - b.partition)
  return standing.map(({ partition, next }) => {
    const first = records.find((record) => record.partition === partition && record.offset >= next)
    return first ? first.timestamp / 1_000 : null
  })
}

async function compare() {
  const since = await waitingSince()
  let last = ''
  const agrees = async () => {
    const { asked, seconds } = await scraped()
    last = JSON.stringify({ asked, since, seconds: [...seconds] })
    return since.every((at, partition) => {
      const told = seconds.get(partition)
      if (told === undefined) return false
      return at === null ? told === 0 : told >= asked - at && told <= asked - at + LOOK_S
    })
  }
  await until('the seconds are those of the topic', agrees, { timeoutMs: 30_000, describe: () => `${last}\n${member.tail()}` }) // prettier-ignore
  return since
}

test('caught up, however old the records were: 0', async () => {
  await send([5 * HOUR_MS, 4 * HOUR_MS], [1_000], [])
  await world.drained()
  expect(await compare()).toEqual([null, null, null])
})

test('held in the member, behind a lock: since the first that is not written', async () => {
  const holder = await holdFlushes(world)
  await send([3 * HOUR_MS, 2 * HOUR_MS], [60_000, 30_000], [])
  await holder.blocked(member)
  const before = await compare()
  expect(before.map((at) => at !== null)).toEqual([true, true, false])
  // What comes later makes none of them younger.
  await send([0], [0], [10_000])
  const after = await compare()
  expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
  expect(after[2]).not.toBeNull()
  await holder.release()
  await world.drained()
  expect(await compare()).toEqual([null, null, null])
})

test('not taken, behind a closed gate: since the first in the log', async () => {
  await world.sluice(['pause', '--reason', 'to let it pile up'])
  await member.logged('the gate is closed by an operator; nothing is written until `sluice resume`')
  await send([], [6 * HOUR_MS, 0], [7_000])
  expect((await compare()).map((at) => at !== null)).toEqual([false, true, true])
  await world.sluice(['resume'])
  await world.drained()
  await compare()
})
