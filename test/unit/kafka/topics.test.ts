import type { Admin } from 'kafkajs'
import { expect, test } from 'vitest'
import { createTopics } from '../../../src/kafka/topics.ts'

const kafkaError = (type: string) => Object.assign(new Error(type), { type })
const settings = { resources: [{ configEntries: [{ configName: 'max.message.bytes', configValue: '1048588' }] }] }

/** kafkajs's admin on a broker that hears of new topics late: the answers to `describe`, in their order. */
const lateBroker = (answers: (Error | null | { partitions: number })[]) => {
  const made = new Set<string>()
  const admin = {
    createTopics: async ({ topics, waitForLeaders }: { topics: { topic: string }[]; waitForLeaders: boolean }) => {
      if (waitForLeaders) throw kafkaError('UNKNOWN_TOPIC_OR_PARTITION')
      for (const { topic } of topics) made.add(topic)
      return true
    },
    describeConfigs: async () => settings,
  } as unknown as Admin
  const describe = async (topic: string) => {
    if (!made.has(topic)) return null
    const answer = answers.shift() ?? { partitions: 2 }
    if (answer instanceof Error) throw answer
    return answer
  }
  return { admin, describe }
}

const wanted = { topic: 't', dlqTopic: 't.dlq', partitions: 2, replicationFactor: 1 }

test('a topic that the broker does not know at once after it was created is waited for', async () => {
  const { admin, describe } = lateBroker([null, kafkaError('LEADER_NOT_AVAILABLE'), null, { partitions: 2 }])
  const reports = await createTopics(admin, describe, wanted)
  expect(reports.map(({ topic, outcome }) => [topic, outcome])).toEqual([
    ['t', 'created'],
    ['t.dlq', 'created'],
  ])
})

test('another fault is not waited for', async () => {
  const { admin, describe } = lateBroker([kafkaError('TOPIC_AUTHORIZATION_FAILED'), { partitions: 2 }])
  await expect(createTopics(admin, describe, wanted)).rejects.toThrow('TOPIC_AUTHORIZATION_FAILED')
})
