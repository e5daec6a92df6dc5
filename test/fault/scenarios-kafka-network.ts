// What the network does between the member and the brokers. Load, brokers among themselves and PostgreSQL do not feel it.
import { setTimeout as sleep } from 'node:timers/promises'
import { coordinatorOf } from '../support/own-kafka-leaders.ts'
import type { Toxic, ToxicProxy } from '../support/toxic-proxy.ts'
import type { KafkaScenario, KafkaStage } from './kafka-stage.ts'

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

const toxic = (name: string, what: string, which: Which, how: Toxic, more: Partial<KafkaScenario> = {}) => ({
  ...{ number: 17, name, what, holdMs: 20_000, ...more },
  async strike(stage: KafkaStage) {
    const proxies = await which(stage)
    for (const proxy of proxies) proxy.set(how)
    return async () => proxies.forEach((proxy) => proxy.heal())
  },
})

const hole = (name: string, what: string, which: Which, how: Toxic = {}) =>
  toxic(name, what, which, { ...how, hole: true }, { number: 16, holdMs: HOLE_MS, againMs: HALF_OPEN_MS })

const REPEATS = 10
const REPEAT_MS = 1_000

const repeated = (name: string, what: string, strike: (proxy: ToxicProxy) => void): KafkaScenario => ({
  ...{ number: 17, name, what },
  async strike({ kafka }) {
    for (let i = 0; i < REPEATS; i++) {
      strike(kafka.brokers[i % kafka.brokers.length]!.proxy)
      await sleep(REPEAT_MS)
    }
    return async () => {}
  },
})

export const networkScenarios: readonly KafkaScenario[] = [
  hole(
    'hole-one',
    'a black hole between member and one broker, not the coordinator; its connections stay mute',
    notCoordinator,
  ),
  hole('hole-coordinator', 'a black hole between member and coordinator; its connections stay mute', coordinator),
  hole('hole-all', 'a black hole between member and all brokers; connections stay mute', all),
  hole('hole-answers', 'requests arrive at every broker, answers vanish (one direction only)', all, { ways: ['down'] }),
  repeated('resets', `RST to every connection of one broker, ${REPEATS} times, one broker after the other`, (proxy) =>
    proxy.reset(),
  ),
  repeated('half-close', `a broker ends its side of every connection (FIN) and reads on, ${REPEATS} times`, (proxy) =>
    proxy.halfClose(),
  ),
  toxic(
    'sliced',
    'packets of one byte: sizes and headers arrive in pieces',
    all,
    { sliced: true },
    { keepsPlace: true },
  ),
  toxic('latency', '0.1 to 2 s of latency to every broker, each way', all, { latencyMs: 100, jitterMs: 900 }),
  toxic('latency-one', '0.5 s ± 0.4 s of latency from one broker', notCoordinator, {
    ...{ latencyMs: 100, jitterMs: 800, ways: ['down'] },
  }),
  toxic('narrow', '50 KB/s from every broker', all, { bytesPerSecond: 50_000, ways: ['down'] }),
  {
    ...{ number: 18, name: 'kafka-unreachable', holdMs: 20_000, againMs: 30_000 },
    what: 'no broker can be reached (resets, refusals) while PostgreSQL is well',
    async strike({ kafka }) {
      for (const { proxy } of kafka.brokers) proxy.refuse()
      return async () => kafka.brokers.forEach(({ proxy }) => proxy.heal())
    },
  },
]
