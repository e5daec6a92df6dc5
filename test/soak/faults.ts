// What may happen at any time: to PostgreSQL, to members, to brokers. Each resolves when it is healed again.
import { setTimeout as sleep } from 'node:timers/promises'
import { ending } from '../fault/endings.ts'
import { MEMBER_ROLE, type Stage, terminate } from '../fault/stage.ts'
import type { Member } from '../support/member.ts'
import type { OwnKafka } from '../support/own-kafka.ts'
import { standsStill } from '../support/processes.ts'
import type { Felt, ToxicProxy } from '../support/toxic-proxy.ts'

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
  /** How much of it took place (connections, bytes, processes): of what gives 0 nothing did. */
  readonly strike: (ground: Ground) => Promise<number>
}

const between = ({ upTo }: Ground, from: number, to: number) => sleep(from + upTo(to - from))

const postgresFaults: readonly Fault[] = [
  ...(['fast', 'immediate', 'kill'] as const).map((mode) => ({
    ...{ target: 'postgres' as const, name: `PostgreSQL restarted (${mode})` },
    async strike(ground: Ground) {
      const { postgres } = ground.stage
      await postgres.stop(mode)
      await between(ground, 500, 4_000)
      const was = postgres.running() ? 0 : 1
      await postgres.start()
      return was
    },
  })),
  {
    ...{ target: 'postgres', name: 'PostgreSQL unreachable' },
    strike: (ground) => met(ground, ({ cut, refused }) => cut + refused, async ({ proxy }) => {
      proxy.down()
      await between(ground, 1_000, 9_000)
      proxy.up()
    }), // prettier-ignore
  },
  {
    ...{ target: 'postgres', name: 'the way to PostgreSQL swallows everything' },
    strike: (ground) => met(ground, ({ swallowed }) => swallowed, async ({ proxy }) => {
      proxy.silent()
      await between(ground, 1_000, 9_000)
      proxy.up()
    }), // prettier-ignore
  },
  { target: 'postgres', name: 'every connection cut', strike: ({ stage }) => Promise.resolve(stage.proxy.cut()) },
  ...(['lost', 'unanswered'] as const).map((how) => ({
    ...{ target: 'postgres' as const, name: how === 'lost' ? 'a COMMIT lost' : 'the answer to a COMMIT lost' },
    // No flush may come for a while: somebody else's fault. Then it must not come later either.
    strike: async ({ stage }: Ground) => Number(await stage.proxy.cutAtCommit(how, AbortSignal.timeout(FLUSH_MS))),
  })),
  {
    ...{ target: 'postgres', name: 'every session killed' },
    async strike({ stage }) {
      const rows = await stage.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = '${MEMBER_ROLE}'`,
      )
      return terminate(stage, rows.map(({ pid }) => pid)) // prettier-ignore
    },
  },
]

const FLUSH_MS = 10_000

type Did = ReturnType<Stage['proxy']['did']>

/** How much of it the way to PostgreSQL has counted meanwhile. */
const met = async ({ stage }: Ground, pick: (did: Did) => number, work: (stage: Stage) => Promise<void>) => {
  const before = pick(stage.proxy.did())
  await work(stage)
  return pick(stage.proxy.did()) - before
}

/** Ends one that is not the first, and puts another in its place at once. */
const replace = (name: string, signal: 'SIGKILL' | 'SIGTERM'): Fault => ({
  ...{ target: 'member', name },
  async strike({ members, start, upTo }) {
    const index = 1 + upTo(members.length - 1)
    const victim = members[index]!
    const ran = victim.running()
    victim.kill(signal)
    members[index] = start()
    const how = await ending(victim)
    return ran && (signal === 'SIGTERM' || how.signal === 'SIGKILL') ? 1 : 0
  },
})

const standStill = (name: string, from: number, to: number): Fault => ({
  ...{ target: 'member', name },
  async strike(ground) {
    const member = ground.members[ground.upTo(ground.members.length)]!
    member.kill('SIGSTOP')
    await between(ground, from, to)
    const still = await standsStill(member.pid)
    member.kill('SIGCONT')
    return still ? 1 : 0
  },
})

const memberFaults: readonly Fault[] = [
  replace('member killed (SIGKILL)', 'SIGKILL'),
  replace('member stopped (SIGTERM)', 'SIGTERM'),
  standStill('member stands still, within its session', 500, 4_000),
  standStill('member stands still, beyond its session', 8_000, 14_000),
]

const broker = ({ kafka, upTo }: Ground) => kafka!.brokers[upTo(kafka!.brokers.length)]!

/** Bytes of members, of this broker, meanwhile. */
const felt = async (proxy: ToxicProxy, what: keyof Felt, work: () => Promise<unknown>) => {
  proxy.forget()
  await work()
  return proxy.felt()[what]
}

const brokerFaults: readonly Fault[] = [
  ...(['SIGTERM', 'SIGKILL'] as const).map((signal) => ({
    ...{ target: 'kafka' as const, name: `broker restarted (${signal})` },
    async strike(ground: Ground) {
      const victim = broker(ground)
      const lost = await felt(victim.proxy, 'lost', async () => {
        await victim.stop(signal)
        await between(ground, 500, 5_000)
        await victim.start()
      })
      // Two of three at once would be an outage of what needs two replicas.
      await ground.kafka!.healthy()
      return lost
    },
  })),
  {
    ...{ target: 'kafka', name: 'broker stands still' },
    async strike(ground) {
      const victim = broker(ground)
      const connections = victim.proxy.connections()
      await victim.suspend()
      await between(ground, 1_000, 12_000)
      const still = await victim.standsStill()
      victim.resume()
      await ground.kafka!.healthy()
      return still ? connections : 0
    },
  },
  {
    target: 'kafka',
    name: 'RST to every connection of a broker',
    strike: (ground) => Promise.resolve(broker(ground).proxy.reset()),
  },
  {
    ...{ target: 'kafka', name: '0.1 to 1 s of latency to a broker' },
    strike(ground) {
      const { proxy } = broker(ground)
      return felt(proxy, 'delayed', async () => {
        proxy.set({ latencyMs: 100, jitterMs: 900 })
        await between(ground, 3_000, 9_000)
        proxy.heal()
      })
    },
  },
  {
    ...{ target: 'kafka', name: 'black hole in front of a broker' },
    strike(ground) {
      const { proxy } = broker(ground)
      return felt(proxy, 'swallowed', async () => {
        proxy.set({ hole: true })
        await between(ground, 2_000, 9_000)
        proxy.heal()
        proxy.reset() // what lost bytes stays mute for good: the fault lane waits for its time-outs
      })
    },
  },
]

export const faultsFor = (kafka: OwnKafka | null): readonly Fault[] => [
  ...postgresFaults,
  ...memberFaults,
  ...(kafka ? brokerFaults : []),
]
