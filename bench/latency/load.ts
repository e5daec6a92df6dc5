// Events sent at a steady rate, or in bursts, each with the moment at which it was handed to the producer.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Producer } from '../../src/kafka/producer.ts'
import { createCatalogue } from '../../src/publish/catalogue.ts'
import { type BacklogOptions, validEvents } from '../support/backlog.ts'

export type Pace = {
  readonly rate: number
  readonly seconds: number
  /** So many more at once, every so many seconds. */
  readonly burst?: { readonly events: number; readonly everySeconds: number }
}
/** Event id → when it was sent, in milliseconds since the epoch. */
export type Sent = Map<string, number>

/** The clock of PostgreSQL on this machine, and finer than Date.now(). */
export const wall = (): number => performance.timeOrigin + performance.now()

const MAX_SEND = 500
/** At high rates a producer lingers: a request for every event would be most of the work. */
const LINGER = { from: 5_000, ms: 5 }

export type Prepared = readonly { readonly eventId: string; readonly record: { key: string; value: Buffer } }[]

export const eventsOf = ({ rate, seconds, burst }: Pace): number =>
  Math.ceil(rate * seconds) + (burst ? Math.ceil(seconds / burst.everySeconds) * burst.events : 0)

const CATALOGUE = createCatalogue()

/** One line of each item that `prepare` deals with. */
export const everyItem = (): Prepared => {
  const sold = CATALOGUE.map(({ sku, description }) => ({ sku, description }))
  return prepare(sold.length, 1, (event, index) => ({ ...event, vendorItem: sold[index] ?? event.vendorItem }))
}

/** Never seen, and like nothing that was. */
export const newItem: NonNullable<BacklogOptions['shape']> = (event, index) => ({
  ...event,
  vendorItem: { sku: `N-${event.eventId}`, description: `${event.eventId.replaceAll('-', ' ')} ${index}` },
})

/** Made before: the generator's time is no latency. */
export const prepare = (records: number, seed: number, shape?: BacklogOptions['shape']): Prepared =>
  [...validEvents({ records, seed, users: 1, ...(shape && { shape }) })].map((event) => ({
    eventId: event.eventId,
    record: { key: event.invoiceId, value: Buffer.from(JSON.stringify(event)) },
  }))

type Target = { readonly producer: Producer; readonly topic: string }

/** `events`: as many as `eventsOf` says. Resolves when all that was sent is acknowledged. */
export async function load(
  { producer, topic }: Target,
  pace: Pace,
  events: Prepared,
  acknowledged: (ms: number) => void = () => {},
): Promise<Sent> {
  const sent: Sent = new Map()
  const sends: Promise<void>[] = []
  const send = (count: number) => {
    for (let left = count; left > 0; left -= MAX_SEND) {
      const some = events.slice(sent.size, sent.size + Math.min(left, MAX_SEND))
      const now = wall()
      for (const { eventId } of some) sent.set(eventId, now)
      const send = producer.send(topic, some.map(({ record }) => record)) // prettier-ignore
      sends.push(send.then(() => acknowledged(wall() - now)))
    }
  }
  const total = Math.ceil(pace.rate * pace.seconds)
  const began = performance.now()
  let steady = 0
  let bursts = 0
  for (let seconds = 0; seconds < pace.seconds; seconds = (performance.now() - began) / 1000) {
    const due = Math.min(total, Math.floor(seconds * pace.rate) + 1) - steady
    if (due > 0) send(due)
    steady += Math.max(0, due)
    if (pace.burst && seconds >= (bursts + 0.5) * pace.burst.everySeconds) {
      send(pace.burst.events)
      bursts += 1
    }
    await sleep(pace.rate >= LINGER.from ? LINGER.ms : 1)
  }
  await Promise.all(sends)
  return sent
}
