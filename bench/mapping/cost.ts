// What the mapping of a line costs once its key is known: the retail file, in batches as `sluice consume` cuts them, through the
// mapping store on real PostgreSQL; beside it the rate at which one member drains the same file in the same run.
import { createDecode } from '../../src/line-items/decode.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createMappingStore, type MappingLine } from '../../src/sink/mapping-store.ts'
import { retailBacklog, retailSource } from '../support/backlog.ts'
import { drain } from '../support/drain.ts'
import type { Ground } from '../support/ground.ts'

const BATCH = 10_000

export type MappingCost = {
  readonly lines: number
  readonly users: number
  /** µs of this process's CPU a line: of the first time through the file, and of each time after. */
  readonly cold: number
  readonly warm: readonly number[]
  /** Of the lines after the first time. */
  readonly hitRatio: number
  /** Rows a second of one member on the same file. */
  readonly rates: readonly number[]
}

export async function measureCost(ground: Ground, file: string, rounds: number): Promise<MappingCost> {
  const lines = await linesOf(file)
  const base = await ground.database()
  const counts = { cached: 0, all: 0 }
  const database = createDatabase({ url: base.url, poolSize: 2, writer: 'fast' })
  const mappings = createMappingStore({
    database,
    onMapped: ({ cached, stored, unknown }) => {
      counts.cached += cached
      counts.all += cached + stored + unknown
    },
  })
  const through = async () => {
    const before = process.cpuUsage()
    for (let at = 0; at < lines.length; at += BATCH) await mappings.mapLines(lines.slice(at, at + BATCH))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / lines.length
  }
  const backlog = await retailBacklog(ground, file)
  try {
    const cold = await through()
    Object.assign(counts, { cached: 0, all: 0 })
    const warm: number[] = []
    for (let round = 0; round < rounds; round++) warm.push(await through())
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) rates.push((await drain(ground, backlog)).rate)
    const users = new Set(lines.map(({ userId }) => userId)).size
    return { lines: lines.length, users, cold, warm, hitRatio: counts.cached / counts.all, rates }
  } finally {
    await database.close()
    await Promise.all([base.drop(), backlog.drop()])
  }
}

async function linesOf(file: string): Promise<MappingLine[]> {
  const decode = createDecode({ now: () => Date.now() })
  const lines: MappingLine[] = []
  for await (const rows of (await retailSource(file)).rows)
    for (const row of rows) {
      if (!('record' in row)) continue
      const decoded = decode({ value: row.record.value })
      if (decoded.kind === 'line-item') lines.push(decoded.lineItem)
    }
  return lines
}
