// The part of the lane that plays the faults of Kafka: three brokers of our own, started when the first of them is wanted.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { type OwnKafka, startOwnKafka } from '../support/own-kafka.ts'
import { notOk } from '../support/oracle.ts'
import type { KafkaScenario, KafkaStage, KafkaStory } from './kafka-stage.ts'
import { openKafkaStage } from './kafka-stage.ts'
import type { LaneOptions, Result } from './lane.ts'
import { playKafka } from './play-kafka.ts'
import type { Server } from './stage.ts'
import { watched } from './watched.ts'

type Outcome = Omit<Result, 'name' | 'what'>
type KafkaLaneOptions = Omit<LaneOptions, 'brokers'> & {
  readonly server: Server
  readonly guarded: (name: string, what: string, work: () => Promise<Outcome>) => Promise<Result>
}

/** Three brokers, their clients and PostgreSQL share two cores. */
const MOST_PER_SECOND = 500

export const createKafkaLane = ({ guarded, seed, minutes, ...options }: KafkaLaneOptions) => {
  const rate = Math.min(options.rate, MOST_PER_SECOND)
  let starting: Promise<OwnKafka> | null = null
  const generator = xoroshiro128plus(seed)
  const cluster = () => (starting ??= startOwnKafka({ random: () => uniformFloat64(generator) }))

  const onStage = async (name: string, work: (stage: KafkaStage) => Promise<Outcome>): Promise<Outcome> => {
    const kafka = await cluster()
    const stage = await openKafkaStage({ ...options, kafka, seed, rate })
    const end = async () => {
      await kafka.mend()
      await stage.close()
    }
    let outcome: Outcome
    try {
      outcome = await work(stage)
    } catch (error) {
      options.say(`logs: ${await keepLogs(name, stage)}`)
      await end().catch((also: unknown) => options.say(`and it could not be cleaned up: ${String(also)}`))
      throw error
    }
    if (notOk(outcome.lines).length > 0) options.say(`logs: ${await keepLogs(name, stage)}`)
    await end()
    return outcome
  }

  return {
    survive: (scenario: KafkaScenario): Promise<Result> =>
      guarded(scenario.name, scenario.what, () =>
        onStage(scenario.name, async (stage) => {
          const long = scenario.name.startsWith('outage') ? { holdMs: minutes * 60_000 } : {}
          const play = () => playKafka(stage, scenario, { ...long, rate })
          const { lines, ...survived } = await watched(stage.world, play)
          return { lines, survived }
        }),
      ),
    tell: (story: KafkaStory): Promise<Result> =>
      guarded(story.name, story.what, () => onStage(story.name, async (stage) => ({ lines: await story.tell(stage) }))),
    close: async () => void (await (await starting)?.end()),
  }
}

/** Of what went wrong with brokers nobody knows the cause without them. */
const keepLogs = async (name: string, { world }: KafkaStage): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), `sluice-fault-${name}-`))
  for (const member of world.members) await writeFile(join(folder, `${member.name}.log`), member.output())
  return folder
}
