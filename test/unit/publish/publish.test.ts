import { expect, test } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Send } from '../../../src/publish/lanes.ts'
import { publish, type FaultRow } from '../../../src/publish/publish.ts'
import { exitCodeOf, reportText } from '../../../src/publish/report.ts'
import { FileFault, type Row, type Rows } from '../../../src/publish/row.ts'

const row = (line: number): Row => ({
  line,
  record: { key: Buffer.from(`k${line % 7}`), value: Buffer.from(String(line)) },
})
const range = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, at) => row(from + at))

async function* parts(...some: (readonly Row[] | Error)[]): Rows & AsyncGenerator<readonly Row[]> {
  for (const part of some) {
    if (part instanceof Error) throw part
    yield part
  }
}

const run = async (rows: Rows, change: { send?: Send; rate?: number; clock?: Clock; signal?: AbortSignal } = {}) => {
  const sent: string[] = []
  const faults: FaultRow[] = []
  const outcome = await publish({
    rows,
    send: change.send ?? (async (records) => void sent.push(...records.map(({ value }) => String(value)))),
    clock: change.clock ?? systemClock,
    signal: change.signal ?? new AbortController().signal,
    rate: change.rate ?? null,
    onFault: (fault) => faults.push(fault),
    onProgress: () => undefined,
  })
  return { outcome, sent, faults }
}

test('every record is sent, every fault is told, and the exit code says so', async () => {
  const { outcome, sent, faults } = await run(
    parts(range(1, 4_000), [{ line: 4_000, fault: 'X' }], range(4_001, 5_001)),
  )
  expect(outcome).toMatchObject({ published: 4_999, faults: 1, line: 5_000, ending: { kind: 'complete' } })
  expect(new Set(sent).size).toBe(4_999)
  expect(faults).toEqual([{ line: 4_000, fault: 'X' }])
  expect(exitCodeOf(outcome)).toBe(1)
})

test('a file that breaks off: what came before is sent, and the report says where', async () => {
  const { outcome, sent } = await run(parts(range(1, 11), new FileFault('cut off')))
  expect(sent).toHaveLength(10)
  expect(reportText(outcome, { topic: 't', unit: 'line', dryRun: false })).toContain('broken off at line 10: cut off')
  expect(exitCodeOf(outcome)).toBe(1)
})

test('a signal stops the reading, what was read is sent', async () => {
  const stop = new AbortController()
  async function* rows(): AsyncGenerator<Row[]> {
    yield range(1, 101)
    stop.abort()
    yield range(101, 201)
  }
  const { outcome, sent } = await run(rows(), { signal: stop.signal })
  expect(sent).toHaveLength(100)
  expect(outcome).toMatchObject({ line: 100, ending: { kind: 'stopped' } })
  expect(exitCodeOf(outcome)).toBe(130)
})

test('a send that fails ends the reading of an endless input, and counts only what was acknowledged', async () => {
  let sends = 0
  async function* endless(): AsyncGenerator<Row[]> {
    for (let at = 1; ; at += 1_000) yield range(at, at + 1_000)
  }
  const { outcome } = await run(endless(), {
    send: async () => {
      if (++sends > 3) throw new Error('no broker')
    },
  })
  expect(outcome.ending).toMatchObject({ kind: 'send-failed' })
  expect(outcome.published).toBe(2_400)
  expect(exitCodeOf(outcome)).toBe(3)
})

test('a bug in a reader is not taken for a fault of the file', async () => {
  await expect(run(parts(range(1, 3), new TypeError('bug')))).rejects.toThrow('bug')
})

test('--rate spreads the records over time', async () => {
  let now = 0
  const waiting: (() => void)[] = []
  const clock: Clock = {
    now: () => now,
    wall: () => 0,
    // The ticker of publish() asks for 200 ms; only the pace asks for less, and it alone moves the time here.
    sleep: async (ms, signal) => {
      if (ms === 200) return new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      now += ms
      waiting.splice(0).forEach((wake) => wake())
    },
  }
  const { outcome, sent } = await run(parts(range(1, 1_001)), { rate: 500, clock })
  expect(sent).toHaveLength(1_000)
  expect(outcome.ms).toBeGreaterThan(1_900)
  expect(outcome.ms).toBeLessThanOrEqual(2_000)
})
