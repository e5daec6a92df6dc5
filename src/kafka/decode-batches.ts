import kafkajs from 'kafkajs'
import { OperatorError, ExitCode } from '../lib/operator-error.ts'
import { decodeBatch, type DecodedBatch, endOfBatch, TooHeavy } from './decode-batch.ts'
import { DecoderOf, internal, type Decoder, type Message } from './kafkajs-internals.ts'

const MAGIC_AT = 16
const LAST_OFFSET_DELTA_AT = 23

const MEBIBYTE = 1_048_576

/**
 * Memory that records may take when they are decoded. One batch, the first of a response: a heavier one is unreadable. What one
 * partition, and what all of one response give at once: the rest is fetched again when it is its turn. Members under the heap of
 * docker-compose.yml (512 MiB) live through the heaviest batch from each of three brokers at the same moment.
 */
export const LIMITS = { batch: 128 * MEBIBYTE, partition: 32 * MEBIBYTE, response: 64 * MEBIBYTE }

/** Of a response whose partitions are being decoded, one after the other: the memory that it has taken. */
const taken = new WeakMap<Decoder, number>()

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
 * Replaces fetch/v4/decodeMessages, which appends with `push(...records)`: a batch of more than about 125,000 records, a few
 * hundred compressed kilobytes, overflows the stack and stops the consumer for good. Stops when enough is decoded, and says
 * which offset could not be read. Called for each partition of a response (fetch-order.ts gives each its turn to be the first).
 */
export const decodeBatches = async (response: Decoder, limits = LIMITS): Promise<unknown[]> => {
  const recordsAt = response.offset
  const size = response.readInt32()
  if (size <= 0 || !response.canReadBytes(size)) return []
  const bytes = response.readBytes(size)
  if (bytes.readInt8(MAGIC_AT) !== 2) return decodeOldFormat(new DecoderOf(bytes), size)
  const records: Message[] = []
  let start = 0
  for (let decoded = 0; decoded < limits.partition;) {
    const before = taken.get(response) ?? 0
    const left = limits.response - before
    const limit = before === 0 ? limits.batch : decoded === 0 ? left : Math.min(left, limits.partition - decoded)
    const batch = await batchAt(bytes, start, limit).catch((error: unknown) => {
      // What is before it is settled first; the next fetch begins with it.
      if (records.length > 0 || (before > 0 && error instanceof TooHeavy)) return null
      const first = bytes.readBigInt64BE(start)
      const last = first + BigInt(bytes.readInt32BE(start + LAST_OFFSET_DELTA_AT))
      throw unreadable({ partition: partitionBefore(response, recordsAt), first, last }, error)
    })
    // Unreadable, too much for now, or the last of a response, which maxBytes may cut off: it comes with the next fetch.
    if (batch === null) break
    for (const record of batch.records) records.push(record)
    decoded += batch.weight
    taken.set(response, before + batch.weight)
    start = batch.end
  }
  return records
}

const batchAt = async (bytes: Buffer, start: number, limit: number): Promise<DecodedBatch | null> => {
  const end = endOfBatch(bytes, start)
  return end === null ? null : decodeBatch(bytes, start, end, limit)
}

const decodeOldFormat = async (decoder: Decoder, size: number): Promise<unknown[]> => {
  const decode = internal('src/protocol/messageSet/decoder.js') as (d: Decoder, size: number) => Promise<unknown[]>
  return decode(decoder, size)
}
