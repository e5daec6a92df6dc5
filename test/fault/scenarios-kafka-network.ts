// What the network does between the member and the brokers. Load, brokers among themselves and PostgreSQL do not feel it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from '../support/member.ts'
import { coordinatorOf } from '../support/own-kafka-leaders.ts'
import type { Felt, Toxic, ToxicProxy } from '../support/toxic-proxy.ts'
import { until } from '../support/until.ts'
import { noteFelt } from './felt.ts'
import { type KafkaScenario, type KafkaStage, PARTITIONS } from './kafka-stage.ts'
import { atLeast, exactly } from './play.ts'
import { probeAll, probeOutage } from './probes.ts'

type Which = (stage: KafkaStage) => Promise<readonly ToxicProxy[]>
const all: Which = async ({ kafka }) => kafka.brokers.map(({ proxy }) => proxy)
const notCoordinator: Which = async ({ kafka, world }) => {
  const { leader } = await coordinatorOf(kafka, world.config.groupId)
  return [kafka.broker((leader % kafka.brokers.length) + 1).proxy]
}
const coordinator: Which = async ({ kafka, world }) => [
  kafka.broker((await coordinatorOf(kafka, world.config.groupId)).leader).proxy,
]

const HOLE_MS = 45_000
/** A connection of the hole stays mute after it: kafkajs notices by its request time-out, 30 s, and then backs off. */
const HALF_OPEN_MS = 50_000

const harmOf = ({ hole, bytesPerSecond, sliced }: Toxic): keyof Felt => {
  if (hole) return 'swallowed'
  if (bytesPerSecond) return 'narrowed'
  return sliced ? 'sliced' : 'delayed'
}

const toxic = (name: string, what: string, which: Which, how: Toxic, more: Partial<KafkaScenario> = {}) => ({
  ...{ number: 17, name, what, holdMs: 20_000, ...more },
  async strike(stage: KafkaStage, member: Member) {
    const proxies = await which(stage)
    for (const proxy of proxies) proxy.set(how)
    return async () => {
      noteFelt(stage, harmOf(how), { proxies, member })
      proxies.forEach((proxy) => proxy.heal())
    }
  },
})

const hole = (name: string, what: string, which: Which, how: Toxic = {}) =>
  toxic(name, what, which, { ...how, hole: true }, { number: 16, holdMs: HOLE_MS, againMs: HALF_OPEN_MS })

const REPEATS = 10
const REPEAT_MS = 1_000

const repeated = (
  name: string,
  what: string,
  harm: keyof Felt,
  strike: (proxy: ToxicProxy) => void,
): KafkaScenario => ({
  ...{ number: 17, name, what },
  async strike(stage, member) {
    const { kafka } = stage
    for (let i = 0; i < REPEATS; i++) {
      strike(kafka.brokers[i % kafka.brokers.length]!.proxy)
      await sleep(REPEAT_MS)
    }
    noteFelt(stage, harm, { proxies: await all(stage), member })
    return async () => {}
  },
})

/** Three times the session: the group has given it up, the other one has all partitions. */
const CUT_OFF_MS = 20_000

const cutOff: KafkaScenario = {
  ...{ number: 16, name: 'hole-member', holdMs: CUT_OFF_MS, againMs: HALF_OPEN_MS, others: 1 },
  what: 'a black hole between one of two members and all brokers, PostgreSQL still there; the other takes over, then it comes back',
  async strike(stage, member) {
    const { kafka, world } = stage
    const [other] = world.members
    for (const { proxy } of kafka.brokers) proxy.set({ hole: true, clientId: member.name })
    const takenOver = () => partitionsIn(other!) === PARTITIONS
    await until('the other one has all partitions', takenOver, { describe: other!.tail })
    return async () => {
      const proxies = kafka.brokers.map(({ proxy }) => proxy)
      const swallowed = (of: Member) => proxies.reduce((sum, proxy) => sum + proxy.felt(of.name).swallowed, 0)
      stage.evidence.push(
        atLeast('bytes of the member that were swallowed', 1, swallowed(member)),
        exactly('bytes of the other one that were swallowed', 0, swallowed(other!)),
      )
      proxies.forEach((proxy) => proxy.heal())
    }
  },
  async prove({ world }, member) {
    const [other] = world.members
    const shared = () => partitionsIn(other!) === PARTITIONS / 2 && partitionsIn(member) === PARTITIONS / 2
    await until('both have half of the partitions', shared, { timeoutMs: HALF_OPEN_MS, describe: member.tail })
    return []
  },
}

/** It asks one broker after the other, and may not come to all of them. */
const noteRefused = ({ evidence }: KafkaStage, proxies: readonly ToxicProxy[]) => {
  const refused = proxies.reduce((sum, proxy) => sum + proxy.felt().refused, 0)
  evidence.push(atLeast('connections of the member that were refused', 1, refused))
}

const partitionsIn = (member: Member): number => {
  const count = (msg: string) =>
    member.lines(msg).reduce((sum, line) => sum + (line['partitions'] as readonly number[]).length, 0)
  return count('partitions assigned') - count('partitions revoked')
}

export const networkScenarios: readonly KafkaScenario[] = [
  hole(
    'hole-one',
    'a black hole between member and one broker, not the coordinator; its connections stay mute',
    notCoordinator,
  ),
  hole('hole-coordinator', 'a black hole between member and coordinator; its connections stay mute', coordinator),
  hole('hole-all', 'a black hole between member and all brokers; connections stay mute', all),
  hole('hole-answers', 'requests arrive at every broker, answers vanish (one direction only)', all, { ways: ['down'] }),
  cutOff,
  repeated(
    'resets',
    `RST to every connection of one broker, ${REPEATS} times, one broker after the other`,
    'reset',
    (proxy) => proxy.reset(),
  ),
  repeated(
    'half-close',
    `a broker ends its side of every connection (FIN) and reads on, ${REPEATS} times`,
    'halfClosed',
    (proxy) => proxy.halfClose(),
  ),
  toxic(
    'sliced',
    'packets of one byte: sizes and headers arrive in pieces',
    all,
    { sliced: true },
    { keepsPlace: true },
  ),
  toxic('latency', '0.1 to 2 s of latency to every broker, each way', all, { latencyMs: 100, jitterMs: 1_900 }),
  toxic('latency-one', '0.5 s ± 0.4 s of latency from one broker', notCoordinator, {
    ...{ latencyMs: 100, jitterMs: 800, ways: ['down'] },
  }),
  toxic('narrow', '50 KB/s from every broker', all, { bytesPerSecond: 50_000, ways: ['down'] }),
  {
    ...{ number: 18, name: 'kafka-unreachable', holdMs: 20_000 },
    what: 'no broker can be reached (resets, refusals) while PostgreSQL is well',
    async strike(stage, member) {
      const proxies = await all(stage)
      for (const proxy of proxies) proxy.refuse()
      noteFelt(stage, 'reset', { proxies, member })
      return async () => {
        noteRefused(stage, proxies)
        stage.answers.push(...(await probeOutage(member, 'without a broker in reach')))
        proxies.forEach((proxy) => proxy.heal())
      }
    },
    prove: (_, member) => probeAll([member], 'with all brokers in reach'),
  },
]
