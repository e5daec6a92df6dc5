import { describe, expect, test } from 'vitest'
import {
  type DeadLetterStatus,
  type LifeCycleEvent,
  nextStatus,
  STATUSES,
  statusesThatTake,
} from '../../../src/dead-letters/life-cycle.ts'

// Written out once more, whole: a transition that is added or lost is a decision, not a slip.
const TABLE: Record<LifeCycleEvent, Record<DeadLetterStatus, DeadLetterStatus | null>> = {
  replay: { open: 'replayed', replayed: 'replayed', resolved: null, parked: 'replayed', discarded: null },
  written: { open: 'resolved', replayed: 'resolved', resolved: null, parked: 'resolved', discarded: 'resolved' },
  refused: { open: null, replayed: 'open', resolved: null, parked: null, discarded: null },
  'refused-finally': { open: null, replayed: 'parked', resolved: null, parked: null, discarded: null },
  discard: { open: 'discarded', replayed: 'discarded', resolved: null, parked: 'discarded', discarded: null },
}
const EVENTS = Object.keys(TABLE) as LifeCycleEvent[]

describe.each(EVENTS)('%s', (event) => {
  test.each(STATUSES)('in status %s', (status) => {
    expect(nextStatus(status, event)).toBe(TABLE[event][status])
  })
  test('is taken by the statuses in which it changes something', () => {
    expect(statusesThatTake(event)).toEqual(STATUSES.filter((status) => TABLE[event][status] !== null))
  })
})
