// Random faults under a steady load with copies and poison; then everything heals, drains, and is held against the topic.
import { setTimeout as sleep } from 'node:timers/promises'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { ProofLine } from '../../src/demo/proof.ts'
import { createSturdyLoad } from '../fault/kafka-stage.ts'
import { asTold, stop } from '../fault/endings.ts'
import { exactly } from '../fault/play.ts'
import { openStage, type Server, type Stage } from '../fault/stage.ts'
import { ExitCode } from '../../src/lib/operator-error.ts'
import { withResources } from '../support/failpoints/env.ts'
import type { Member } from '../support/member.ts'
import { proveWorld } from '../support/oracle.ts'
import type { OwnKafka } from '../support/own-kafka.ts'
import { startSampler } from '../support/sampler.ts'
import { until } from '../support/until.ts'
import { holdsNow, proveFlat } from './flat.ts'
import { proveStruck, startNemesis } from './nemesis.ts'

export type SoakOptions = {
  readonly server: Server
  readonly brokers: readonly string[]
  readonly kafka: OwnKafka | null
  readonly minutes: number
  readonly seed: number
  readonly rate: number
  readonly members: number
  /** Shorter than for half an hour: until nothing grows any more, until nothing moves any more, and between two faults. */
  readonly warmUpMs?: number
  readonly quietMs?: number
  readonly everyMs?: number
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
const EVERY_MS = 5_000
const DRAINED_MS = 300_000
const TELL_MS = 60_000

export const soak = async (options: SoakOptions): Promise<Soaked> => {
  const { kafka, seed, minutes, rate, say, warmUpMs = WARM_UP_MS, quietMs = QUIET_MS, everyMs = EVERY_MS } = options
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
    await sleep(warmUpMs)
    const before = await holdsNow(stage, veteran!)
    const supervisor = startSupervisor(members, start, say)
    const nemesis = startNemesis({ stage, kafka, members, start, upTo }, { say, struck: sampler.struck, everyMs })
    await forMinutes(minutes, stage, say)
    await nemesis.stop()
    const { refused, wrong } = await supervisor.stop()
    say(`healed; draining (${refused} starts were refused by a database or brokers that were down)`)
    await load.stop()
    await stage.world.drained(DRAINED_MS)
    await sleep(quietMs)
    const flat = proveFlat(before, await holdsNow(stage, veteran!), stage.world.config.databasePoolSize)
    const sampled = await sampler.stop()
    const endings = await Promise.all(members.map(stop))
    const { lines, records, expected } = await proveWorld(stage.world)
    const { deadLettered } = await stage.world.totals()
    return {
      records: records.length,
      faults: nemesis.counts(),
      members: stage.world.members.length,
      lines: [
        ...flat,
        ...sampled,
        ...proveStruck(nemesis.counts(), minutes),
        exactly('members that ended by themselves, but for starts that were refused (exit code 3)', 0, wrong),
        exactly('members that ended otherwise than they were told to', 0, await endedWrongly(stage, say)),
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

/**
 * Of those that were told to. A drain may come in an outage and reach its deadline (exit code 1), a start be refused in one
 * (3); whoever ended untold is the supervisor's.
 */
const endedWrongly = async (stage: Stage, say: (line: string) => void): Promise<number> => {
  let wrong = 0
  for (const member of stage.world.members.filter(({ told }) =>
    told.some((each) => each !== 'SIGSTOP' && each !== 'SIGCONT'),
  )) {
    const how = await member.ended
    const joined = member.lines(JOINING).length > 0
    const codes = [ExitCode.ok, ExitCode.partial, ...(joined ? [] : [ExitCode.unavailable])]
    if (asTold(member, how, codes)) continue
    wrong += 1
    say(`${member.name} was told ${member.told.join(', ')} and ended with ${how.code ?? how.signal}. ${member.tail()}`)
  }
  return wrong
}

/** As in production: who ends is started again. A start may be refused while something is down; who has joined must stay. */
const startSupervisor = (members: Member[], start: () => Member, say: (line: string) => void) => {
  const stopping = new AbortController()
  const count = { refused: 0, wrong: 0 }
  const look = async () => {
    for (const [index, member] of members.entries()) {
      if (member.running()) continue
      const { code, signal } = await member.ended
      const joined = member.lines(JOINING).length > 0
      const refused = !joined && code === ExitCode.unavailable
      count[refused ? 'refused' : 'wrong'] += 1
      say(
        `${member.name} ended by itself with ${code ?? signal} ${joined ? 'AFTER' : 'during'} its start. ${member.tail()}`,
      )
      members[index] = start()
    }
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(1_000, null, { signal: stopping.signal }).catch(() => {})
      await look()
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
