// What Kafka forgets of the group, and what the log holds that is no record: markers of transactions, offsets that are gone.
import { moveAllLeaders, partitionsOf } from '../support/own-kafka-leaders.ts'
import { until } from '../support/until.ts'
import { alterTopic } from '../support/world.ts'
import { type KafkaStage, type KafkaStory, PARTITIONS } from './kafka-stage.ts'
import { newEvents, proveAll, recordsOf, sendNew, stopped } from './kafka-topic-steps.ts'
import { exactly, matches } from './play.ts'
import { startTransactions, type Transactions } from './transactions.ts'

const groupDeleted: KafkaStory = {
  ...{ number: 32, name: 'group-deleted' },
  what: 'the group is deleted with all its commits while the member is stopped and records come: it goes on where PostgreSQL stands',
  async tell(stage, sampler) {
    const { kafka, world } = stage
    const first = stage.start()
    await sendNew(stage, 0)
    await world.drained()
    const code = await stopped(first)
    const before = await world.standing()
    sampler.struck()
    await kafka.asAdmin((admin) => admin.deleteGroups([world.config.groupId]))
    const forgotten = (await world.standing()).filter(({ committed }) => committed <= 0n).length
    await sendNew(stage, 1)
    const next = stage.start()
    await world.drained()
    const from = new Map(next.lines('starting position').map((line) => [line['partition'], String(line['position'])]))
    return [
      exactly('partitions without a commit', before.length, forgotten),
      exactly('exit code of the first member', 0, code),
      exactly(
        'partitions read from the position',
        before.length,
        before.filter((at) => from.get(at.partition) === String(at.next)).length,
      ),
      exactly('exit code of the next member', 0, await stopped(next)),
      ...(await proveAll(stage)),
    ]
  },
}

const MOVES = 3

const transactions: KafkaStory = {
  ...{ number: 35, name: 'transactions' },
  what: `transactions of 20 records, every third aborted, while all leaders move ${MOVES} times and the leader of partition 0 is killed`,
  async tell(stage, sampler) {
    const { kafka, world } = stage
    const { topic } = world.config
    const member = stage.start()
    const load = startTransactions(stage)
    const more = async (what: string) => {
      const { committed, aborted } = { ...load.done }
      const enough = () => load.done.committed >= committed + 5 && load.done.aborted > aborted
      await until(`transactions go on ${what}`, enough, { describe: () => JSON.stringify(load.done) })
    }
    await more('at first')
    sampler.struck()
    for (let move = 1; move <= MOVES; move++) {
      await moveAllLeaders(kafka, topic)
      await more(`after move ${move}`)
    }
    const broker = kafka.broker((await partitionsOf(kafka, topic)).get(0)!.leader)
    await broker.stop('SIGKILL')
    await more('while a broker is down')
    await broker.start()
    await kafka.healthy()
    await load.stop()
    await world.drained(120_000)
    return [
      ...counted(load.done),
      exactly('exit code of the member', 0, await stopped(member)),
      ...(await proveAll(stage)),
    ]
  },
}

const counted = ({ committed, aborted, broken }: Transactions) => [
  matches('committed, aborted, broken', /^[1-9]\d* [1-9]\d* \d+$/, `${committed} ${aborted} ${broken}`),
]

/** A segment is closed as soon as a record comes, and whatever is closed is compacted at once. */
const COMPACT = { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.001' }
const KEEP = { 'cleanup.policy': 'delete', 'segment.ms': '604800000', 'min.cleanable.dirty.ratio': '0.5' }

const compactedAway: KafkaStory = {
  ...{ number: 35, name: 'compaction-gaps' },
  what: 'records at and beyond the position are compacted away while the member is stopped: it passes over the gaps',
  async tell(stage, sampler) {
    const { world } = stage
    const first = stage.start()
    await sendNew(stage, 0)
    await world.drained()
    const code = await stopped(first)
    const taken = await recordsOf(stage)
    await sendNew(stage, 1)
    sampler.struck()
    await compacted(stage)
    const left = new Set((await recordsOf(stage)).map(({ partition, offset }) => `${partition}/${offset}`))
    const next = stage.start()
    await sendNew(stage, 2)
    await world.drained()
    return [
      exactly('exit code of the first member', 0, code),
      exactly('exit code of the next member', 0, await stopped(next)),
      ...(await proveAll(
        stage,
        taken.filter(({ partition, offset }) => !left.has(`${partition}/${offset}`)),
      )),
    ]
  },
}

/** Until records are gone, of a topic to which something is sent now and then. */
const compacted = async (stage: KafkaStage): Promise<void> => {
  const { world } = stage
  const fewer = (await recordsOf(stage)).length / 2
  await alterTopic(world, COMPACT)
  let nth = 0
  const gone = async () => {
    // The same again and again, to every partition: else its last segment would never be closed.
    await world.send(newEvents(stage, 10, 60).map((record, i) => ({ ...record, partition: i % PARTITIONS })))
    nth += 60
    return (await recordsOf(stage)).length < fewer
  }
  await until('half of the records are compacted away', gone, { timeoutMs: 120_000, describe: () => `${nth} sent` })
  await alterTopic(world, KEEP)
}

export const logStories: readonly KafkaStory[] = [groupDeleted, transactions, compactedAway]
