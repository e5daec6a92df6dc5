// Brokers that stop, die, hang; leaders and coordinators that move.
import type { Member } from '../support/member.ts'
import type { OwnBroker, OwnKafka } from '../support/own-kafka.ts'
import { coordinatorOf, moveAllLeaders, moveCoordinator, partitionsOf, reassign } from '../support/own-kafka-leaders.ts'
import { until } from '../support/until.ts'
import type { KafkaScenario, KafkaStage } from './kafka-stage.ts'
import { exactly } from './play.ts'
import type { Heal } from './scenario.ts'

const nothingToHeal: Heal = async () => {}

const goesOn = async (stage: KafkaStage, member: Member, what: string) => {
  const before = (await stage.settled()) ?? 0
  const grown = async () => ((await stage.settled()) ?? 0) > before
  await until(`records are settled ${what}`, grown, { timeoutMs: 60_000, describe: member.tail })
}

const restart = async (kafka: OwnKafka, broker: OwnBroker) => {
  await broker.start()
  await kafka.healthy()
}

const rolling = (name: string, how: 'SIGTERM' | 'SIGKILL', what: string): KafkaScenario => ({
  ...{ number: 11, name, what },
  async strike(stage, member) {
    for (const broker of stage.kafka.brokers) {
      await broker.stop(how)
      await goesOn(stage, member, `while broker ${broker.id} is down`)
      await restart(stage.kafka, broker)
    }
    return nothingToHeal
  },
})

const ROUNDS = 3

const leaderMoves: KafkaScenario = {
  ...{ number: 12, name: 'leader-moves' },
  what: `the leader of every partition moves to the next broker by a preferred election, the old one still up, ${ROUNDS} times`,
  async strike(stage, member) {
    const { kafka, world } = stage
    for (let round = 1; round <= ROUNDS; round++) {
      await moveAllLeaders(kafka, world.config.topic)
      await goesOn(stage, member, `after move ${round}`)
    }
    return nothingToHeal
  },
}

const coordinatorMoves: KafkaScenario = {
  ...{ number: 13, name: 'coordinator-moves' },
  what: `the group's coordinator moves to the next broker, the old one still up, ${ROUNDS} times`,
  async strike(stage, member) {
    for (let round = 1; round <= ROUNDS; round++) {
      await moveCoordinator(stage.kafka, stage.world.config.groupId)
      await goesOn(stage, member, `after move ${round}`)
    }
    return nothingToHeal
  },
}

const coordinator = async ({ kafka, world }: KafkaStage): Promise<OwnBroker> =>
  kafka.broker((await coordinatorOf(kafka, world.config.groupId)).leader)

const coordinatorKilled: KafkaScenario = {
  ...{ number: 13, name: 'coordinator-killed', holdMs: 15_000 },
  what: 'kill -9 of the broker that coordinates the group; it is back 15 s later',
  async strike(stage) {
    const broker = await coordinator(stage)
    await broker.stop('SIGKILL')
    return () => restart(stage.kafka, broker)
  },
}

const allDown = (name: string, what: string, holdMs: number): KafkaScenario => ({
  ...{ number: 14, name, what, holdMs },
  // kafkajs asks for the coordinator through the brokers it knows, one back-off after the other, and then begins anew.
  againMs: 30_000,
  async strike({ kafka }) {
    await Promise.all(kafka.brokers.map((broker) => broker.stop('SIGKILL')))
    return async () => {
      await Promise.all(kafka.brokers.map((broker) => broker.start()))
      await kafka.healthy()
    }
  },
})

const LETTERS = 40
const unpublished = async ({ query }: KafkaStage): Promise<number> => {
  const [row] = await query<{ count: number }>('SELECT count(*)::int FROM dead_letter WHERE published_at IS NULL')
  return row!.count
}

const dlqBelowIsr: KafkaScenario = {
  ...{ number: 15, name: 'dlq-below-isr', holdMs: 10_000, letters: LETTERS },
  what: `the DLQ topic has fewer replicas in sync than min.insync.replicas (one of its two brokers is killed), and ${LETTERS} bad records come`,
  async strike(stage, member) {
    const { kafka, world } = stage
    const { dlqTopic } = world.config
    const [stays, dies] = [kafka.broker(1), kafka.broker(2)]
    const now = await partitionsOf(kafka, dlqTopic)
    await reassign(kafka, dlqTopic, new Map([...now.keys()].map((partition) => [partition, [stays.id, dies.id]])))
    const two = async () =>
      [...(await partitionsOf(kafka, dlqTopic)).values()].every(({ replicas }) => replicas.length === 2)
    await until('the DLQ topic has two replicas', two)
    await dies.stop('SIGKILL')
    const one = async () => [...(await partitionsOf(kafka, dlqTopic)).values()].every(({ isr }) => isr.length === 1)
    await until('one replica of the DLQ topic is in sync', one)
    await world.send(Array.from({ length: LETTERS }, (_, i) => ({ key: `bad-${i}`, value: Buffer.from('{') })))
    await until('all letters wait in the outbox', async () => (await unpublished(stage)) === LETTERS, {
      describe: member.tail,
    })
    await goesOn(stage, member, 'while the letters wait')
    return async () => {
      // Not one of them may have gone out, or the fault was none.
      if ((await unpublished(stage)) !== LETTERS) throw new Error('letters were published in spite of the fault')
      await goesOn(stage, member, 'at the end of the fault')
      await restart(kafka, dies)
    }
  },
  async prove(stage) {
    await until('the outbox is empty', async () => (await unpublished(stage)) === 0, { timeoutMs: 90_000 })
    return [exactly('letters that still wait', 0, await unpublished(stage))]
  },
}

const stalled = (name: string, what: string, which: (stage: KafkaStage) => Promise<OwnBroker>): KafkaScenario => ({
  ...{ number: 37, name, what, holdMs: 20_000 },
  async strike(stage) {
    const broker = await which(stage)
    await broker.suspend()
    return async () => {
      broker.resume()
      await stage.kafka.healthy()
    }
  },
})

const leaderOf0 = async ({ kafka, world }: KafkaStage) => {
  const { leader } = (await partitionsOf(kafka, world.config.topic)).get(0)!
  return kafka.broker(leader)
}

export const brokerScenarios: readonly KafkaScenario[] = [
  rolling(
    'rolling-term',
    'SIGTERM',
    'one broker after the other is stopped (SIGTERM, leaders handed over) and started again',
  ),
  rolling('rolling-kill', 'SIGKILL', 'one broker after the other is killed (SIGKILL) and started again'),
  leaderMoves,
  coordinatorMoves,
  coordinatorKilled,
  allDown('brokers-down', 'kill -9 of all three brokers at once; started again 15 s later', 15_000),
  allDown('outage-brokers', 'kill -9 of all three brokers at once, for the minutes of --minutes', 120_000),
  dlqBelowIsr,
  stalled('stall-leader', 'the leader of partition 0 hangs for 20 s (SIGSTOP, SIGCONT)', leaderOf0),
  stalled('stall-coordinator', "the group's coordinator hangs for 20 s (SIGSTOP, SIGCONT)", coordinator),
]
