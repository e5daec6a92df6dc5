// Kafka's wire format, as much of it as a proxy needs: frames, request headers, and where in a response the error codes and
// the ports of the brokers are. Only for the versions that kafkajs 2.2.4 sends to a broker of 3.x or 4.x; others are refused.

import { METADATA_WITH_IDS } from '../../src/kafka/topic-id.ts'

export const APIS = {
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  LeaveGroup: 13,
  SyncGroup: 14,
} as const
export type Api = keyof typeof APIS

/** The versions whose layout is known here. */
const VERSIONS: Partial<Record<Api, number>> = {
  Fetch: 11,
  ListOffsets: 3,
  Metadata: 6,
  OffsetCommit: 5,
  FindCoordinator: 2,
  JoinGroup: 5,
  Heartbeat: 3,
  LeaveGroup: 3,
  SyncGroup: 3,
}

export type RequestHeader = { api: Api | null; version: number; correlation: number }

const nameOf = new Map(Object.entries(APIS).map(([name, key]) => [key as number, name as Api]))

/** Of a whole frame, its length included. */
export const requestHeader = (frame: Buffer): RequestHeader => ({
  api: nameOf.get(frame.readInt16BE(4)) ?? null,
  version: frame.readInt16BE(6),
  correlation: frame.readInt32BE(8),
})
export const correlationOf = (response: Buffer): number => response.readInt32BE(4)

/** Cuts a stream into frames. */
export const createFrames = () => {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes: Buffer): Buffer[] => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const frames: Buffer[] = []
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      frames.push(Buffer.from(rest.subarray(0, end)))
      rest = rest.subarray(end)
    }
    return frames
  }
}

const cursor = (frame: Buffer, start: number) => {
  let at = start
  const skip = (bytes: number) => (at += bytes) - bytes
  const text = () => {
    const length = frame.readInt16BE(skip(2))
    if (length > 0) skip(length)
  }
  const count = () => frame.readInt32BE(skip(4))
  return { skip, text, count, each: (visit: () => void) => Array.from({ length: Math.max(0, count()) }, visit) }
}

const checkVersion = (api: Api, version: number) => {
  if (VERSIONS[api] !== version) throw new Error(`${api} v${version} is not known to the proxy (v${VERSIONS[api]} is)`)
}

/** Where the error codes of a response are: length, correlation and throttle time come before everything. */
const errorsAt = (api: Api, response: Buffer): number[] => {
  const found: number[] = []
  const c = cursor(response, 12)
  /** Topics of partitions: number, error, and so many bytes more. */
  const byPartition = (bytesAfter: number) => {
    c.each(() => {
      c.text()
      c.each(() => {
        c.skip(4)
        found.push(c.skip(2))
        c.skip(bytesAfter)
      })
    })
    return found
  }
  switch (api) {
    case 'JoinGroup':
    case 'SyncGroup':
    case 'Heartbeat':
    case 'LeaveGroup':
    case 'FindCoordinator':
      return [12]
    case 'OffsetCommit':
      return byPartition(0)
    case 'Metadata':
      c.each(() => {
        c.skip(4)
        c.text()
        c.skip(4)
        c.text()
      })
      c.text()
      c.skip(4)
      c.each(() => {
        found.push(c.skip(2))
        c.text()
        c.skip(1)
        c.each(() => {
          c.skip(10)
          c.each(() => c.skip(4))
          c.each(() => c.skip(4))
          c.each(() => c.skip(4))
        })
      })
      return found
    case 'ListOffsets':
      return byPartition(16)
    case 'Fetch':
      c.skip(6)
      c.each(() => {
        c.text()
        c.each(() => {
          c.skip(4)
          found.push(c.skip(2))
          c.skip(24)
          c.each(() => c.skip(16))
          c.skip(4)
          c.skip(Math.max(0, c.count()))
        })
      })
      return found
    default:
      throw new Error(`the proxy does not know where ${api} has its errors`)
  }
}

/** Changes every error code of the response, in place. */
export const setErrors = ({ api, version }: RequestHeader, response: Buffer, error: number): void => {
  if (!api) return
  checkVersion(api, version)
  for (const at of errorsAt(api, response)) response.writeInt16BE(error, at)
}

/** An answer that no broker gave: nothing happened, and this is why. */
export const refusal = ({ api, version, correlation }: RequestHeader, error: number): Buffer => {
  if (api) checkVersion(api, version)
  const code = Buffer.alloc(2)
  code.writeInt16BE(error)
  const absent = Buffer.from([0xff, 0xff])
  const one = Buffer.from([0, 0, 0, 1])
  const rest: Partial<Record<Api, Buffer>> = {
    // generation, protocol, leader, member, members
    JoinGroup: Buffer.concat([
      Buffer.alloc(4, 0xff),
      Buffer.alloc(2),
      Buffer.alloc(2),
      Buffer.alloc(2),
      Buffer.alloc(4),
    ]),
    SyncGroup: Buffer.alloc(4),
    Heartbeat: Buffer.alloc(0),
    // nothing: its error is that of a partition (of whatever topic)
    OffsetCommit: Buffer.alloc(0),
    // message, node, host, port
    FindCoordinator: Buffer.concat([absent, Buffer.alloc(4, 0xff), Buffer.alloc(2), Buffer.alloc(4, 0xff)]),
  }
  const body = api ? rest[api] : undefined
  if (!body) throw new Error(`the proxy cannot refuse ${api}`)
  const before = api === 'OffsetCommit' ? Buffer.concat([one, Buffer.from([0, 1, 0x78]), one, Buffer.alloc(4)]) : null
  const head = Buffer.alloc(12)
  head.writeInt32BE(8 + (before?.length ?? 0) + code.length + body.length, 0)
  head.writeInt32BE(correlation, 4)
  return Buffer.concat([head, ...(before ? [before] : []), code, body])
}

/** Puts the proxies in the place of the brokers, in place: all of them are on 127.0.0.1. */
export const mapPorts = ({ api, version }: RequestHeader, response: Buffer, map: (port: number) => number): void => {
  if (api !== 'Metadata' && api !== 'FindCoordinator') return
  // Asked by us for the id of a topic: nobody reads the brokers in it.
  if (api === 'Metadata' && version === METADATA_WITH_IDS) return
  checkVersion(api, version)
  const c = cursor(response, 12)
  const port = () => {
    const at = c.skip(4)
    response.writeInt32BE(map(response.readInt32BE(at)), at)
  }
  if (api === 'Metadata')
    c.each(() => {
      c.skip(4)
      c.text()
      port()
      c.text()
    })
  else {
    c.skip(2)
    c.text()
    c.skip(4)
    c.text()
    port()
  }
}
