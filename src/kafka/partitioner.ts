import { randomInt } from 'node:crypto'
import type { ICustomPartitioner } from 'kafkajs'

// Java's default, so that every producer of a topic puts a key in the same place. kafkajs has it too, with integers that grow
// with the key: 10 KB take it 54 ms, 700 KB four minutes, in which no heartbeat goes out.

const M = 0x5bd1e995

/** murmur2 as kafka-clients has it; signed, 32 bits. */
export function murmur2(data: Buffer): number {
  const whole = data.length & ~3
  let hash = 0x9747b28c ^ data.length
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(data.readInt32LE(at), M)
    word = Math.imul(word ^ (word >>> 24), M)
    hash = Math.imul(hash, M) ^ word
  }
  if (data.length > whole) hash = Math.imul(hash ^ data.readUIntLE(whole, data.length - whole), M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

/** A key decides; without one the available partitions take turns. */
export const createPartitioner: ICustomPartitioner = () => {
  const turns = new Map<string, number>()
  return ({ topic, partitionMetadata, message: { key, partition } }) => {
    if (partition !== undefined && partition !== null) return partition
    const count = partitionMetadata.length
    if (key !== null && key !== undefined)
      return (murmur2(Buffer.isBuffer(key) ? key : Buffer.from(key)) & 0x7fffffff) % count
    const turn = turns.get(topic) ?? randomInt(count)
    turns.set(topic, turn + 1)
    const available = partitionMetadata.filter(({ leader }) => leader >= 0)
    const chosen = available.length > 0 ? available : partitionMetadata
    return chosen[turn % chosen.length]?.partitionId ?? 0
  }
}
