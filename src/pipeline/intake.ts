// The door of the buffer, as the source sees it: decode and admit, or say no.
import type { Clock } from '../lib/clock.ts'
import type { Signal } from '../lib/signal.ts'
import type { Buffer } from './buffer.ts'
import { recordBytes } from './record-bytes.ts'
import type { Intake } from './source.ts'
import type { SourceRecord } from './source-record.ts'

export type IntakeDeps<D> = {
  buffer: Buffer<D>
  decode: (record: SourceRecord) => D
  clock: Clock
  /** Fired when room comes free and when the buffer empties. */
  freed: Signal
  /** Wakes the lane of a partition. */
  wake: (partition: number) => void
  admitting: () => boolean
  writing: () => boolean
  sinkFailing: () => boolean
  /** While true every lane flushes what it has. */
  hurry: (on: boolean) => void
}

export function createIntake<D>({ buffer, clock, ...deps }: IntakeDeps<D>): Intake {
  return {
    assign: (partition, position) => buffer.assign(partition, position),
    revoke(partition) {
      buffer.revoke(partition)
      deps.freed.fire()
    },
    next: (partition) => buffer.next(partition),
    settled: (partition) => buffer.settled(partition),
    assignment: (partition) => buffer.assignment(partition),
    rewind(partition, position) {
      buffer.rewind(partition, position)
      deps.freed.fire()
    },
    offer(partition, records) {
      if (!deps.admitting()) return 0
      let admitted = 0
      const arrivedAt = clock.now()
      for (const record of records) {
        const bytes = recordBytes(record)
        if (!buffer.fits(bytes)) break
        buffer.push({ record, decoded: deps.decode(record), bytes, arrivedAt })
        admitted += 1
      }
      // Also when nothing was admitted: a full buffer is a reason to flush.
      deps.wake(partition)
      return admitted
    },
    // Also behind a closed gate: kafkajs has passed these offsets and does not come back, and they take no room.
    advance(partition, position) {
      buffer.advance(partition, position, clock.now())
      deps.wake(partition)
    },
    writing: deps.writing,
    room: (ms) => deps.freed.wait(ms),
    async drain(ms) {
      const deadline = clock.now() + ms
      deps.hurry(true)
      while (buffer.held.records > 0 && !deps.sinkFailing() && clock.now() < deadline)
        await deps.freed.wait(deadline - clock.now())
      deps.hurry(false)
      return buffer.held.records === 0
    },
  }
}
