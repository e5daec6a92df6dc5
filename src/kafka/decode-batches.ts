import kafkajs from 'kafkajs'
import { OperatorError, ExitCode } from '../lib/operator-error.ts'
import { crc32c } from './crc32c.ts'
import { DecoderOf, internal, type Decoder, type RecordBatch } from './kafkajs-internals.ts'

// Of a record batch (magic 2): where its length begins to count, and some fields.
const LENGTH_AT = 8
const COUNTED_FROM = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BATCH_OVERHEAD = 49
const LAST_CODEC = 4

/** What one partition may give per fetch: the first batch always fits, the rest is fetched again when it is its turn. */
export const MAX_DECODED_BYTES = 16 * 1_048_576

type DecodeBatch = (decoder: Decoder) => Promise<RecordBatch>
type Decoded = RecordBatch['records']

const sizeOf = (records: Decoded): number =>
  records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0) + 32, 0)

type Place = { readonly partition: number | null; readonly first: bigint; readonly last: bigint }

const unreadable = ({ partition, first, last }: Place, cause: unknown): Error => {
  const why = cause instanceof Error ? cause.message : 'it is malformed'
  const which = `at offset ${first}${partition === null ? '' : ` of partition ${partition}`}`
  const mend = new OperatorError(
    `the record batch ${which} cannot be decoded: ${why}`,
    `look at it with kafka-dump-log; to pass it by with all its records, stop the members, then: sluice offsets skip ` +
      `--partition ${partition ?? '<n>'} --offset ${first} --through ${last} --reason "…" --yes`,
    ExitCode.fatal,
    { cause },
  )
  // Not retriable: kafkajs would otherwise fetch the same bytes again for ever.
  return Object.assign(new kafkajs.KafkaJSNonRetriableError(mend.message), { cause: mend })
}

/**
 * Which partition the batches at `recordsAt` are of, for the message only: kafkajs does not say. In a fetch response (v11)
 * before them: partition, error code, three offsets, the aborted transactions of 16 bytes each, a replica.
 */
const partitionBefore = ({ buffer }: Decoder, recordsAt: number): number | null => {
  for (let aborted = 0, at = recordsAt - 8; at >= 30; aborted++, at -= 16) {
    const count = buffer.readInt32BE(at)
    if (count !== aborted && !(count === -1 && aborted === 0)) continue
    return buffer.readInt16BE(at - 26) === 0 ? buffer.readInt32BE(at - 30) : null
  }
  return null
}

/**
 * kafkajs checks neither: bytes that a disk or a network damaged would become other records in silence, and a codec that it
 * does not know would be read as if nothing was compressed. A batch that the response cuts off is left to the decoder.
 */
const check = (bytes: Buffer, start: number): void => {
  const end = start + COUNTED_FROM + bytes.readInt32BE(start + LENGTH_AT)
  if (end > bytes.length || end < start + BATCH_OVERHEAD) return
  if (crc32c(bytes, start + ATTRIBUTES_AT, end) !== bytes.readUInt32BE(start + CRC_AT))
    throw new Error('its checksum is wrong')
  const codec = bytes.readInt16BE(start + ATTRIBUTES_AT) & 7
  if (codec > LAST_CODEC) throw new Error(`it is compressed with a codec that is not known here (${codec})`)
}

/**
 * Replaces fetch/v4/decodeMessages, which appends with `push(...records)`: a batch of more than about 125,000 records, a few
 * hundred compressed kilobytes, overflows the stack and stops the consumer for good. Appends one by one, stops when enough is
 * decoded, and says which offset could not be read.
 */
export const decodeBatches = async (response: Decoder, maxBytes = MAX_DECODED_BYTES): Promise<unknown[]> => {
  const decodeBatch = internal('src/protocol/recordBatch/v0/decoder.js') as DecodeBatch
  const recordsAt = response.offset
  const size = response.readInt32()
  if (size <= 0 || !response.canReadBytes(size)) return []
  const bytes = response.readBytes(size)
  const decoder = new DecoderOf(bytes)
  if (bytes.readInt8(MAGIC_AT) !== 2) return decodeOldFormat(decoder, size)
  const records: Decoded = []
  for (let decoded = 0; decoder.canReadBytes(BATCH_OVERHEAD) && decoded < maxBytes;) {
    const start = decoder.offset
    const checkAndDecode = async () => {
      check(bytes, start)
      return decodeBatch(decoder)
    }
    const batch = await checkAndDecode().catch((error: unknown) => {
      if (error instanceof Error && error.name === 'KafkaJSPartialMessageError') return null
      // What is before it is settled first; the next fetch begins with it.
      if (records.length > 0) return null
      const first = bytes.readBigInt64BE(start)
      const last = first + BigInt(bytes.readInt32BE(start + LAST_OFFSET_DELTA_AT))
      throw unreadable({ partition: partitionBefore(response, recordsAt), first, last }, error)
    })
    // Unreadable, or the last of a response, which maxBytes may cut off: it comes with the next fetch.
    if (batch === null) break
    for (const record of batch.records) records.push(record)
    decoded += sizeOf(batch.records)
  }
  return records
}

const decodeOldFormat = async (decoder: Decoder, size: number): Promise<unknown[]> => {
  const decode = internal('src/protocol/messageSet/decoder.js') as (d: Decoder, size: number) => Promise<unknown[]>
  return decode(decoder, size)
}
