// What may happen at any time: to PostgreSQL, to members, to brokers. Each resolves when it is healed again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../fault/stage.ts'
import type { Member } from '../support/member.ts'
import type { OwnKafka } from '../support/own-kafka.ts'

export type Target = 'postgres' | 'member' | 'kafka'
export type Ground = {
  readonly stage: Stage
  /** Null: a Kafka that is not ours to hurt. */
  readonly kafka: OwnKafka | null
  /** Those that may be hurt; the first one is never ended. */
  readonly members: Member[]
  readonly start: () => Member
  readonly upTo: (limit: number) => number
}
export type Fault = {
  readonly target: Target
  readonly name: string
  readonly strike: (ground: Ground) => Promise<unknown>
}

const between = ({ upTo }: Ground, from: number, to: number) => sleep(from + upTo(to - from))

const postgresFaults: readonly Fault[] = [
  ...(['fast', 'immediate', 'kill'] as const).map((mode) => ({
    ...{ target: 'postgres' as const, name: `PostgreSQL restarted (${mode})` },
    async strike(ground: Ground) {
      await ground.stage.postgres.stop(mode)
      await between(ground, 500, 4_000)
      await ground.stage.postgres.start()
    },
  })),
  {
    ...{ target: 'postgres', name: 'PostgreSQL unreachable' },
    async strike(ground) {
      ground.stage.proxy.down()
      await between(ground, 1_000, 9_000)
      ground.stage.proxy.up()
    },
  },
  {
    ...{ target: 'postgres', name: 'the way to PostgreSQL swallows everything' },
    async strike(ground) {
      ground.stage.proxy.silent()
      await between(ground, 1_000, 9_000)
      ground.stage.proxy.up()
    },
  },
  { target: 'postgres', name: 'every connection cut', strike: async ({ stage }) => stage.proxy.cut() },
  ...(['lost', 'unanswered'] as const).map((how) => ({
    ...{ target: 'postgres' as const, name: how === 'lost' ? 'a COMMIT lost' : 'the answer to a COMMIT lost' },
    // No flush may come for a while: somebody else's fault.
    strike: ({ stage }: Ground) => Promise.race([stage.proxy.cutAtCommit(how), sleep(10_000)]),
  })),
  {
    ...{ target: 'postgres', name: 'every session killed' },
    strike: ({ stage }) =>
      stage.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'member'`,
      ),
  },
]

/** Ends one that is not the first, and puts another in its place at once. */
const replace = (name: string, signal: NodeJS.Signals): Fault => ({
  ...{ target: 'member', name },
  async strike({ members, start, upTo }) {
    const index = 1 + upTo(members.length - 1)
    const victim = members[index]!
    victim.kill(signal)
    members[index] = start()
    await victim.ended
  },
})

const standStill = (name: string, from: number, to: number): Fault => ({
  ...{ target: 'member', name },
  async strike(ground) {
    const member = ground.members[ground.upTo(ground.members.length)]!
    member.kill('SIGSTOP')
    await between(ground, from, to)
    member.kill('SIGCONT')
  },
})

const memberFaults: readonly Fault[] = [
  replace('member killed (SIGKILL)', 'SIGKILL'),
  replace('member stopped (SIGTERM)', 'SIGTERM'),
  standStill('member stands still, within its session', 500, 4_000),
  standStill('member stands still, beyond its session', 8_000, 14_000),
]

const broker = ({ kafka, upTo }: Ground) => kafka!.brokers[upTo(kafka!.brokers.length)]!

const brokerFaults: readonly Fault[] = [
  ...(['SIGTERM', 'SIGKILL'] as const).map((signal) => ({
    ...{ target: 'kafka' as const, name: `broker restarted (${signal})` },
    async strike(ground: Ground) {
      const victim = broker(ground)
      await victim.stop(signal)
      await between(ground, 500, 5_000)
      await victim.start()
      // Two of three at once would be an outage of what needs two replicas.
      await ground.kafka!.healthy()
    },
  })),
  {
    ...{ target: 'kafka', name: 'broker stands still' },
    async strike(ground) {
      const victim = broker(ground)
      await victim.suspend()
      await between(ground, 1_000, 12_000)
      victim.resume()
      await ground.kafka!.healthy()
    },
  },
  {
    target: 'kafka',
    name: 'RST to every connection of a broker',
    strike: async (ground) => broker(ground).proxy.reset(),
  },
  {
    ...{ target: 'kafka', name: '0.1 to 1 s of latency to a broker' },
    async strike(ground) {
      const { proxy } = broker(ground)
      proxy.set({ latencyMs: 100, jitterMs: 900 })
      await between(ground, 3_000, 9_000)
      proxy.heal()
    },
  },
  {
    ...{ target: 'kafka', name: 'black hole in front of a broker' },
    async strike(ground) {
      const { proxy } = broker(ground)
      proxy.set({ hole: true })
      await between(ground, 2_000, 9_000)
      proxy.heal()
      proxy.reset() // what lost bytes stays mute for good: the fault lane waits for its time-outs
    },
  },
]

export const faultsFor = (kafka: OwnKafka | null): readonly Fault[] => [
  ...postgresFaults,
  ...memberFaults,
  ...(kafka ? brokerFaults : []),
]
