import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { FaultCode } from '../line-items/fault.ts'
import { createCatalogue } from './catalogue.ts'
import { spoil } from './generate-bad.ts'
import { invoiceEvents } from './generate-invoice.ts'
import type { LineItemEvent, OutgoingRecord } from './row.ts'

/** What the consumer must make of a record: the proof of `sluice demo` adds these up. */
export type GeneratedRecord = OutgoingRecord &
  (
    | { readonly kind: 'valid' | 'duplicate'; readonly event: LineItemEvent }
    /** The id of an earlier event with other content: a dead letter. */
    | { readonly kind: 'conflict'; readonly event: LineItemEvent; readonly code: 'EVENT_ID_CONFLICT' }
    | { readonly kind: 'bad'; readonly code: FaultCode }
    | { readonly kind: 'tombstone' }
  )

export type GenerateOptions = {
  /** Records, of all kinds together. */
  readonly count: number
  readonly seed: number
  readonly users?: number
  /** About how many invoices; default: one for 35 records. */
  readonly invoices?: number
  /** At most a tenth of the records. */
  readonly bad?: number
  readonly tombstones?: number
  readonly conflicts?: number
  /** Share of duplicates, in records of a thousand. */
  readonly duplicatesPerMille?: number
}

const LINES_PER_INVOICE = 35
/** Duplicates come from the last events and from a sample of all earlier ones. */
const RECENT = 4_096
const SAMPLE = 512
/** A conflict may only follow its original, and needs a sample to choose from. */
const WARM_UP = 16

type Special = 'bad' | 'tombstone' | 'conflict'

/** Record number → special kind, spread evenly. Nothing is special in the first records. */
const planSpecials = ({ count, bad = 20, tombstones = 2, conflicts = 2 }: GenerateOptions): Map<number, Special> => {
  const room = Math.floor(count / 10)
  const kinds: Special[] = []
  for (let nth = 0; nth < Math.max(bad, tombstones, conflicts); nth++) {
    if (nth < bad) kinds.push('bad')
    if (nth < tombstones) kinds.push('tombstone')
    if (nth < conflicts) kinds.push('conflict')
  }
  const chosen = count > 2 * WARM_UP ? kinds.slice(0, room) : []
  const step = (count - WARM_UP) / (chosen.length + 1)
  return new Map(chosen.map((kind, nth) => [Math.floor(WARM_UP + (nth + 1) * step), kind]))
}

const keyOf = (event: LineItemEvent): Buffer => Buffer.from(event.invoiceId)
const encode = (event: LineItemEvent): Buffer => Buffer.from(JSON.stringify(event))

/** 2.5 → 2.50, 6 → 6.0: other bytes, the same fact. Six decimals have no room for a zero. */
const rewritten = (event: LineItemEvent): LineItemEvent => {
  const decimals = event.quantity.split('.')[1]?.length ?? 0
  if (decimals === 6) return event
  return { ...event, quantity: decimals === 0 ? `${event.quantity}.0` : `${event.quantity}0` }
}

/** Remembers the last events, and a uniform sample of all. */
const createMemory = (upTo: (limit: number) => number) => {
  const recent: LineItemEvent[] = []
  const sample: LineItemEvent[] = []
  let seen = 0
  return {
    add: (event: LineItemEvent): void => {
      recent[seen % RECENT] = event
      seen++
      if (sample.length < SAMPLE) sample.push(event)
      else if (upTo(seen) < SAMPLE) sample[upTo(SAMPLE)] = event
    },
    last: (): LineItemEvent => recent[(seen - 1) % RECENT] as LineItemEvent,
    recent: (): LineItemEvent => recent[upTo(recent.length)] as LineItemEvent,
    any: (): LineItemEvent => sample[upTo(sample.length)] as LineItemEvent,
    isEmpty: (): boolean => seen === 0,
  }
}

function* validEvents(options: GenerateOptions): Generator<LineItemEvent, never> {
  const { count, seed, users = 8, invoices } = options
  const linesPerInvoice = invoices === undefined ? LINES_PER_INVOICE : Math.max(1, count / invoices)
  const invoice = { seed, users, linesPerInvoice, catalogue: createCatalogue() }
  for (let index = 0; ; index++) yield* invoiceEvents(invoice, index)
}

/**
 * Pure: the same options give the same bytes. Duplicates follow their original (same key, same partition), so "first in
 * arrival order wins" decides every conflict the same way in every run.
 */
export function* generateEvents(options: GenerateOptions): Generator<GeneratedRecord> {
  const { count, seed, duplicatesPerMille = 20 } = options
  const random = xoroshiro128plus(seed ^ 0x5bd1e995)
  const upTo = (limit: number): number => uniformInt(random, 0, limit - 1)
  const specials = planSpecials(options)
  const memory = createMemory(upTo)
  const events = validEvents(options)
  let spoiled = 0

  const duplicate = (): GeneratedRecord => {
    const dice = upTo(4)
    if (dice === 0) return record('duplicate', memory.last())
    if (dice === 1) return record('duplicate', rewritten(memory.recent()))
    return record('duplicate', dice === 2 ? memory.recent() : memory.any())
  }
  const special = (kind: Special): GeneratedRecord => {
    const event = memory.any()
    if (kind === 'tombstone') return { kind, key: keyOf(event), value: null }
    if (kind === 'bad') return { kind, key: keyOf(event), ...spoil(event, spoiled++) }
    const other = { ...event, unitPrice: `${event.unitPrice}1` }
    return { kind, key: keyOf(other), value: encode(other), event: other, code: 'EVENT_ID_CONFLICT' }
  }
  for (let index = 0; index < count; index++) {
    const kind = specials.get(index)
    if (kind !== undefined) yield special(kind)
    else if (!memory.isEmpty() && upTo(1_000) < duplicatesPerMille) yield duplicate()
    else {
      const event = events.next().value
      memory.add(event)
      yield record('valid', event)
    }
  }
}

const record = (kind: 'valid' | 'duplicate', event: LineItemEvent): GeneratedRecord => ({
  kind,
  key: keyOf(event),
  value: encode(event),
  event,
})
