// A token is not found out by trying: wrong ones are counted by address, over all routes that a token opens, or
// opens further.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import { accessOf } from './guard.ts'
import { Refusal } from './refusal.ts'

const TRIES = 30
const WINDOW_MS = 10_000

export function limitTries(app: FastifyInstance, token: string | null, clock: Pick<Clock, 'now'>): void {
  const wrong = new Map<string, { count: number; until: number }>()

  app.addHook('onRequest', async ({ headers, ip, routeOptions }) => {
    if (!headers.authorization?.startsWith('Bearer ') || routeOptions.schema?.security === undefined) return
    const now = clock.now()
    for (const [address, { until }] of wrong) if (until <= now) wrong.delete(address)
    const tried = wrong.get(ip) ?? { count: 0, until: now + WINDOW_MS }
    // The right one too, or it would be told from the others.
    if (tried.count >= TRIES)
      throw new Refusal(429, 'TOO_MANY_REQUESTS', 'too many wrong tokens; try again in 10 seconds')
    if (accessOf(headers, token) === 'refused') wrong.set(ip, { ...tried, count: tried.count + 1 })
  })
}
