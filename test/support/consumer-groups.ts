// Kafka's own `kafka-consumer-groups --describe`: what an operator who has nothing of ours sees of a group.
import { runKafkaTool } from './kafka-tool.ts'

export type DescribedPartition = {
  readonly partition: number
  readonly committed: number
  readonly end: number
  readonly lag: number
}

/** In the order of the partitions; of a group with one topic. */
export const consumerGroups = async (brokers: readonly string[], groupId: string): Promise<DescribedPartition[]> => {
  const main = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'
  const output = await runKafkaTool(main, ['--bootstrap-server', brokers.join(','), '--describe', '--group', groupId])
  const lines = output
    .toString()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const head = lines.find(([first]) => first === 'GROUP') ?? []
  const columns = ['PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG'].map((name) => head.indexOf(name))
  if (columns.includes(-1)) throw new Error(`kafka-consumer-groups printed something else:\n${output.toString()}`)
  return lines
    .filter(([first]) => first === groupId)
    .map((line) => columns.map((column) => Number(line[column])))
    .map(([partition = NaN, committed = NaN, end = NaN, lag = NaN]) => ({ partition, committed, end, lag }))
    .sort((a, b) => a.partition - b.partition)
}
