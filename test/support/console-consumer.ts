// Kafka's own console consumer: what somebody who has nothing of ours sees of a topic.
import { runKafkaTool } from './kafka-tool.ts'

export type ConsoleRecord = {
  readonly timestamp: number
  readonly partition: number
  readonly offset: number
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  readonly key: Buffer | null
  readonly value: Buffer | null
}

// The console prints bytes as they are: what separates them must not occur in them.
const FIELD = '<|field|>'
const LINE = '<|line|>'
const HEADER = '<|header|>'
const NULL = '<|null|>'

const PRINTED = ['timestamp', 'partition', 'offset', 'headers', 'key']

/** The first `count` records of a topic, partition by partition. */
export const consoleConsumer = async (brokers: readonly string[], topic: string, count: number) => {
  const output = await runConsole(brokers, topic, count)
  return split(output, LINE).slice(0, -1).map(recordOf)
}

const runConsole = async (brokers: readonly string[], topic: string, count: number) => {
  const properties = [
    ...PRINTED.map((name) => `print.${name}=true`),
    ...[`key.separator=${FIELD}`, `line.separator=${LINE}`, `headers.separator=${HEADER}`, `null.literal=${NULL}`],
  ]
  return runKafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
    ...['--max-messages', String(count), '--timeout-ms', '30000'],
    ...properties.flatMap((property) => ['--formatter-property', property]),
  ])
}

const split = (bytes: Buffer, separator: string): Buffer[] => {
  const parts: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, from)) {
    parts.push(bytes.subarray(from, at))
    from = at + separator.length
  }
  return [...parts, bytes.subarray(from)]
}

const recordOf = (line: Buffer): ConsoleRecord => {
  const [timestamp, partition, offset, headers, key, value] = split(line, FIELD)
  if (!timestamp || !partition || !offset || !headers || !key || !value)
    throw new Error(`the console printed another form of record: ${line.toString('latin1')}`)
  const number = (field: Buffer, name: string) => {
    const [label, text] = field.toString().split(':')
    if (label !== name) throw new Error(`the console printed ${label}, not ${name}`)
    return Number(text)
  }
  return {
    timestamp: number(timestamp, 'CreateTime'),
    partition: number(partition, 'Partition'),
    offset: number(offset, 'Offset'),
    headers: headers.equals(Buffer.from('NO_HEADERS')) ? [] : split(headers, HEADER).map(headerOf),
    key: unlessNull(key),
    value: unlessNull(value),
  }
}

const headerOf = (pair: Buffer) => {
  const colon = pair.indexOf(':')
  return [pair.subarray(0, colon).toString(), unlessNull(pair.subarray(colon + 1))] as const
}

const unlessNull = (bytes: Buffer): Buffer | null => (bytes.equals(Buffer.from(NULL)) ? null : bytes)
