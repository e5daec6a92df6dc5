// What happens to the topic itself: more partitions, records that are deleted, a topic that is made again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadRecord } from '../../src/kafka/read-topic.ts'
import { until } from '../support/until.ts'
import { type KafkaScenario, type KafkaStory, PARTITIONS } from './kafka-stage.ts'
import {
  createTopic,
  deleteBelow,
  deleteTopic,
  proveAfterReset,
  proveAll,
  recordsOf,
  refusal,
  sendNew,
  stopped,
} from './kafka-topic-steps.ts'
import { exactly, matches } from './play.ts'
import { RETRYING } from './words.ts'

const MORE_PARTITIONS = 9
/** kafkajs asks for the topic's partitions every 60 s (metadataMaxAge), and then has to join. */
const SEES_PARTITIONS_MS = 90_000

const partitionsAdded: KafkaScenario = {
  ...{ number: 10, name: 'partitions-added' },
  what: `the topic gets ${MORE_PARTITIONS} partitions instead of ${PARTITIONS}, under load`,
  async strike(stage, member) {
    const { kafka, world, load } = stage
    const { topic } = world.config
    const before = member.lines('partitions assigned').length
    const grow = { topicPartitions: [{ topic, count: MORE_PARTITIONS }] }
    await kafka.asAdmin((admin) => admin.createPartitions(grow))
    await load.restart()
    const assigned = () => member.lines('partitions assigned').length > before
    await until('it is assigned the new ones', assigned, { timeoutMs: SEES_PARTITIONS_MS, describe: member.tail })
    stage.evidence.push(
      exactly('partitions of the topic under the member', MORE_PARTITIONS, (await world.standing()).length),
    )
    return async () => {}
  },
  async prove({ world }) {
    const standing = await world.standing()
    const added = standing.filter(({ partition }) => partition >= PARTITIONS)
    return [
      exactly('partitions', MORE_PARTITIONS, standing.length),
      exactly(
        'new partitions with records, read from offset 0',
        3,
        added.filter((at) => at.end > 0n && at.start === 0n).length,
      ),
    ]
  },
}

/** What was read may go: that is what retention does all the time. */
const deletedRead: KafkaStory = {
  ...{ number: 30, name: 'records-deleted-read' },
  what: 'all records below the position are deleted (retention) under the member, and again while it is stopped: it goes on',
  async tell(stage, sampler) {
    const { world } = stage
    const deleteRead = async () =>
      deleteBelow(
        stage,
        (await world.standing()).map(({ partition, next }) => ({ partition, to: next })),
      )
    const member = stage.start()
    await sendNew(stage, 0)
    await world.drained()
    const first = await recordsOf(stage)
    sampler.struck()
    await deleteRead()
    await sendNew(stage, 1)
    await world.drained()
    const second = await recordsOf(stage)
    const code = await stopped(member)
    await deleteRead()
    const next = stage.start()
    await sendNew(stage, 2)
    await world.drained()
    return [
      exactly('exit code of the first member', 0, code),
      exactly('exit code of the second member', 0, await stopped(next)),
      ...(await proveAll(stage, [...first, ...second])),
    ]
  },
}

/** Its buffer holds little, and there is more than kafkajs fetches at once: most is unread when it is deleted. */
const SMALL = { BUFFER_MAX_RECORDS: '200', FLUSH_MAX_RECORDS: '100' }
const MUCH = 60_000

const deletedUnread: KafkaStory = {
  ...{ number: 30, name: 'records-deleted-unread' },
  what: 'records beyond the position are deleted while the member cannot write: it stops',
  async tell(stage, sampler) {
    const { world, proxy } = stage
    const member = stage.start('member', SMALL)
    await sendNew(stage, 0)
    await world.drained()
    proxy.down()
    sampler.struck()
    await sendNew(stage, 1, MUCH)
    await member.logged(RETRYING)
    const all = await recordsOf(stage)
    const kept = new Map((await world.standing()).map(({ partition, end }) => [partition, end - 1n]))
    await deleteBelow(
      stage,
      [...kept].map(([partition, to]) => ({ partition, to })),
    )
    proxy.up()
    const says = /partition \d: records \d+ to \d+ were deleted by retention before they were read$/
    const lines = await refusal(member, says)
    const next = new Map((await world.standing()).map((at) => [at.partition, at.next]))
    const there = ({ partition, offset }: ReadRecord) => offset >= kept.get(partition)!
    const taken = ({ partition, offset }: ReadRecord) => offset < next.get(partition)!
    const unread = all.filter((record) => !there(record) && !taken(record))
    return [
      ...lines,
      matches('records that were deleted unread', /^[1-9]/, String(unread.length)),
      ...(await proveAfterReset(
        stage,
        sampler,
        all.filter((record) => taken(record) && !there(record)),
      )),
    ]
  },
}

const GONE_MS = 20_000

const remade = (name: string, what: string, goneMs: number): KafkaStory => ({
  ...{ number: 31, name, what },
  async tell(stage, sampler) {
    const { world } = stage
    const member = stage.start()
    await sendNew(stage, 0)
    await world.drained()
    const old = await recordsOf(stage)
    sampler.struck()
    await deleteTopic(stage)
    await sleep(goneMs)
    if (!member.running()) throw new Error(`it ended before the topic was made again. ${member.tail()}`)
    await createTopic(stage, PARTITIONS)
    // Twice as many: every partition goes beyond our position.
    if (goneMs === 0) await sendNew(stage, 1, 2 * old.length)
    const says =
      /partition \d: the topic was deleted and made again \(its id was .+, is .+\); our position \d+ belongs to the old one$/
    const lines = await refusal(member, says)
    if (goneMs > 0) await sendNew(stage, 1)
    return [...lines, ...(await proveAfterReset(stage, sampler, old))]
  },
})

export const topicScenarios: readonly KafkaScenario[] = [partitionsAdded]

export const topicStories: readonly KafkaStory[] = [
  deletedRead,
  deletedUnread,
  remade(
    'topic-remade',
    'the topic is deleted, made again and at once filled beyond the position: the member stops',
    0,
  ),
  remade(
    'topic-gone',
    `the topic is deleted, and made again ${GONE_MS / 1000} s later, empty: the member waits, then stops`,
    GONE_MS,
  ),
]
