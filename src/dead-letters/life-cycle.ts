// The life of a dead letter. Publishing it to the DLQ topic is another axis (published_at). Every change of status in the
// code goes through this table: the sink asks `nextStatus`, SQL is made from `statusesThatTake`.

export const STATUSES = ['open', 'replayed', 'resolved', 'parked', 'discarded'] as const
/**
 * open: nobody has dealt with it · replayed: sent to its topic again, outcome not known yet · resolved: its event is in
 * the ledger · parked: it failed again after MAX_REPLAYS replays · discarded: somebody decided that it is not wanted.
 */
export type DeadLetterStatus = (typeof STATUSES)[number]

/**
 * replay: an operator sends it again · written: its record, or its replay, is in the ledger · refused: its replay failed ·
 * refused-finally: the same, for the MAX_REPLAYSth time · discard: an operator does not want it. (One change more is made in
 * SQL, `upsertDeadLetters`: a letter that was resolved without a replay is open again when its record fails again.)
 */
export type LifeCycleEvent = 'replay' | 'written' | 'refused' | 'refused-finally' | 'discard'

/** Replays after which a letter that fails again is parked: then replaying is not the answer. */
export const MAX_REPLAYS = 3

const TRANSITIONS: Readonly<Record<LifeCycleEvent, Partial<Record<DeadLetterStatus, DeadLetterStatus>>>> = {
  // From `replayed`: the outcome never came (the topic lost it), so an operator may send it once more, by name.
  replay: { open: 'replayed', parked: 'replayed', replayed: 'replayed' },
  // From `discarded`: a copy was under way when it was discarded. What is in the ledger is true.
  written: { open: 'resolved', replayed: 'resolved', parked: 'resolved', discarded: 'resolved' },
  refused: { replayed: 'open' },
  'refused-finally': { replayed: 'parked' },
  discard: { open: 'discarded', replayed: 'discarded', parked: 'discarded' },
}

/** The status after the event; null when the event changes nothing in this status. */
export const nextStatus = (status: DeadLetterStatus, event: LifeCycleEvent): DeadLetterStatus | null =>
  TRANSITIONS[event][status] ?? null

/** For a WHERE clause: the statuses in which the event changes something. */
export const statusesThatTake = (event: LifeCycleEvent): DeadLetterStatus[] =>
  STATUSES.filter((status) => TRANSITIONS[event][status] !== undefined)
