// The engine: source → decode → buffer → flush policy → sink → commit. Knows ports only; see lane.ts for a batch's way.
// Lanes (partition mod lanes) flush side by side and share the buffer's capacity.
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { createSignal } from '../lib/signal.ts'
import { createWake } from '../lib/wake.ts'
import type { Emit } from '../telemetry/events.ts'
import { type Capacity, createBuffer, type Standing } from './buffer.ts'
import { createGateWatch } from './gate-watch.ts'
import { createIntake } from './intake.ts'
import { runLane } from './lane.ts'
import type { LimitBounds } from './limits.ts'
import type { Gate, Sink } from './sink.ts'
import type { Source } from './source.ts'
import type { SourceRecord } from './source-record.ts'

export type PipelineDeps<D> = {
  source: Source
  sink: Sink<D>
  gate: Gate
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
  /** As far as this member knows. Then what is buffered waits, and a drain ends without settling it. */
  gateClosed(): boolean
  /** A drain ended so, whether the gate is open again or not. */
  heldBack(): boolean
  /** A lane has something to write, or a batch under way. */
  busy(lane: number): boolean
  /** Of the partitions that are ours and of which it is known where to begin. */
  standings(): Standing[]
  /** Records that came in since the start, by partition. */
  admitted(): ReadonlyMap<number, number>
  /** Nothing more is taken until room comes free. */
  full(): boolean
}

type Mode = 'idle' | 'running' | 'draining' | 'stopped'

export function createPipeline<D>({ source, sink, gate, clock, random, emit, ...deps }: PipelineDeps<D>): Pipeline {
  const buffer = createBuffer<D>(deps.capacity, deps.lanes)
  const wakes = Array.from({ length: deps.lanes }, createWake)
  const freed = createSignal()
  const aborting = new AbortController()
  let mode: Mode = 'idle'
  let hurried = false
  let heldBack = false
  const failingLanes = new Set<number>()
  const flushingLanes = new Set<number>()

  const watch = createGateWatch({ gate, clock, emit })
  const wakeAll = () => {
    for (const wake of wakes) wake.notify()
  }
  const intake = createIntake<D>({
    buffer,
    decode: deps.decode,
    clock,
    freed,
    wake: (partition) => wakes[partition % deps.lanes]?.notify(),
    admitting: () => mode === 'running' && !watch.closed(),
    writing: () => flushingLanes.size > 0,
    sinkFailing: () => failingLanes.size > 0 || watch.closed(),
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
    async held() {
      await watch.opened(() => aborting.signal.aborted || mode === 'draining')
      gateChanged()
    },
  })
  const gateChanged = () => {
    if (mode === 'draining' && watch.closed()) {
      heldBack ||= !aborting.signal.aborted
      return abort()
    }
    freed.fire()
    wakeAll()
  }
  const runLanes = () =>
    wakes.map((wake, lane) =>
      runLane<D>({
        ...{ lane, buffer, source, clock, emit, wake, freed, bounds: deps.bounds },
        flushing: (on) => void (on ? flushingLanes.add(lane) : flushingLanes.delete(lane)),
        settling: settlingOf(lane),
        gateClosed: watch.closed,
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
    gateClosed: watch.closed,
    heldBack: () => heldBack,
    busy: (lane) => flushingLanes.has(lane) || buffer.lane(lane).records > 0,
    standings: () => buffer.standings(),
    admitted: () => buffer.admitted(),
    full: () => buffer.full(),
    abort,
    drain(why) {
      if (mode === 'draining' || mode === 'stopped') return
      emit({ type: 'draining', why, buffered: buffer.held.records })
      if (mode === 'running') source.pause()
      mode = 'draining'
      failpoint('draining')
      gateChanged()
    },
    async run() {
      if (mode !== 'idle') return 0 // drained before it began
      mode = 'running'
      const watching = new AbortController()
      void watch.run(watching.signal, gateChanged)
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
        watching.abort()
        await source.stop()
      }
      return buffer.held.records
    },
  }
}
