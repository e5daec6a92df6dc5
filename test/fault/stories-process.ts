// What may happen to the process itself: a clock that jumps, a small heap, and signals at the worst moments (faults 36, 37 and 40).
import { setTimeout as sleep } from 'node:timers/promises'
import type { FailpointName } from '../../src/lib/failpoint.ts'
import { ExitCode } from '../../src/lib/operator-error.ts'
import { withClockJump, withFailpoints } from '../support/failpoints/env.ts'
import { bufferOf, metricsOf } from '../support/asked.ts'
import { memberIds } from '../support/group.ts'
import { until } from '../support/until.ts'
import { holdFlushes } from '../support/world.ts'
import { stop } from './endings.ts'
import { atLeast, atMost, exactly, rebalances } from './play.ts'
import { preload } from './stage.ts'
import { refuseCompany } from './stories-kill.ts'
import { goesOn, type Story, type Telling, works } from './story.ts'

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

type Moment = {
  readonly point: FailpointName
  readonly what: string
  /** Makes it happen. */
  readonly prepare?: (telling: Telling) => Promise<() => Promise<unknown>>
}
const MOMENTS: readonly Moment[] = [
  { point: 'joined', what: 'as it joins' },
  { point: 'fetched', what: 'with a fetched batch' },
  { point: 'offsets_locked', what: 'at the beginning of its transaction' },
  { point: 'isolating', what: 'while it halves a refused batch', prepare: refuseCompany },
  { point: 'before_commit', what: 'before COMMIT' },
  { point: 'after_commit', what: 'after COMMIT' },
  { point: 'relay_leased', what: 'with letters leased' },
  { point: 'relay_sent', what: 'after the DLQ ack' },
]

/** The member stands still at the point while the signals come: it sees them right after. */
const STANDS_STILL_MS = 700

/** A member that stands still at this moment. */
const standsStillAt = async (telling: Telling, { point, what, prepare }: Moment) => {
  const { stage, sampler, upTo } = telling
  const undo = await prepare?.(telling)
  // What happens once, or to every third batch, is not waited for twice.
  const pass = point === 'joined' || prepare ? 1 : 1 + upTo(2)
  const member = stage.start('member', withFailpoints(`${point}:block:${STANDS_STILL_MS}@${pass}`))
  await member.logged('failpoint', (line) => line['name'] === point, 60_000)
  sampler.struck()
  const tell = (code: number | null) => stage.say(`SIGTERM ${what} (pass ${pass} of ${point}): exit code ${code}`)
  return { member, tell, undo: async () => void (await undo?.()) }
}

const sigterm: Story = {
  ...{ number: 40, name: 'sigterm', letters: true },
  what: `SIGTERM at ${MOMENTS.length} moments: ${MOMENTS.map(({ what }) => what).join(', ')}`,
  proves: 'I12: exit code 0, and all that it settled is committed: the next start reads nothing again',
  async tell(telling) {
    let clean = 0
    let behind = 0
    for (const moment of MOMENTS) {
      const { member, tell, undo } = await standsStillAt(telling, moment)
      const { code } = await stop(member)
      tell(code)
      await undo()
      if (code === 0) clean += 1
      const standing = await telling.stage.world.standing()
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
  async tell(telling) {
    const codes: (number | null)[] = []
    for (const moment of MOMENTS) {
      const { member, tell, undo } = await standsStillAt(telling, moment)
      member.kill('SIGTERM')
      await sleep(100)
      const { code } = await stop(member)
      tell(code)
      codes.push(code)
      await telling.stage.evict(member)
      await undo()
    }
    const count = (wanted: number) => codes.filter((code) => code === wanted).length
    return [
      exactly('exit codes 130 or 0', MOMENTS.length, count(ExitCode.aborted) + count(ExitCode.ok)),
      // Else nobody would have seen the second one do anything.
      atLeast('of them 130: ended by the second signal', 1, count(ExitCode.aborted)),
    ]
  },
}

/** What docs/scaling.md says is the least: 256 MiB and the buffer. */
const LEAST_HEAP_MIB = 256 + 64
const BACKLOG = 60_000
/** The share of its limit, in records or in bytes, at which a buffer takes no more of the batches that come. */
const FULL = 0.9

const smallHeap: Story = {
  ...{ number: 37, name: 'small-heap' },
  what: `a member with the least heap that docs/scaling.md allows (--max-old-space-size=${LEAST_HEAP_MIB}) and ${BACKLOG.toLocaleString('en')} records waiting, its flushes held until its buffer is full`,
  proves: 'it collects garbage, lives, and drains the backlog',
  parameters: { lock_timeout: '60000', statement_timeout: '60000' },
  async tell({ stage, sampler }) {
    const { world } = stage
    await preload(stage, BACKLOG)
    const member = stage.start('member', { NODE_OPTIONS: `--max-old-space-size=${LEAST_HEAP_MIB}` })
    await member.logged('starting position')
    const held = await holdFlushes(world)
    await held.blocked(member)
    sampler.struck()
    const { bufferMaxRecords, bufferMaxBytes } = world.config
    const share = async () => {
      const { records, bytes } = (await bufferOf(member)) ?? { records: 0, bytes: 0 }
      return Math.max(records / bufferMaxRecords, bytes / bufferMaxBytes)
    }
    await until('its buffer is full', async () => (await share()) >= FULL, { describe: member.tail })
    await held.release()
    await goesOn(stage, 'of the backlog', { records: BACKLOG, timeoutMs: 300_000 })
    const value = await metricsOf(member)
    const used = Math.round((value('nodejs_heap_size_used_bytes') ?? Infinity) / 2 ** 20)
    return [
      exactly('members that ended', 0, member.running() ? 0 : 1),
      atMost('I11 heap in use in MiB, after the backlog', LEAST_HEAP_MIB, used),
      exactly('times it was assigned partitions', 1, member.lines('partitions assigned').length),
    ]
  },
}

export const processStories: readonly Story[] = [
  clock('clock-forward', '+1 h', HOUR_MS),
  clock('clock-back', '−1 h', -HOUR_MS),
  smallHeap,
  sigterm,
  twice,
]
