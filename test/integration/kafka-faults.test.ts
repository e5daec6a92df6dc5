// The short form of the faults of Kafka in `npm run test:fault`, and of `npm run soak`, on three brokers of our own: one member
// under a steady load and its coordinator killed; then half a minute of random faults to brokers, members and PostgreSQL.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KafkaStage, openKafkaStage } from '../fault/kafka-stage.ts'
import { begin, strikeAndHeal } from '../fault/play-kafka.ts'
import { proveEnd } from '../fault/play.ts'
import { kafkaScenarioCalled } from '../fault/scenarios-kafka.ts'
import { type Server, startServer } from '../fault/stage.ts'
import type { Member } from '../support/member.ts'
import { soak } from '../soak/soak.ts'
import { notOk } from '../support/oracle.ts'
import { type OwnKafka, startOwnKafka } from '../support/own-kafka.ts'

const SEED = 20_261_125
const RATE = 200
/** Until a broker that was killed comes back: long enough for the group to have another coordinator. */
const HOLD_MS = 3_000
const SOAK = { minutes: 0.5, rate: 200, members: 3, warmUpMs: 3_000, quietMs: 3_000, everyMs: 2_500 }
const say = (line: string): void => console.log(line)

let kafka: OwnKafka
let server: Server
let stage: KafkaStage
let member: Member
beforeAll(async () => {
  kafka = await startOwnKafka()
  server = await startServer()
  stage = await openKafkaStage({ kafka, server, seed: SEED, rate: RATE, say })
  member = await begin(stage, RATE)
})
afterAll(async () => {
  await stage.close()
  await Promise.all([server.end(), kafka.end()])
})

// What it left behind would only be told again by the end.
let failed: string | null = null
test.for(['coordinator-killed'])('%s', async (name, { onTestFailed }) => {
  onTestFailed(() => void (failed = name))
  const { lines } = await strikeAndHeal(stage, member, kafkaScenarioCalled(name), { rate: RATE, holdMs: HOLD_MS })
  expect(notOk(lines)).toEqual([])
})

test(`and after it: 0 dead letters, nothing lost or doubled, exit code 0 (seed ${SEED})`, async ({ skip }) => {
  if (failed !== null) skip(`after the failure of ${failed}`)
  expect(notOk(await proveEnd(stage, member, stage.load, { rejoins: true }))).toEqual([])
})

test(`a short soak: nothing lost, doubled or gathered, and nothing was ever wrong meanwhile (seed ${SEED})`, async () => {
  const { lines, faults } = await soak({ ...SOAK, server, brokers: kafka.direct, kafka, seed: SEED, say })
  say(`took place: ${[...faults].filter(([, times]) => times > 0).map(([name]) => name).join(', ')}`) // prettier-ignore
  expect(notOk(lines)).toEqual([])
}, 240_000)
