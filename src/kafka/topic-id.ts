import { EncoderOf, type Encoder } from './kafkajs-internals.ts'

// Metadata v12, the first version that tells the topic's id (and what we may do with it), on kafkajs' own connection (kafkajs stops at v6). It is a
// "flexible" version: compact strings and arrays (length + 1 as unsigned varint), and a tag section after each header and
// struct, which kafkajs' header code does not write: ours begins the body with it.

export const METADATA_KEY = 3
export const METADATA_WITH_IDS = 12

const NO_TAGS = Buffer.from([0])
const NO_ID = Buffer.alloc(16)

const compact = (text: string): Buffer =>
  Buffer.concat([unsignedVarint(Buffer.byteLength(text) + 1), Buffer.from(text)])

const unsignedVarint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

export const encodeMetadataRequest = (topic: string): Buffer =>
  Buffer.concat([
    NO_TAGS, // end of the request header v2
    unsignedVarint(2), // one topic
    NO_ID,
    compact(topic),
    NO_TAGS,
    Buffer.from([0, 1]), // no auto-creation; with what we may do
    NO_TAGS,
  ])

const reader = (buffer: Buffer) => {
  let at = 0
  const take = (length: number) => {
    if (length < 0 || at + length > buffer.length) throw new Error('the metadata response ends too early')
    at += length
    return buffer.subarray(at - length, at)
  }
  const varint = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = take(1).readUInt8()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  const text = () => take(Math.max(varint() - 1, 0))
  const tags = () => {
    for (let left = varint(); left > 0; left--) {
      varint()
      take(varint())
    }
  }
  return { take, varint, text, tags }
}

export type TopicAnswer = {
  readonly errorCode: number
  /** As a UUID; null when the broker says there is no such topic (or hides it). */
  readonly topicId: string | null
  /** What we may do with it, a bit for each operation of ACLs; null when the broker does not say. */
  readonly operations: number | null
}

const UNSAID = -2_147_483_648

/** After the topic's id. */
const operationsOf = ({ take, varint, tags }: ReturnType<typeof reader>): number | null => {
  take(1) // is it internal?
  for (let partitions = varint() - 1; partitions > 0; partitions--) {
    take(2 + 4 + 4 + 4) // error, partition, leader, epoch
    for (let lists = 3; lists > 0; lists--) take(4 * Math.max(varint() - 1, 0)) // replicas: all, in sync, offline
    tags()
  }
  const operations = take(4).readInt32BE()
  return operations === UNSAID ? null : operations
}

/** Of the first topic. */
export const decodeTopic = (response: Buffer): TopicAnswer => {
  const read = reader(response)
  const { take, varint, text, tags } = read
  tags() // end of the response header v1
  take(4) // throttle time
  for (let brokers = varint() - 1; brokers > 0; brokers--) {
    take(4)
    text()
    take(4)
    text()
    tags()
  }
  text() // cluster id
  take(4) // controller
  if (varint() - 1 < 1) return { errorCode: 0, topicId: null, operations: null }
  const errorCode = take(2).readInt16BE()
  text()
  const id = take(16)
  return { errorCode, topicId: id.equals(NO_ID) ? null : uuid(id), operations: operationsOf(read) }
}

const uuid = (id: Buffer): string => id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** As kafkajs' connection.send takes it. */
export const topicRequest = (topic: string) => ({
  request: {
    apiKey: METADATA_KEY,
    apiVersion: METADATA_WITH_IDS,
    apiName: 'Metadata',
    encode: async (): Promise<Encoder> => new EncoderOf().writeBuffer(encodeMetadataRequest(topic)),
  },
  response: {
    decode: async (raw: Buffer) => ({ ...decodeTopic(raw), clientSideThrottleTime: 0 }),
    parse: async (decoded: TopicAnswer) => decoded,
  },
})
