import { DecoderOf, EncoderOf, type Decoder, type Encoder } from './kafkajs-internals.ts'

// Headers as ordered pairs, both ways. kafkajs turns them into an object by spreading it once per header (3,000 headers
// cost 1.3 s of event loop), loses the order of repeated names, trips over `constructor`, and cannot send a null value.
// The object stays for kafkajs' sake; the pairs travel under a symbol.

export type HeaderPair = readonly [name: string, value: Buffer | null]
export type HeaderOut = readonly [name: string, value: Buffer | string | null]

const PAIRS = Symbol.for('sluice.headerPairs')
type Headers = { [name: string]: unknown; [PAIRS]?: readonly HeaderOut[] }

const NONE: readonly HeaderPair[] = Object.freeze([])
const NO_HEADERS: Headers = Object.freeze(Object.assign(Object.create(null) as Headers, { [PAIRS]: NONE }))

const toObject = (pairs: readonly HeaderPair[]): Headers => {
  // No prototype: a header named __proto__ or constructor is a header like any other.
  const headers = Object.create(null) as Headers
  for (const [name, value] of pairs) {
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (Array.isArray(before)) before.push(value)
    else headers[name] = [before, value]
  }
  headers[PAIRS] = pairs
  return headers
}

/**
 * A name is text by the protocol, yet no broker checks it. One that is not UTF-8 is kept as a text that no other name can
 * be: lone surrogates U+DC80 … U+DCFF stand for the bytes above 0x7f, and become those bytes again when it is sent.
 */
const nameOf = (bytes: Buffer | null): string => {
  const name = bytes?.toString('utf8') ?? ''
  if (bytes === null || !name.includes('\uFFFD') || Buffer.from(name).equals(bytes)) return name
  return bytes.toString('latin1').replaceAll(/[\x80-\xff]/g, (char) => String.fromCharCode(0xdc00 + char.charCodeAt(0)))
}

const nameToSend = (name: string): string | Buffer =>
  /[\uDC80-\uDCFF]/u.test(name) ? Buffer.from(name, 'latin1') : name

/** Of one record; the protocol knows no limit. A header without name and value is two bytes, and 85 of memory. */
export const MAX_HEADERS = 100_000

const readPairs = (decoder: Decoder, count: number): HeaderPair[] => {
  if (count > MAX_HEADERS) throw new Error(`a record has ${count} headers, more than ${MAX_HEADERS}`)
  const pairs: HeaderPair[] = []
  for (let i = 0; i < count; i++) {
    const name = nameOf(decoder.readVarIntBytes())
    pairs.push([name, decoder.readVarIntBytes()])
  }
  return pairs
}

/**
 * In kafkajs only the record decoder calls readVarIntArray, and calls `.reduce` on what it returns: the one seam that needs
 * no copy of the record decoder.
 */
export const patchHeaderDecoding = (): void => {
  const prototype = DecoderOf.prototype as Decoder & { readVarIntArray(): { reduce(): Headers } }
  prototype.readVarIntArray = function (this: Decoder) {
    const count = this.readVarInt()
    const headers = count > 0 ? toObject(readPairs(this, count)) : NO_HEADERS
    return { reduce: () => headers }
  }
}

/** The headers of a consumed record: in order, repeated names repeated, bytes untouched. */
export const headerPairs = (message: { headers?: object | undefined }): readonly HeaderPair[] => {
  if (message.headers === undefined) return NONE
  const pairs = (message.headers as Headers)[PAIRS]
  if (pairs === undefined) throw new Error('headers without pairs: the kafkajs header patch is not in place')
  return pairs as readonly HeaderPair[]
}

/** Headers to send, for a kafkajs message. */
export const headersOf = (pairs: readonly HeaderOut[]): Record<string, never> => ({ [PAIRS]: pairs })

type OutMessage = {
  offsetDelta?: number
  timestampDelta?: unknown
  key?: Buffer | string | null
  value?: Buffer | string | null
  headers?: Headers
}

const pairsOf = (headers: Headers | undefined): readonly HeaderOut[] => {
  if (headers === undefined) return NONE
  return (
    headers[PAIRS] ??
    Object.entries(headers).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((each) => [name, each as Buffer | string | null] as const),
    )
  )
}

/** Replaces recordBatch/record/v0: the same bytes, but headers keep their order and may be null. */
export const encodeRecord = ({ offsetDelta = 0, timestampDelta = 0, key, value, headers }: OutMessage): Encoder => {
  const pairs = pairsOf(headers).map(([name, value]) => [nameToSend(name), value] as const)
  let size = 1 + EncoderOf.sizeOfVarLong(timestampDelta) + EncoderOf.sizeOfVarInt(offsetDelta)
  size += EncoderOf.sizeOfVarIntBytes(key) + EncoderOf.sizeOfVarIntBytes(value) + EncoderOf.sizeOfVarInt(pairs.length)
  for (const [name, each] of pairs) size += EncoderOf.sizeOfVarIntBytes(name) + EncoderOf.sizeOfVarIntBytes(each)
  const encoder = new EncoderOf(size + 10)
    .writeVarInt(size)
    .writeInt8(0)
    .writeVarLong(timestampDelta)
    .writeVarInt(offsetDelta)
    .writeVarIntBytes(key)
    .writeVarIntBytes(value)
    .writeVarInt(pairs.length)
  for (const [name, each] of pairs) encoder.writeVarIntBytes(name).writeVarIntBytes(each)
  return encoder
}
