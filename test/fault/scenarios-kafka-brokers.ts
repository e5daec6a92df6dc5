// Brokers that stop, die, hang; leaders and coordinators that move.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from '../support/member.ts'
import type { OwnBroker, OwnKafka } from '../support/own-kafka.ts'
import { coordinatorOf, moveAllLeaders, moveCoordinator, partitionsOf, reassign } from '../support/own-kafka-leaders.ts'
import { until } from '../support/until.ts'
import { noteFelt } from './felt.ts'
import { type KafkaScenario, type KafkaStage, PARTITIONS } from './kafka-stage.ts'
import { atLeast, exactly } from './play.ts'
import { probeAll, probeOutage } from './probes.ts'
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

type How = 'SIGTERM' | 'SIGKILL'
const rolling = (
  name: string,
  what: string,
  how: (broker: OwnBroker, coordinator: OwnBroker) => How,
): KafkaScenario => ({
  ...{ number: 11, name, what },
  async strike(stage, member) {
    const first = await coordinator(stage)
    for (const broker of stage.kafka.brokers) {
      await broker.stop(how(broker, first))
      await goesOn(stage, member, `while broker ${broker.id} is down`)
      await restart(stage.kafka, broker)
    }
    // Of a group of several, by whoever had something of it.
    noteFelt(stage, 'lost', { proxies: stage.kafka.brokers.map(({ proxy }) => proxy) })
    return nothingToHeal
  },
})

const leaderMoves = (name: string, what: string, rounds: number): KafkaScenario => ({
  ...{ number: 12, name, what },
  async strike(stage, member) {
    let moved = 0
    for (let round = 1; round <= rounds; round++) {
      const before = await leadersOf(stage)
      await moveAllLeaders(stage.kafka, stage.world.config.topic)
      const after = await leadersOf(stage)
      moved += [...after].filter(([partition, leader]) => before.get(partition) !== leader).length
      await goesOn(stage, member, `after move ${round}`)
    }
    stage.evidence.push(exactly('partitions whose leader has moved', rounds * PARTITIONS, moved))
    return nothingToHeal
  },
})

const leadersOf = async ({ kafka, world }: KafkaStage): Promise<Map<number, number>> =>
  new Map([...(await partitionsOf(kafka, world.config.topic))].map(([partition, { leader }]) => [partition, leader]))

const ROUNDS = 3

const coordinatorMoves: KafkaScenario = {
  ...{ number: 13, name: 'coordinator-moves' },
  what: `the group's coordinator moves to the next broker, the old one still up, ${ROUNDS} times`,
  async strike(stage, member) {
    let moved = 0
    for (let round = 1; round <= ROUNDS; round++) {
      const before = await coordinator(stage)
      await moveCoordinator(stage.kafka, stage.world.config.groupId)
      if ((await coordinator(stage)) !== before) moved += 1
      await goesOn(stage, member, `after move ${round}`)
    }
    stage.evidence.push(exactly('moves of the coordinator', ROUNDS, moved))
    return nothingToHeal
  },
}

const coordinator = async ({ kafka, world }: KafkaStage): Promise<OwnBroker> =>
  kafka.broker((await coordinatorOf(kafka, world.config.groupId)).leader)

const coordinatorKilled: KafkaScenario = {
  ...{ number: 13, name: 'coordinator-killed', holdMs: 15_000 },
  what: 'kill -9 of the broker that coordinates the group; it is back 15 s later',
  async strike(stage, member) {
    const broker = await coordinator(stage)
    await broker.stop('SIGKILL')
    return () => {
      noteFelt(stage, 'lost', { proxies: [broker.proxy], member })
      return restart(stage.kafka, broker)
    }
  },
}

/** By then what a member had in its buffer when the brokers went is written. */
const BUFFERED_MS = 8_000

const allDown = (name: string, what: string, holdMs: number): KafkaScenario => ({
  ...{ number: 14, name, what, holdMs },
  // kafkajs asks for the coordinator through the brokers it knows, one back-off after the other, and then begins anew.
  againMs: 30_000,
  async strike(stage, member) {
    const { kafka } = stage
    await Promise.all(kafka.brokers.map((broker) => broker.stop('SIGKILL')))
    await sleep(BUFFERED_MS)
    const settled = await stage.settled()
    return async () => {
      noteFelt(stage, 'lost', { proxies: kafka.brokers.map(({ proxy }) => proxy), member })
      stage.evidence.push(
        exactly('records settled without a broker', 0, ((await stage.settled()) ?? -1) - (settled ?? 0)),
      )
      stage.answers.push(...(await probeOutage(member, 'without a broker')))
      await Promise.all(kafka.brokers.map((broker) => broker.start()))
      await kafka.healthy()
    }
  },
  prove: (_, member) => probeAll([member], 'with all brokers again'),
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
      stage.evidence.push(exactly('letters that waited while the fault lasted', LETTERS, await unpublished(stage)))
      await goesOn(stage, member, 'at the end of the fault')
      await restart(kafka, dies)
    }
  },
  async prove(stage) {
    await until('the outbox is empty', async () => (await unpublished(stage)) === 0, { timeoutMs: 90_000 })
    return [exactly('letters that still wait', 0, await unpublished(stage))]
  },
}

/** What the broker had answered before it hung. */
const UNDER_WAY_MS = 500

const stalled = (name: string, what: string, which: (stage: KafkaStage) => Promise<OwnBroker>): KafkaScenario => ({
  ...{ number: 37, name, what, holdMs: 20_000 },
  async strike(stage, member) {
    const broker = await which(stage)
    const { proxy } = broker
    const connections = proxy.connections(member.name)
    await broker.suspend()
    await sleep(UNDER_WAY_MS)
    proxy.forget()
    return async () => {
      stage.evidence.push(
        atLeast('connections of the member to the broker that hangs', 1, connections),
        exactly('brokers that hang until the end', 1, (await broker.standsStill()) ? 1 : 0),
        exactly('bytes that the member got from it meanwhile', 0, proxy.felt(member.name).down),
      )
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
    'one broker after the other is stopped (SIGTERM, leaders handed over) and started again',
    () => 'SIGTERM',
  ),
  rolling('rolling-kill', 'one broker after the other is killed (SIGKILL) and started again', () => 'SIGKILL'),
  rolling(
    'rolling-mixed',
    "one broker after the other is started again, the group's coordinator after a SIGKILL, the others after a SIGTERM",
    (broker, first) => (broker === first ? 'SIGKILL' : 'SIGTERM'),
  ),
  leaderMoves(
    'leader-move',
    'the leader of every partition moves to the next broker by a preferred election, the old one still up',
    1,
  ),
  leaderMoves('leader-moves', `the same ${ROUNDS} times, one after the other`, ROUNDS),
  {
    ...rolling(
      'rolling-members',
      'one broker after the other is killed and started again, under a group of three members',
      () => 'SIGKILL',
    ),
    others: 2,
  },
  { ...leaderMoves('leader-moves-members', 'all leaders move twice, under a group of three members', 2), others: 2 },
  coordinatorMoves,
  coordinatorKilled,
  allDown('brokers-down', 'kill -9 of all three brokers at once; started again 15 s later', 15_000),
  allDown('outage-brokers', 'kill -9 of all three brokers at once, for the minutes of --minutes', 120_000),
  dlqBelowIsr,
  stalled('stall-leader', 'the leader of partition 0 hangs for 20 s (SIGSTOP, SIGCONT)', leaderOf0),
  stalled('stall-coordinator', "the group's coordinator hangs for 20 s (SIGSTOP, SIGCONT)", coordinator),
]
