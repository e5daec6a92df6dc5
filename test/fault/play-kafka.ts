// Plays one fault of Kafka, and proves what must hold after it.
import type { ProofLine } from '../../src/demo/proof.ts'
import type { KafkaScenario, KafkaStage } from './kafka-stage.ts'
import { caughtUp, exactly, type Figures, play, proveEnd, proveFault, rebalances, warm } from './play.ts'

/**
 * A member may have to find out that a connection is dead, wait for its back-off (5 s at most), join again (the session of 6 s
 * of the member it was must be over), and the load must have come back too (a start of `sluice publish`, two or three seconds).
 */
const AGAIN_MS = 20_000
const WARM_UP_RECORDS = 600

export type KafkaOutcome = { figures: Figures; records: number; rebalances: number; lines: ProofLine[] }

export const playKafka = async (
  stage: KafkaStage,
  scenario: KafkaScenario,
  { holdMs = scenario.holdMs ?? 0, rate }: { holdMs?: number; rate: number },
): Promise<KafkaOutcome> => {
  stage.load.start()
  const member = stage.start()
  await warm(stage, member, WARM_UP_RECORDS)
  await caughtUp(stage, member, rate)
  const { number, name, what, strike } = scenario
  const played = { number, name, what, strike: () => strike(stage, member) }
  const figures = await play(stage, member, { scenario: played, holdMs, rate })
  const own = (await scenario.prove?.(stage, member)) ?? []
  const { letters = 0, keepsPlace = false } = scenario
  const end = await proveEnd(stage, member, stage.load, { rejoins: !keepsPlace, letters })
  const crashes = member.lines('the Kafka client ended').length
  return {
    figures,
    records: await stage.world.settled(),
    rebalances: rebalances(member),
    lines: [
      ...proveFault({}, figures, scenario.againMs ?? AGAIN_MS),
      exactly('ends of its Kafka client for good', 0, crashes),
      ...own,
      ...end,
    ],
  }
}
