// Plays one fault of Kafka, and proves what must hold after it.
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import type { KafkaScenario, KafkaStage } from './kafka-stage.ts'
import { stopped } from './kafka-topic-steps.ts'
import { caughtUp, exactly, type Figures, play, proveEnd, proveFault, rebalances, warm } from './play.ts'

/**
 * A member may have to find out that a connection is dead, wait for its back-off (5 s at most), join again (the session of 6 s
 * of the member it was must be over), and the load must have come back too (a start of `sluice publish`, two or three seconds).
 */
const AGAIN_MS = 20_000
/** For the figures of a scenario that is late. */
const GIVEN_UP_MS = 180_000
const WARM_UP_RECORDS = 600

export type KafkaOutcome = { figures: Figures; records: number; rebalances: number; lines: ProofLine[] }
type PlayOptions = { readonly holdMs?: number; readonly rate: number; readonly struck?: () => void }

/** A member under load, warm. */
export const begin = async (stage: KafkaStage, rate: number): Promise<Member> => {
  stage.load.start()
  const member = stage.start()
  await warm(stage, member, WARM_UP_RECORDS)
  await caughtUp(stage, member, rate)
  return member
}

/** The fault, and what it did to the member. */
export const strikeAndHeal = async (
  stage: KafkaStage,
  member: Member,
  scenario: KafkaScenario,
  { holdMs = scenario.holdMs ?? 0, rate, struck = () => {} }: PlayOptions,
) => {
  const { number, name, what, strike } = scenario
  const played = { number, name, what, strike: () => strike(stage, member) }
  for (const { proxy } of stage.kafka.brokers) proxy.forget()
  const figures = await play(stage, member, { scenario: played, holdMs, rate, struck, eachWithinMs: GIVEN_UP_MS })
  const own = (await scenario.prove?.(stage, member)) ?? []
  const crashes = member.lines('the Kafka client ended').length
  const lines = [
    // What a member retries for is PostgreSQL's: that a fault of Kafka took place only its evidence shows.
    ...proveFault({}, { ...figures, codes: [] }, scenario.againMs ?? AGAIN_MS),
    exactly('ends of its Kafka client for good', 0, crashes),
    ...own,
  ]
  return { figures, lines }
}

export const playKafka = async (
  stage: KafkaStage,
  scenario: KafkaScenario,
  options: PlayOptions,
): Promise<KafkaOutcome> => {
  const others = Array.from({ length: scenario.others ?? 0 }, () => stage.start('other'))
  const member = await begin(stage, options.rate)
  const everybody = [...others, member]
  const assigned = () => everybody.every((each) => each.lines('partitions assigned').length > 0)
  await until('every member has partitions', assigned, { describe: member.tail })
  const { figures, lines } = await strikeAndHeal(stage, member, scenario, options)
  // Under load: the one that is looked at takes over.
  for (const other of others) lines.push(exactly(`exit code of ${other.name} after SIGTERM`, 0, await stopped(other)))
  const { letters = 0, keepsPlace = false } = scenario
  const end = await proveEnd(stage, member, stage.load, { rejoins: !keepsPlace, letters })
  const records = await stage.world.settled()
  return { figures, records, rebalances: rebalances(member), lines: [...lines, ...end] }
}
