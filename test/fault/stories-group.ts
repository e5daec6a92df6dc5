// Members that come and go: a storm of rebalances, more members than partitions, two versions side by side (faults 8, 9, 42).
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import { openOlderVersion } from './older-version.ts'
import { ending } from './endings.ts'
import { atLeast, atMost, exactly } from './play.ts'
import { probeAll } from './probes.ts'
import type { Stage } from './stage.ts'
import { goesOn, type Story, works } from './story.ts'
import { ownedBy } from './stories-zombie.ts'

const EVERY_MS = 2_000
const MOST_MEMBERS = 4
/** From then on chance has to have killed somebody. */
const LONG_S = 60
const LONGEST_STANDSTILL_S = 15

/** The longest time in which nothing was settled. */
const watchProgress = (stage: Stage) => {
  let last = -1
  let since = performance.now()
  let longest = 0
  const stopping = new AbortController()
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const settled = (await stage.settled()) ?? last
      const now = performance.now()
      longest = Math.max(longest, now - since)
      if (settled > last) since = now
      last = settled
      await sleep(200)
    }
  })()
  return async (): Promise<ProofLine> => {
    stopping.abort()
    await watching
    return atMost('I10 longest standstill in s', LONGEST_STANDSTILL_S, Math.round(longest / 1000))
  }
}

/** Of those that were told to stop. One that has not written its first line yet has nothing to drain: the signal ends it. */
const unclean = async (stage: Stage, members: readonly Member[]): Promise<number> => {
  await Promise.all(members.map(ending))
  let count = 0
  for (const member of members) {
    const { code, signal } = await member.ended
    if (code === 0 || (signal === 'SIGTERM' && member.lines().length === 0)) continue
    count += 1
    stage.say(`${member.name} ended with ${code ?? signal}. ${member.tail()}`)
  }
  return count
}

const storm = (name: string, deaths: number, what: string): Story => ({
  ...{ number: 8, name },
  what: `a rebalance storm: every ${EVERY_MS / 1000} s a member starts or stops (${what}), 1 to ${MOST_MEMBERS} of them`,
  proves: `totals stay exact, and nothing stands still for more than ${LONGEST_STANDSTILL_S} s`,
  async tell({ stage, sampler, upTo, seconds }) {
    const alive = [stage.start('member')]
    await works(alive[0]!)
    sampler.struck()
    const progress = watchProgress(stage)
    const stopped: Member[] = []
    const killed: Member[] = []
    const began = performance.now()
    while (performance.now() - began < seconds * 1_000) {
      const starts = alive.length === 1 || (alive.length < MOST_MEMBERS && upTo(2) === 0)
      if (starts) alive.push(stage.start('member'))
      else {
        const [victim] = alive.splice(upTo(alive.length), 1)
        const dies = upTo(100) < deaths
        victim!.kill(dies ? 'SIGKILL' : 'SIGTERM')
        ;(dies ? killed : stopped).push(victim!)
      }
      await sleep(EVERY_MS)
    }
    await Promise.all(killed.map(ending))
    const notClean = await unclean(stage, stopped)
    const standstill = await progress()
    await goesOn(stage, 'after the storm', { records: 500 })
    stage.say(`${stage.world.members.length} members started, ${stopped.length} stopped, ${killed.length} killed`)
    return [
      standstill,
      exactly('I12 exit codes other than 0 after SIGTERM, in the storm', 0, notClean),
      atLeast(
        'members that started or stopped in the storm',
        3,
        stage.world.members.length - 1 + stopped.length + killed.length,
      ),
      ...(deaths > 0 && seconds >= LONG_S ? [atLeast('members killed in the storm', 1, killed.length)] : []),
    ]
  },
})

const PARTITIONS = 4

const scale: Story = {
  ...{ number: 9, name: 'scale' },
  what: `from 1 member to 6 and back to 2, on ${PARTITIONS} partitions`,
  proves: 'members without a partition stand by and take over; nothing stands still for more than 15 s',
  partitions: PARTITIONS,
  async tell({ stage, sampler }) {
    const { world } = stage
    const members = [stage.start('member')]
    await works(members[0]!)
    sampler.struck()
    const progress = watchProgress(stage)
    for (let more = 0; more < 5; more++) members.push(stage.start('member'))
    const shares = () => members.filter((member) => member.running()).map(ownedBy).sort((a, b) => b - a) // prettier-ignore
    const shared = (expected: string) =>
      until(`the partitions are shared ${expected}`, () => shares().join(' ') === expected, {
        ...{ timeoutMs: 90_000, describe: () => shares().join(' ') },
      })
    await shared('1 1 1 1 0 0')
    const idle = await probeAll(members, 'with two that have no partition')
    const six = await world.admin.groupMembers(world.config.groupId)
    await goesOn(stage, 'with six members', { records: 500 })
    // Those that have a partition go; those that stood by must take over.
    const go = members.filter((member) => ownedBy(member) > 0)
    for (const member of go) member.kill('SIGTERM')
    const notClean = await unclean(stage, go)
    await shared('2 2')
    await goesOn(stage, 'with the two that stood by', { records: 500 })
    return [
      await progress(),
      exactly('members of the group at six', 6, six),
      ...idle,
      exactly('I12 exit codes other than 0 of the four that left', 0, notClean),
    ]
  },
}

const rolling: Story = {
  ...{ number: 42, name: 'two-versions' },
  what: 'a rolling deploy: three members of an older commit of this repository, replaced one by one by members of now, and one of them back',
  proves: 'two versions work side by side in one group, on the same tables',
  async tell({ stage, sampler }) {
    const older = await openOlderVersion()
    stage.atEnd(older.remove)
    stage.say(`the older version is commit ${older.commit}`)
    const start = (old: boolean) => stage.start(old ? 'older' : 'newer', {}, old ? older.sluice : undefined)
    const members = [start(true), start(true), start(true)]
    await Promise.all(members.map(works))
    sampler.struck()
    const progress = watchProgress(stage)
    const left: Member[] = []
    const replace = async (index: number, old: boolean) => {
      const next = start(old)
      await works(next)
      const [gone] = members.splice(index, 1, next)
      gone!.kill('SIGTERM')
      left.push(gone!)
      await ending(gone!)
      await goesOn(stage, 'after the replacement', { records: 500 })
    }
    for (const index of [0, 1, 2]) await replace(index, false)
    await replace(1, true)
    const notClean = await unclean(stage, left)
    return [await progress(), exactly('I12 exit codes other than 0 of those that left', 0, notClean)]
  },
}

export const groupStories: readonly Story[] = [
  storm('storm', 0, 'SIGTERM'),
  storm('storm-kill', 30, 'SIGTERM, or kill -9 for three of ten'),
  scale,
  rolling,
]
