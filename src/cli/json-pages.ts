import { jsonLine, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'

/** One question to the database. */
const PAGE = 1_000

export type Pages<T, C> = {
  readonly limit: number
  readonly after: C | null
  readonly page: (after: C | null, limit: number) => Promise<readonly T[]>
  /** What the next page is behind. */
  readonly cursorOf: (last: T) => C
  readonly json: (each: T) => unknown
}

/** One JSON object a line, page by page: there may be millions. */
export async function writeJsonPages<T, C>(io: Io, { limit, after, page, cursorOf, json }: Pages<T, C>): Promise<void> {
  let [left, behind] = [limit, after]
  while (left > 0 && !io.drain.aborted) {
    const asked = Math.min(PAGE, left)
    const found = await page(behind, asked)
    await writeOut(io, found.map((each) => jsonLine(io, json(each))).join(''))
    const last = found.at(-1)
    if (found.length < asked || last === undefined) return
    left -= found.length
    behind = cursorOf(last)
  }
}
