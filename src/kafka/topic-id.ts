import { EncoderOf, type Encoder } from './kafkajs-internals.ts'

// Metadata v12, the first version that tells the topic's id, on kafkajs' own connection (kafkajs stops at v6). It is a
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
    Buffer.from([0, 0]), // no auto-creation, no authorised operations
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

/** The first topic's id as a UUID string; null when the broker says there is no such topic (or hides it). */
export const decodeTopicId = (response: Buffer): { errorCode: number; topicId: string | null } => {
  const { take, varint, text, tags } = reader(response)
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
  if (varint() - 1 < 1) return { errorCode: 0, topicId: null }
  const errorCode = take(2).readInt16BE()
  text()
  const id = take(16)
  return { errorCode, topicId: id.equals(NO_ID) ? null : uuid(id) }
}

const uuid = (id: Buffer): string => id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** As kafkajs' connection.send takes it. */
export const topicIdRequest = (topic: string) => ({
  request: {
    apiKey: METADATA_KEY,
    apiVersion: METADATA_WITH_IDS,
    apiName: 'Metadata',
    encode: async (): Promise<Encoder> => new EncoderOf().writeBuffer(encodeMetadataRequest(topic)),
  },
  response: {
    decode: async (raw: Buffer) => ({ ...decodeTopicId(raw), clientSideThrottleTime: 0 }),
    parse: async (decoded: { errorCode: number; topicId: string | null }) => decoded,
  },
})
