// The engine: source → decode → buffer → flush policy → sink → commit. Knows ports only; see lane.ts for a batch's way.
// Lanes (partition mod lanes) flush side by side and share the buffer's capacity.
import type { Clock } from '../lib/clock.ts'
import { createSignal } from '../lib/signal.ts'
import { createWake } from '../lib/wake.ts'
import type { Emit } from '../telemetry/events.ts'
import { type Capacity, createBuffer } from './buffer.ts'
import { createIntake } from './intake.ts'
import { runLane } from './lane.ts'
import type { LimitBounds } from './limits.ts'
import type { Sink } from './sink.ts'
import type { Source } from './source.ts'
import type { SourceRecord } from './source-record.ts'

export type PipelineDeps<D> = {
  source: Source
  sink: Sink<D>
  decode: (record: SourceRecord) => D
  clock: Clock
  random: () => number
  emit: Emit
  capacity: Capacity
  bounds: LimitBounds
  lanes: number
}

export type Pipeline = {
  /** Works until drained or aborted; resolves to the number of records left unsettled. Rejects with what stopped it. */
  run(): Promise<number>
  /** Take no more records, settle and commit what is buffered, leave the group. */
  drain(why: string): void
  /** Stop between two tries; what is buffered stays unsettled and is read again by the next owner. */
  abort(): void
  readonly held: Readonly<{ records: number; bytes: number }>
}

type Mode = 'idle' | 'running' | 'draining' | 'stopped'

export function createPipeline<D>({ source, sink, clock, random, emit, ...deps }: PipelineDeps<D>): Pipeline {
  const buffer = createBuffer<D>(deps.capacity, deps.lanes)
  const wakes = Array.from({ length: deps.lanes }, createWake)
  const freed = createSignal()
  const aborting = new AbortController()
  let mode: Mode = 'idle'
  let hurried = false
  const failingLanes = new Set<number>()

  const wakeAll = () => {
    for (const wake of wakes) wake.notify()
  }
  const intake = createIntake<D>({
    buffer,
    decode: deps.decode,
    clock,
    freed,
    wake: (partition) => wakes[partition % deps.lanes]?.notify(),
    admitting: () => mode === 'running',
    sinkFailing: () => failingLanes.size > 0,
    hurry(on) {
      hurried = on
      wakeAll()
    },
  })
  const settlingOf = (lane: number) => ({
    ...{ sink, clock, random, emit },
    owns: (partition: number) => source.owns(partition),
    abort: aborting.signal,
    failing(failing: boolean) {
      if (!failing) return void failingLanes.delete(lane)
      failingLanes.add(lane)
      // A rebalance that waits for the buffer to empty must not wait for a failing sink.
      freed.fire()
    },
  })
  const runLanes = () =>
    wakes.map((wake, lane) =>
      runLane<D>({
        ...{ lane, buffer, source, clock, emit, wake, freed, bounds: deps.bounds },
        settling: settlingOf(lane),
        mode: () => (mode === 'draining' ? 'drain' : hurried ? 'hurry' : 'steady'),
      }),
    )
  const draining = () => mode === 'draining'
  const abort = () => {
    aborting.abort()
    wakeAll()
  }

  return {
    held: buffer.held,
    abort,
    drain(why) {
      if (mode === 'draining' || mode === 'stopped') return
      emit({ type: 'draining', why, buffered: buffer.held.records })
      if (mode === 'running') source.pause()
      mode = 'draining'
      wakeAll()
    },
    async run() {
      if (mode !== 'idle') return 0 // drained before it began
      mode = 'running'
      const lanes = runLanes()
      const drained = Promise.all(lanes)
      try {
        await Promise.race([drained, source.run(intake).then(() => drained)])
      } catch (error) {
        // A source that ends while we drain does not keep us from settling what is buffered.
        if (!draining()) abort()
        throw error
      } finally {
        await Promise.allSettled(lanes) // the first fault is thrown; the others end their batch
        mode = 'stopped'
        await source.stop()
      }
      return buffer.held.records
    },
  }
}
