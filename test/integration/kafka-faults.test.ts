// The short form of the faults of Kafka in `npm run test:fault`: one member under a steady load, three brokers of our own.
// All brokers restarted one after the other, each killed or stopped, takes a minute and is played there only.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KafkaStage, openKafkaStage } from '../fault/kafka-stage.ts'
import { begin, strikeAndHeal } from '../fault/play-kafka.ts'
import { proveEnd } from '../fault/play.ts'
import { kafkaScenarioCalled } from '../fault/scenarios-kafka.ts'
import { type Server, startServer } from '../fault/stage.ts'
import type { Member } from '../support/member.ts'
import { notOk } from '../support/oracle.ts'
import { type OwnKafka, startOwnKafka } from '../support/own-kafka.ts'

const SEED = 20_261_125
const RATE = 200
/** Until a broker that was killed comes back: long enough for the group to have another coordinator. */
const HOLD_MS = 3_000

let kafka: OwnKafka
let server: Server
let stage: KafkaStage
let member: Member
beforeAll(async () => {
  kafka = await startOwnKafka()
  server = await startServer()
  stage = await openKafkaStage({ kafka, server, seed: SEED, rate: RATE, say: (line) => console.log(line) })
  member = await begin(stage, RATE)
})
afterAll(async () => {
  await stage.close()
  await Promise.all([server.end(), kafka.end()])
})

// What one fault left behind would only be told again by all that follow.
let failed: string | null = null
test.for(['leader-move', 'coordinator-killed'])('%s', async (name, { skip, onTestFailed }) => {
  if (failed !== null) skip(`after the failure of ${failed}`)
  onTestFailed(() => void (failed = name))
  const { lines } = await strikeAndHeal(stage, member, kafkaScenarioCalled(name), { rate: RATE, holdMs: HOLD_MS })
  expect(notOk(lines)).toEqual([])
})

test(`and after both of them: 0 dead letters, nothing lost or doubled, exit code 0 (seed ${SEED})`, async ({
  skip,
}) => {
  if (failed !== null) skip(`after the failure of ${failed}`)
  expect(notOk(await proveEnd(stage, member, stage.load, { rejoins: true }))).toEqual([])
})
