import { createRequire } from 'node:module'

// The parts of kafkajs 2.2.4 below its public surface that we patch or use. One place knows these paths.

export type Decoder = {
  readonly buffer: Buffer
  offset: number
  readInt32(): number
  readVarInt(): number
  readVarIntBytes(): Buffer | null
  readBytes(length: number): Buffer
  canReadBytes(length: number): boolean
}
export type Encoder = {
  readonly buffer: Buffer
  size(): number
  writeInt8(value: number): Encoder
  writeInt32(value: number): Encoder
  writeVarInt(value: number): Encoder
  writeVarLong(value: unknown): Encoder
  writeVarIntString(value: string): Encoder
  writeVarIntBytes(value: Buffer | string | null | undefined): Encoder
  writeBuffer(value: Buffer): Encoder
}
export type EncoderClass = {
  new (initialSize?: number): Encoder
  sizeOfVarInt(value: number): number
  sizeOfVarLong(value: unknown): number
  sizeOfVarIntBytes(value: Buffer | string | null | undefined): number
}
type DecoderClass = { new (buffer: Buffer): Decoder; prototype: Decoder }
/** A record, as kafkajs decodes it. */
export type Message = { key: Buffer | null; value: Buffer | null; headers: object }

const load = createRequire(import.meta.url)
const idOf = (path: string) => load.resolve(`kafkajs/${path}`)

/** Of a file of the package on disk. */
export const pathOf = idOf

export const internal = (path: string): unknown => load(idOf(path))

export const kafkajsVersion = (internal('package.json') as { version: string }).version
export const DecoderOf = internal('src/protocol/decoder.js') as DecoderClass
export const EncoderOf = internal('src/protocol/encoder.js') as EncoderClass

/**
 * Puts `built` in the place of a module. kafkajs loads its request codecs at their first use, so this works however early
 * kafkajs itself was imported; a reader that already holds the original would make the patch a silent no-op, hence the check.
 */
export const replaceModule = (path: string, readBy: readonly string[], built: unknown): void => {
  const late = readBy.find((reader) => load.cache[idOf(reader)] !== undefined)
  if (late) throw new Error(`kafkajs has loaded ${late} before ${path} was patched: import kafka/client.ts first`)
  internal(path)
  const module = load.cache[idOf(path)]
  if (!module) throw new Error(`kafkajs: ${path} is not in the module cache`)
  module.exports = built
}

/** kafkajs's own clock, which patches of what it does by that clock have to read too. */
// eslint-disable-next-line no-restricted-properties -- not our time
export const wallClock = (): number => Date.now()
