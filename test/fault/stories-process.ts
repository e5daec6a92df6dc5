// What may happen to the process itself: a clock that jumps, and signals at the worst moments (faults 36 and 40).
import { setTimeout as sleep } from 'node:timers/promises'
import type { FailpointName } from '../../src/lib/failpoint.ts'
import { withClockJump, withFailpoints } from '../support/failpoints/env.ts'
import { memberIds } from '../support/group.ts'
import type { Member } from '../support/member.ts'
import { stop } from './endings.ts'
import { exactly, rebalances } from './play.ts'
import { goesOn, type Story, works } from './story.ts'

const HOUR_MS = 3_600_000
/** More than two sessions of 6 s. */
const WATCH_MS = 15_000

const clock = (name: string, what: string, byMs: number): Story => ({
  ...{ number: 36, name },
  what: `the wall clock of a member jumps by ${what}, as libfaketime would make it (a preload shifts Date; timers are monotonic)`,
  proves: 'heartbeats and flushes go on: no rebalance, no stop of more than 5 s',
  async tell({ stage, load, sampler }) {
    const member = stage.start('member', withClockJump(byMs))
    await works(member)
    await goesOn(stage, 'before the jump', { records: 500 })
    const ids = () => memberIds(stage.world.config, member.name)
    const before = await ids()
    member.kill('SIGUSR2')
    await member.logged('clock jumped')
    sampler.struck()
    const began = performance.now()
    while (performance.now() - began < WATCH_MS) await goesOn(stage, 'after the jump', { timeoutMs: 5_000 })
    // Every commit is a sign of life to the group: only an idle member shows whether heartbeats go on.
    await load.stop()
    await sleep(WATCH_MS)
    const kept = (await ids()).filter((id) => before.includes(id)).length
    return [
      exactly('ids in the group that it still has: it was never given up', 1, kept),
      exactly('rebalances, revocations, restarts of its Kafka client', 0, rebalances(member)),
      exactly('times it was assigned partitions', 1, member.lines('partitions assigned').length),
    ]
  },
})

type Moment = { readonly point: FailpointName; readonly what: string }
const MOMENTS: readonly Moment[] = [
  { point: 'joined', what: 'as it joins' },
  { point: 'fetched', what: 'with a fetched batch' },
  { point: 'offsets_locked', what: 'at the beginning of its transaction' },
  { point: 'before_commit', what: 'before COMMIT' },
  { point: 'after_commit', what: 'after COMMIT' },
  { point: 'relay_leased', what: 'with letters leased' },
  { point: 'relay_sent', what: 'after the DLQ ack' },
]

/** The member stands still at the point while the signals come: it sees them right after. */
const STANDS_STILL_MS = 700

const signalled = (member: Member, point: FailpointName) =>
  member.logged('failpoint', (line) => line['name'] === point, 60_000)

const sigterm: Story = {
  ...{ number: 40, name: 'sigterm', letters: true },
  what: `SIGTERM at ${MOMENTS.length} moments: ${MOMENTS.map(({ what }) => what).join(', ')}`,
  proves: 'I12: exit code 0, and all that it settled is committed: the next start reads nothing again',
  async tell({ stage, sampler, upTo }) {
    const { world } = stage
    let clean = 0
    let behind = 0
    for (const { point, what } of MOMENTS) {
      const pass = point === 'joined' ? 1 : 1 + upTo(2)
      const member = stage.start('member', withFailpoints(`${point}:block:${STANDS_STILL_MS}@${pass}`))
      await signalled(member, point)
      sampler.struck()
      const { code } = await stop(member)
      stage.say(`SIGTERM ${what} (pass ${pass} of ${point}): exit code ${code}`)
      if (code === 0) clean += 1
      const standing = await world.standing()
      behind += standing.filter(({ next, committed }) => next !== committed).length
    }
    return [
      exactly('exit codes 0', MOMENTS.length, clean),
      exactly('I12 partitions whose commit in Kafka is not the position, after all of them', 0, behind),
    ]
  },
}

const twice: Story = {
  ...{ number: 40, name: 'sigterm-twice', letters: true },
  what: `SIGTERM twice, 100 ms apart, at the same ${MOMENTS.length} moments`,
  proves: 'the second ends it at once (exit code 130, or 0 if there was nothing left to do), and nothing is lost',
  async tell({ stage, sampler, upTo }) {
    let ended = 0
    for (const { point } of MOMENTS) {
      const pass = point === 'joined' ? 1 : 1 + upTo(2)
      const member = stage.start('member', withFailpoints(`${point}:block:${STANDS_STILL_MS}@${pass}`))
      await signalled(member, point)
      sampler.struck()
      member.kill('SIGTERM')
      await sleep(100)
      const { code } = await stop(member)
      if (code === 130 || code === 0) ended += 1
      await stage.evict(member)
    }
    return [exactly('exit codes 130 or 0', MOMENTS.length, ended)]
  },
}

export const processStories: readonly Story[] = [
  clock('clock-forward', '+1 h', HOUR_MS),
  clock('clock-back', '−1 h', -HOUR_MS),
  sigterm,
  twice,
]
