// An observer of its own connection that looks at the positions all the time: what it cannot see yet is not visible.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { wall } from './load.ts'

export type Looks = ReadonlyMap<number, readonly (readonly [at: number, next: number])[]>

export async function observe(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const looks = new Map<number, [number, number][]>()
  let stopped = false
  const text = 'SELECT partition, next_offset::int AS next FROM consumer_offset'
  const run = (async () => {
    while (!stopped) {
      const { rows } = await client.query<{ partition: number; next: number }>({ name: 'look', text })
      const at = wall()
      for (const { partition, next } of rows) {
        const seen = looks.get(partition) ?? []
        if (seen.at(-1)?.[1] !== next) seen.push([at, next])
        looks.set(partition, seen)
      }
      await sleep(1)
    }
    await client.end()
  })()
  return {
    async stop(): Promise<Looks> {
      stopped = true
      await run
      return looks
    },
  }
}

/** When the record at this place was first seen to be settled. */
export const seenAt = (looks: Looks, partition: number, offset: number): number | undefined =>
  looks.get(partition)?.find(([, next]) => next > offset)?.[0]
