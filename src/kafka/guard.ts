import { createHash } from 'node:crypto'
import { pathOf } from './kafkajs-internals.ts'
import { readFileSync } from 'node:fs'

// The patches lean on what these files of kafkajs do, line by line. A fork, or a file that a tool has mended under the same
// version, would make one of them silently wrong: so the files are held against their checksums before anything is patched.

export const VERSION = '2.2.4'

/** First 16 hex digits of SHA-256, by path in the package. */
export const CHECKSUMS: Readonly<Record<string, string>> = {
  'src/admin/index.js': '94aa1214e987e8f7',
  'src/broker/saslAuthenticator/index.js': '535765470e117239',
  'src/cluster/brokerPool.js': '9994863e891ac2ab',
  'src/cluster/index.js': '3831a6845e4e9fb0',
  'src/consumer/consumerGroup.js': 'f3e461738585a8dc',
  'src/consumer/fetcher.js': 'a9418ebe7cffdbac',
  'src/consumer/fetchManager.js': '9a07c96b6150d654',
  'src/consumer/index.js': 'cdf5b3d7c67364b2',
  'src/consumer/offsetManager/index.js': 'bd1041968ae32232',
  'src/consumer/runner.js': 'fad3247df2e3ba48',
  'src/consumer/subscriptionState.js': 'c51f24251b58ee5d',
  'src/network/connection.js': '2a993b2e74421ca6',
  'src/network/requestQueue/index.js': 'b55986089c14f8f7',
  'src/network/requestQueue/socketRequest.js': 'dde28f8e26c6d17f',
  'src/network/socketFactory.js': '1493fc580263350f',
  'src/protocol/decoder.js': '83c43fac8d6b8ef2',
  'src/protocol/encoder.js': '9977889e184a9e91',
  'src/protocol/message/compression/index.js': '666ec6400225fe90',
  'src/protocol/messageSet/decoder.js': '791fc7649fc2a61a',
  'src/protocol/recordBatch/record/v0/decoder.js': '86d740054c8be29b',
  'src/protocol/recordBatch/record/v0/index.js': 'ffbc628c1f35f5de',
  'src/protocol/requests/fetch/v4/decodeMessages.js': 'd9fede59bebf84ee',
  'src/retry/index.js': '6b10590bb8c285ee',
}

const checksum = (path: string): string => {
  try {
    return createHash('sha256')
      .update(readFileSync(pathOf(path)))
      .digest('hex')
      .slice(0, 16)
  } catch {
    return 'missing'
  }
}

const advice =
  'see src/kafka/guard.ts: check each patch against the new source, then write down the new version and checksums'

/** @throws when this is not the kafkajs that the patches were written for. */
export const assertKafkajs = (version: string, sum: (path: string) => string = checksum): void => {
  if (version !== VERSION)
    throw new Error(`kafkajs is ${version}, but its patches were written for ${VERSION}; ${advice}`)
  const changed = Object.entries(CHECKSUMS).filter(([path, expected]) => sum(path) !== expected)
  if (changed.length > 0)
    throw new Error(
      `kafkajs ${version} is not the published one: ${changed.map(([path]) => path).join(', ')}; ${advice}`,
    )
}
