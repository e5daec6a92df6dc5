// Kafka's own `kafka-consumer-groups --describe`: what an operator who has nothing of ours sees of a group.
import { runKafkaTool } from './kafka-tool.ts'

export type DescribedPartition = {
  readonly partition: number
  readonly committed: number
  readonly end: number
  readonly lag: number
}

/** Its rows, by the names of its columns; empty for a group that it does not know. */
export async function describedGroup(brokers: readonly string[], groupId: string): Promise<Record<string, string>[]> {
  const main = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'
  const output = await runKafkaTool(main, ['--bootstrap-server', brokers.join(','), '--describe', '--group', groupId])
  const lines = output
    .toString()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const head = lines.find(([first]) => first === 'GROUP') ?? []
  return lines
    .filter(([first]) => first === groupId)
    .map((line) => Object.fromEntries(head.map((name, i) => [name, line[i] ?? ''])))
}

/** In the order of the partitions; of a group with one topic. */
export const consumerGroups = async (brokers: readonly string[], groupId: string): Promise<DescribedPartition[]> => {
  const rows = await describedGroup(brokers, groupId)
  const numbers = rows.map((row) =>
    ['PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG'].map((name) => Number(row[name])),
  )
  return numbers
    .map(([partition = NaN, committed = NaN, end = NaN, lag = NaN]) => ({ partition, committed, end, lag }))
    .sort((a, b) => a.partition - b.partition)
}
