// The stage of the Kafka-side faults: three brokers of our own, members behind the proxies, load and oracle past them.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import type { OwnKafka } from '../support/own-kafka.ts'
import type { Sampler } from '../support/sampler.ts'
import type { Heal } from './scenario.ts'
import { openStage, type Server, type Stage } from './stage.ts'

export type KafkaStage = Stage & { readonly kafka: OwnKafka; readonly load: SturdyLoad }
export type SturdyLoad = ReturnType<typeof createSturdyLoad>

/** A fault of Kafka that passes: it must be survived. */
export type KafkaScenario = {
  /** Of the fault matrix (reliability.md, A.2); several variants share one. */
  readonly number: number
  readonly name: string
  readonly what: string
  readonly holdMs?: number
  /** Working again after healing, at the latest, and why so late. */
  readonly againMs?: number
  readonly strike: (stage: KafkaStage, member: Member) => Promise<Heal>
  /** What must be true beside the proof, once it has caught up. */
  readonly prove?: (stage: KafkaStage, member: Member) => Promise<ProofLine[]>
  /** Bad records that it sends itself. */
  readonly letters?: number
  /** Members beside the one that is looked at. */
  readonly others?: number
  /** The member must keep its place in the group. */
  readonly keepsPlace?: boolean
}

/** A fault whose course is a story of its own: members that end, topics that are made again. */
export type KafkaStory = {
  readonly number: number
  readonly name: string
  readonly what: string
  /** The sampler has to be told when the fault begins. */
  readonly tell: (stage: KafkaStage, sampler: Sampler) => Promise<ProofLine[]>
}

export const PARTITIONS = 6
const AGAIN_AFTER_MS = 500
const ENDS_MS = 20_000

export const openKafkaStage = async (options: {
  kafka: OwnKafka
  server: Server
  seed: number
  rate: number
  say: (line: string) => void
}): Promise<KafkaStage> => {
  const { kafka, rate, ...rest } = options
  const stage = await openStage({
    ...{ ...rest, brokers: kafka.direct, memberBrokers: kafka.behindProxies, partitions: PARTITIONS },
    replicationFactor: kafka.brokers.length,
  })
  const load = createSturdyLoad(stage, rate)
  const close = async () => {
    await load.stop()
    await stage.close()
  }
  return { ...stage, kafka, load, close }
}

/**
 * `sluice publish` gives up in an outage, and then begins again: with another seed, so that what it sends is new. What of
 * the last send has arrived nobody knows, and nobody has to: the proof reads the topic.
 */
export const createSturdyLoad = ({ world, seed }: Stage, rate: number, bad = 0) => {
  let round = 0
  let wanted = false
  let publishing: ReturnType<typeof begin> | null = null
  let running = Promise.resolve()
  const begin = () => {
    const flags = ['--bad', String(bad), '--seed', String(seed + 1_000 * round++), '--rate', String(rate)]
    return world.sluice(['publish', '--generate', '20000000', ...flags])
  }
  const run = async () => {
    while (wanted) {
      await (publishing = begin())
      if (wanted) await sleep(AGAIN_AFTER_MS)
    }
  }
  const end = async () => {
    const killer = setTimeout(() => publishing?.kill('SIGKILL'), ENDS_MS)
    publishing?.kill('SIGTERM')
    await publishing
    clearTimeout(killer)
  }
  return {
    start(): void {
      wanted = true
      running = run()
    },
    /** With what the brokers say now of the topic; kafkajs's producer asks every five minutes. */
    restart: end,
    async stop(): Promise<void> {
      wanted = false
      await end()
      await running
    },
  }
}
