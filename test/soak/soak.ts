// Random faults under a steady load with copies and poison; then everything heals, drains, and is held against the topic.
import { setTimeout as sleep } from 'node:timers/promises'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { ProofLine } from '../../src/demo/proof.ts'
import { createSturdyLoad } from '../fault/kafka-stage.ts'
import { exactly } from '../fault/play.ts'
import { openStage, type Server, type Stage } from '../fault/stage.ts'
import { withResources } from '../support/failpoints/env.ts'
import type { Member } from '../support/member.ts'
import { proveWorld } from '../support/oracle.ts'
import type { OwnKafka } from '../support/own-kafka.ts'
import { startSampler } from '../support/sampler.ts'
import { until } from '../support/until.ts'
import { holdsNow, proveFlat } from './flat.ts'
import { startNemesis } from './nemesis.ts'

export type SoakOptions = {
  readonly server: Server
  readonly brokers: readonly string[]
  readonly kafka: OwnKafka | null
  readonly minutes: number
  readonly seed: number
  readonly rate: number
  readonly members: number
  readonly say: (line: string) => void
}
export type Soaked = {
  readonly lines: ProofLine[]
  readonly records: number
  readonly faults: ReadonlyMap<string, number>
  readonly members: number
}

/** Of 20,000,000: one record in 200. */
const POISON = 100_000
const WARM_UP_MS = 20_000
const QUIET_MS = 8_000
const DRAINED_MS = 300_000
const TELL_MS = 60_000

export const soak = async (options: SoakOptions): Promise<Soaked> => {
  const { kafka, seed, minutes, rate, say } = options
  const replicated = kafka ? { memberBrokers: kafka.behindProxies, replicationFactor: kafka.brokers.length } : {}
  const stage = await openStage({ ...options, ...replicated, partitions: 6 })
  const random = xoroshiro128plus(seed)
  const upTo = (limit: number): number => uniformInt(random, 0, limit - 1)
  const start = () => stage.start('member', withResources())
  const load = createSturdyLoad(stage, rate, POISON)
  try {
    const members = Array.from({ length: options.members }, start)
    const [veteran] = members
    load.start()
    const sampler = await startSampler(stage.world, { say: stage.say })
    const settledOnce = async () => ((await stage.settled()) ?? 0) > rate
    await until('the members work', settledOnce, { describe: veteran!.tail })
    await sleep(WARM_UP_MS)
    const before = await holdsNow(stage, veteran!)
    const supervisor = startSupervisor(members, start, say)
    const nemesis = startNemesis({ stage, kafka, members, start, upTo }, { say })
    await forMinutes(minutes, stage, say)
    await nemesis.stop()
    const { early, late } = await supervisor.stop()
    say(`healed; draining (${early} starts were refused by a database or brokers that were down)`)
    await load.stop()
    await stage.world.drained(DRAINED_MS)
    await sleep(QUIET_MS)
    const flat = proveFlat(before, await holdsNow(stage, veteran!), stage.world.config.databasePoolSize)
    const sampled = await sampler.stop()
    for (const member of members) member.kill('SIGTERM')
    const endings = await Promise.all(members.map((member) => member.ended))
    const { lines, records, expected } = await proveWorld(stage.world)
    const { deadLettered } = await stage.world.totals()
    return {
      records: records.length,
      faults: nemesis.counts(),
      members: stage.world.members.length,
      lines: [
        ...flat,
        ...sampled,
        exactly('members that ended by themselves once they had started', 0, late),
        exactly('dead letters made of faults', 0, deadLettered - expected.bad - expected.conflicts),
        exactly(
          'exit codes other than 0 after SIGTERM, in the end',
          0,
          endings.filter(({ code }) => code !== 0).length,
        ),
        ...lines,
      ],
    }
  } finally {
    await load.stop()
    await stage.close()
  }
}

const JOINING = 'joining the group (a member that was killed is waited for until its session time-out)'

/** As in production: who ends is started again. A start may be refused while something is down; who has joined must stay. */
const startSupervisor = (members: Member[], start: () => Member, say: (line: string) => void) => {
  const stopping = new AbortController()
  const count = { early: 0, late: 0 }
  const look = () => {
    for (const [index, member] of members.entries()) {
      if (member.running()) continue
      const late = member.lines(JOINING).length > 0
      count[late ? 'late' : 'early'] += 1
      say(`${member.name} ended by itself ${late ? 'AFTER' : 'during'} its start. ${member.tail()}`)
      members[index] = start()
    }
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(1_000, null, { signal: stopping.signal }).catch(() => {})
      look()
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await running
      return count
    },
  }
}

/** Says once a minute where it stands. */
const forMinutes = async (minutes: number, stage: Stage, say: (line: string) => void) => {
  const until = performance.now() + minutes * 60_000
  while (performance.now() < until) {
    await sleep(Math.min(TELL_MS, until - performance.now()))
    const settled = await stage.settled()
    say(`${settled === null ? 'PostgreSQL does not say' : `${settled.toLocaleString('en')} records settled`}`)
  }
}
