// The part of the lane that plays the faults of Kafka: three brokers of our own, started when the first of them is wanted.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { type OwnKafka, startOwnKafka } from '../support/own-kafka.ts'
import { notOk } from '../support/oracle.ts'
import { closing, type Guard, type Outcome } from './guard.ts'
import type { KafkaScenario, KafkaStage, KafkaStory } from './kafka-stage.ts'
import { openKafkaStage } from './kafka-stage.ts'
import type { LaneOptions, Result } from './lane.ts'
import { playKafka } from './play-kafka.ts'
import type { Server } from './stage.ts'
import { watched } from './watched.ts'

type KafkaLaneOptions = Omit<LaneOptions, 'brokers'> & {
  readonly server: () => Promise<Server>
  readonly guard: Guard
  readonly guarded: (name: string, what: string, work: () => Promise<Outcome>) => Promise<Result>
}

/** Three brokers, their clients and PostgreSQL share two cores. */
const MOST_PER_SECOND = 500

export const createKafkaLane = ({ guarded, guard, seed, minutes, server, ...options }: KafkaLaneOptions) => {
  const { say } = options
  const rate = Math.min(options.rate, MOST_PER_SECOND)
  let starting: Promise<OwnKafka> | null = null
  const generator = xoroshiro128plus(seed)
  const cluster = () => (starting ??= startOwnKafka({ random: () => uniformFloat64(generator) }))
  const drop = async () => {
    const old = starting
    starting = null
    await old?.then((kafka) => kafka.end()).catch((error: unknown) => say(`the brokers did not end: ${String(error)}`))
  }
  /** Those that cannot be mended would break all that follow: the next scenario gets new ones. */
  const mend = async (kafka: OwnKafka) => {
    try {
      await kafka.mend()
    } catch (error) {
      await drop()
      throw error
    }
  }

  const onStage = async (name: string, work: (stage: KafkaStage) => Promise<Outcome>): Promise<Outcome> => {
    const kafka = await cluster().catch(async (error: unknown) => {
      await drop()
      throw error
    })
    const open = async () => openKafkaStage({ ...options, server: await server(), kafka, seed, rate })
    const play = async (stage: KafkaStage) => {
      let outcome: Outcome | undefined
      try {
        return (outcome = await guard.until(() => work(stage), stage.world))
      } finally {
        if (!outcome || notOk(outcome.lines).length > 0) say(`logs: ${await keepLogs(name, stage)}`)
      }
    }
    const close = async (stage: KafkaStage) => closing(() => mend(kafka), () => stage.close(), say) // prettier-ignore
    const stage = await open()
    return closing(() => play(stage), () => close(stage), say) // prettier-ignore
  }

  return {
    survive: (scenario: KafkaScenario): Promise<Result> =>
      guarded(scenario.name, scenario.what, () =>
        onStage(scenario.name, async (stage) => {
          const long = scenario.name.startsWith('outage') ? { holdMs: minutes * 60_000 } : {}
          const { lines, ...survived } = await watched(stage.world, ({ struck }) =>
            playKafka(stage, scenario, { ...long, rate, struck }),
          )
          return { lines, survived }
        }),
      ),
    tell: (story: KafkaStory): Promise<Result> =>
      guarded(story.name, story.what, () =>
        onStage(story.name, async (stage) => {
          const began = performance.now()
          const { lines } = await watched(stage.world, async (sampler) => ({ lines: await story.tell(stage, sampler) }))
          const records = await stage.world.settled()
          return { lines, told: { story, records, seconds: (performance.now() - began) / 1000 } }
        }),
      ),
    close: drop,
  }
}

/** Of what went wrong with brokers nobody knows the cause without them. */
const keepLogs = async (name: string, { world }: KafkaStage): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), `sluice-fault-${name}-`))
  for (const member of world.members) await writeFile(join(folder, `${member.name}.log`), member.output())
  return folder
}
