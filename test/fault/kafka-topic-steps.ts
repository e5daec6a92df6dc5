// Steps of the stories that play without a load: what is sent is known to the last record.
import type { ProofLine } from '../../src/demo/proof.ts'
import { type ReadRecord, readTopic } from '../../src/kafka/read-topic.ts'
import { ExitCode } from '../../src/lib/operator-error.ts'
import { generateEvents } from '../../src/publish/generate.ts'
import { createLog } from '../../src/telemetry/log.ts'
import type { Member } from '../support/member.ts'
import { proveWorld } from '../support/oracle.ts'
import type { Sampler } from '../support/sampler.ts'
import { until } from '../support/until.ts'
import type { KafkaStage } from './kafka-stage.ts'
import { stop } from './endings.ts'
import { exactly, matches } from './play.ts'

const AT_ONCE = 1_000
const SOME = 600
/** A look every 30 s, and a second one before it stops for what it saw. */
const ENDS_MS = 60_000

/** Valid events without repetition, other ones for each `nth`. */
export const newEvents = ({ seed }: KafkaStage, nth: number, count = SOME) =>
  [
    ...generateEvents({ count, seed: seed + 100 * nth, bad: 0, conflicts: 0, tombstones: 0, duplicatesPerMille: 0 }),
  ].map(({ key, value }) => ({ key, value }))

export const sendNew = async (stage: KafkaStage, nth: number, count = SOME): Promise<void> => {
  const records = newEvents(stage, nth, count)
  for (let at = 0; at < records.length; at += AT_ONCE) await stage.world.send(records.slice(at, at + AT_ONCE))
}

export const recordsOf = ({ world }: KafkaStage): Promise<ReadRecord[]> =>
  readTopic(world.config.kafka, world.config.topic, createLog('silent'))

/** Deletes what is below these positions, as retention does. */
export const deleteBelow = ({ kafka, world }: KafkaStage, positions: readonly { partition: number; to: bigint }[]) =>
  kafka.asAdmin(async (admin) => {
    const { topic } = world.config
    await admin.fetchTopicOffsets(topic) // makes kafkajs look for the leaders
    const partitions = positions.map(({ partition, to }) => ({ partition, offset: String(to) }))
    await admin.deleteTopicRecords({ topic, partitions })
  })

export const deleteTopic = ({ kafka, world }: KafkaStage): Promise<void> =>
  kafka.asAdmin((admin) => admin.deleteTopics({ topics: [world.config.topic] }))

/** Until it is made again: it is not while the controller still knows the old one. */
export const createTopic = async ({ kafka, world }: KafkaStage, numPartitions: number): Promise<void> => {
  const replicationFactor = kafka.brokers.length
  const topics = [{ topic: world.config.topic, numPartitions, replicationFactor }]
  await until('the topic is made again', () =>
    kafka.asAdmin((admin) => admin.createTopics({ waitForLeaders: false, topics })),
  )
  await kafka.healthy()
}

export const stopped = async (member: Member): Promise<number> => (await stop(member)).code ?? -1

/** The member ends by itself, and says why in one line and what to do in another. */
export const refusal = async (member: Member, says: RegExp): Promise<ProofLine[]> => {
  await until(`${member.name} ends`, () => !member.running(), { timeoutMs: ENDS_MS, describe: member.tail })
  const { code } = await member.ended
  const stderr = member
    .output()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  return [
    exactly('exit code', ExitCode.fatal, code ?? -1),
    exactly('lines on stderr', 2, stderr.length),
    matches('what it says', says, stderr[0] ?? ''),
    matches('what to do', /sluice offsets reset --to earliest/, stderr[1] ?? ''),
  ]
}

/** All that the topic holds and held is settled. */
export const proveAll = async ({ world }: KafkaStage, earlier: readonly ReadRecord[] = []): Promise<ProofLine[]> => {
  const { deadLettered } = await world.totals()
  return [exactly('dead letters', 0, deadLettered), ...(await proveWorld(world, earlier)).lines]
}

/** Lines about counters, which begin anew at a reset. */
const COUNTERS = ['records settled, each once', 'repeated events, counted once', 'tombstones ignored']

/** What the operator is told to do, and the member after it. `earlier`: taken before, and not in the topic any more. */
export const proveAfterReset = async (
  stage: KafkaStage,
  sampler: Sampler,
  earlier: readonly ReadRecord[],
): Promise<ProofLine[]> => {
  const { world } = stage
  const reset = await sampler.rewind(() => world.sluice(['offsets', 'reset', '--to', 'earliest', '--yes']))
  const after = stage.start('after')
  await world.drained(120_000)
  const lines = [
    exactly('exit code of the reset', 0, reset.exitCode ?? -1),
    exactly('exit code of the member after it', 0, await stopped(after)),
  ]
  return [...lines, ...(await proveAll(stage, earlier)).filter(({ what }) => !COUNTERS.includes(what))]
}
