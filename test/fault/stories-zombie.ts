// Members that stand still for longer than their session, while others take their partitions over, and then go on as if
// nothing had been (faults 5, 6, 7, 37 of the matrix).
import type { FailpointName } from '../../src/lib/failpoint.ts'
import type { ProofLine } from '../../src/demo/proof.ts'
import { withFailpoints } from '../support/failpoints/env.ts'
import { memberIds } from '../support/group.ts'
import type { LogLine, Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import { holdFlushes } from '../support/world.ts'
import { eachMoved, exactly } from './play.ts'
import { retriedFor, type Stage } from './stage.ts'
import { goesOn, type Story, type Telling, works } from './story.ts'

const OVERTAKEN = 'another owner was ahead; what it settled is dropped here'
const PARTITIONS = 4
const MOVED_MS = 90_000

const at = (member: Member) => member.lines().length
const said = (member: Member, msg: string, from: number) =>
  member
    .lines()
    .slice(from)
    .filter((line) => line.msg === msg)

/** Of the last assignment that it told. */
export const ownedBy = (member: Member): number => {
  const owned = new Set<number>()
  for (const line of member.lines()) {
    const partitions = (line['partitions'] ?? []) as number[]
    if (line.msg === 'partitions assigned') for (const each of partitions) owned.add(each)
    if (line.msg === 'partitions revoked') for (const each of partitions) owned.delete(each)
  }
  return owned.size
}

const takesAll = (member: Member) =>
  until(`${member.name} owns all ${PARTITIONS} partitions`, () => ownedBy(member) === PARTITIONS, {
    ...{ timeoutMs: MOVED_MS, describe: member.tail },
  })

/** Two members that share the partitions; one of them will stand still at this point. */
const pair = async ({ stage, sampler, upTo }: Telling, point: FailpointName, action: 'stop' | 'block') => {
  const other = stage.start('other')
  await works(other)
  const pass = 3 + upTo(4)
  const points =
    action === 'stop' ? withFailpoints(`${point}:stop@${pass}`) : withFailpoints(`${point}:block:20000@${pass}`)
  const zombie = stage.start('zombie', { ...points, LOG_LEVEL: 'trace' })
  await zombie.logged('failpoint')
  sampler.struck()
  return { other, zombie, from: at(zombie) }
}

/** It woke up: until the group has it again, under a new name. */
const joinsAgain = ({ world }: Stage, zombie: Member) =>
  until(`${zombie.name} has joined again`, async () => (await memberIds(world.config, zombie.name)).length > 0, {
    ...{ timeoutMs: MOVED_MS, describe: zombie.tail },
  })

type Zombie = {
  readonly name: string
  readonly point: FailpointName
  readonly what: string
  /** It has a batch in its hands, and tries to write it. */
  readonly overtaken: boolean
}

const zombies: readonly Zombie[] = [
  { name: 'zombie-buffered', point: 'admitted', what: 'with records in its buffer', overtaken: false },
  { name: 'zombie-flushing', point: 'before_transaction', what: 'with a batch in its hands', overtaken: true },
  {
    name: 'zombie-committed',
    point: 'after_commit',
    what: 'after COMMIT, before the commit to Kafka',
    overtaken: false,
  },
]

const JOINED = 'joined the group'

/** Between its waking and its next place in the group; of flushes those that began then. */
const asStranger = (zombie: Member, msg: string, { from, wokeAt }: { from: number; wokeAt: number }) => {
  const lines = zombie.lines().slice(from)
  const again = lines.findIndex((line) => line.msg === JOINED)
  const began = (line: LogLine) => Date.parse(String(line['time'])) - Number(line['durationMs'] ?? 0)
  return lines.slice(0, again).filter((line) => line.msg === msg && began(line) > wokeAt).length
}

const zombie = ({ name, point, what, overtaken }: Zombie): Story => ({
  ...{ number: 5, name },
  what: `SIGSTOP of a member ${what}, beyond its session; its partitions move and are worked on; SIGCONT`,
  proves: 'what it still writes is fenced by the offset row, it commits nothing to Kafka, and it joins again',
  async tell(telling) {
    const { stage } = telling
    const { other, zombie, from } = await pair(telling, point, 'stop')
    await takesAll(other)
    await goesOn(stage, 'while it is stopped', { records: 500 })
    // Whatever it holds, somebody else has been beyond it.
    await until('every partition has moved', await eachMoved(stage), { timeoutMs: 60_000, describe: other.tail })
    const wokeAt = Date.now()
    zombie.kill('SIGCONT')
    await joinsAgain(stage, zombie)
    await until(`${zombie.name} knows that it has joined`, () => said(zombie, JOINED, from).length > 0)
    await goesOn(stage, 'after it is back', { records: 500 })
    return [
      ...(overtaken
        ? [atLeastOnce('batches of the zombie that the offset row fenced', said(zombie, OVERTAKEN, from))]
        : []),
      exactly('batches that it began to write, and wrote, before it had joined again', 0, asStranger(zombie, 'flushed', { from, wokeAt })), // prettier-ignore
      // Of the others one may have been under way when they were stopped.
      ...(point === 'after_commit'
        ? [
            exactly(
              'I6 commits to Kafka before it had joined again',
              0,
              asStranger(zombie, 'committed', { from, wokeAt }),
            ),
          ]
        : []),
      ...alive(other, zombie),
    ]
  },
})

const atLeastOnce = (what: string, found: readonly unknown[]): ProofLine => ({
  ...{ what, expected: 'at least 1', found: String(found.length), ok: found.length > 0 },
})

const alive = (...members: Member[]): ProofLine[] => [
  exactly('members that ended', 0, members.filter((member) => !member.running()).length),
]

const inTransaction: Story = {
  ...{ number: 6, name: 'zombie-in-transaction' },
  what: 'SIGSTOP of a member inside its open transaction, all locks held, beyond its session and idle_in_transaction_session_timeout (12 s); SIGCONT',
  proves:
    'the others wait with 55P03, go on when the server has ended the transaction (25P03), and nothing of it stays',
  parameters: { idle_in_transaction_session_timeout: '12000', lock_timeout: '2000' },
  async tell(telling) {
    const { stage } = telling
    const { other, zombie } = await pair(telling, 'inventory_written', 'stop')
    const before = at(other)
    await takesAll(other)
    await until('the others get 55P03', () => retriedFor(other, before).includes('55P03'), { describe: other.tail })
    await goesOn(stage, 'when the server has ended its transaction', { records: 500 })
    const ended = (await stage.postgres.log()).includes('terminating connection due to idle-in-transaction timeout')
    zombie.kill('SIGCONT')
    await joinsAgain(stage, zombie)
    await goesOn(stage, 'after it is back', { records: 500 })
    return [exactly('transactions that the server ended (25P03)', 1, ended ? 1 : 0), ...alive(other, zombie)]
  },
}

const LONGER_THAN_A_SESSION_MS = 9_000

const slowFlush: Story = {
  ...{ number: 7, name: 'slow-flush' },
  what: `a flush takes ${LONGER_THAN_A_SESSION_MS / 1000} s, longer than the session, and a member joins meanwhile; then it ends late`,
  proves: 'nobody is evicted for it; what ends late is valid or fenced, never double',
  parameters: { lock_timeout: '60000', statement_timeout: '60000' },
  async tell({ stage, sampler }) {
    const first = stage.start('first')
    await works(first)
    const ids = () => memberIds(stage.world.config, first.name)
    const before = await ids()
    const from = at(first)
    const held = await holdFlushes(stage.world)
    await held.blocked(first)
    sampler.struck()
    const second = stage.start('second')
    const heldAt = performance.now()
    await second.logged('joining the group (a member that was killed is waited for until its session time-out)')
    await until('the session would be over', () => performance.now() - heldAt > LONGER_THAN_A_SESSION_MS)
    await held.release()
    await works(second)
    await goesOn(stage, 'after the slow flush', { records: 500 })
    const kept = (await ids()).filter((id) => before.includes(id)).length
    const slow = said(first, 'flushed', from).filter((line) => Number(line['durationMs']) >= LONGER_THAN_A_SESSION_MS)
    return [
      atLeastOnce('flushes that took longer than the session', slow),
      exactly('ids in the group that the member with the slow flush still has: it was never given up', 1, kept),
      ...alive(first, second),
    ]
  },
}

const blocked = (name: string, point: FailpointName, what: string): Story => ({
  ...{ number: 37, name },
  what: `the event loop of a member stands still for 20 s ${what}; its session (6 s) is over`,
  proves: 'the others take over, it sees that it is a stranger, and joins again',
  async tell(telling) {
    const { stage } = telling
    const { other, zombie } = await pair(telling, point, 'block')
    await takesAll(other)
    await goesOn(stage, 'while it stands still', { records: 500 })
    await joinsAgain(stage, zombie)
    await goesOn(stage, 'after it is back', { records: 500 })
    return [...alive(other, zombie)]
  },
})

export const zombieStories: readonly Story[] = [
  ...zombies.map(zombie),
  inTransaction,
  slowFlush,
  blocked('blocked-fetching', 'fetched', 'with a fetched batch'),
  blocked('blocked-committed', 'after_commit', 'after COMMIT, before the commit to Kafka'),
]
