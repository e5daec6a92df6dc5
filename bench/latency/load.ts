// Events sent at a steady rate, or in bursts, each with the moment at which it was handed to the producer.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Producer } from '../../src/kafka/producer.ts'
import { validEvents } from '../support/backlog.ts'

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

export async function load(producer: Producer, topic: string, pace: Pace, seed: number): Promise<Sent> {
  const total = Math.ceil(pace.rate * pace.seconds)
  const bursts = pace.burst ? Math.ceil(pace.seconds / pace.burst.everySeconds) * pace.burst.events : 0
  // Made before: the generator's time is no latency.
  const records = [...validEvents({ records: total + bursts, seed })].map((event) => ({
    eventId: event.eventId,
    record: { key: event.invoiceId, value: Buffer.from(JSON.stringify(event)) },
  }))
  const sent: Sent = new Map()
  const sends: Promise<void>[] = []
  const send = (count: number) => {
    for (let left = count; left > 0; left -= MAX_SEND) {
      const some = records.slice(sent.size, sent.size + Math.min(left, MAX_SEND))
      const now = wall()
      for (const { eventId } of some) sent.set(eventId, now)
      sends.push(producer.send(topic, some.map(({ record }) => record))) // prettier-ignore
    }
  }
  const began = performance.now()
  let steady = 0
  let burstsSent = 0
  for (let seconds = 0; seconds < pace.seconds; seconds = (performance.now() - began) / 1000) {
    const due = Math.min(total, Math.floor(seconds * pace.rate) + 1) - steady
    if (due > 0) send(due)
    steady += Math.max(0, due)
    if (pace.burst && seconds >= (burstsSent + 0.5) * pace.burst.everySeconds) {
      send(pace.burst.events)
      burstsSent += 1
    }
    await sleep(1)
  }
  await Promise.all(sends)
  return sent
}
