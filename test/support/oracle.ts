// What the tables must hold, recomputed from the topic: the proof of `sluice demo` (its own validator and arithmetic), and
// for line items with a sku the stock of each single item, which the proof does not look at.
import { gatherEvidence } from '../../src/demo/evidence.ts'
import { expectedOf } from '../../src/demo/oracle.ts'
import { prove, type ProofLine } from '../../src/demo/proof.ts'
import type { ReadRecord } from '../../src/kafka/read-topic.ts'
import type { World } from './world.ts'

export type Finding = { records: readonly ReadRecord[]; expected: ReturnType<typeof expectedOf>; lines: ProofLine[] }

/** Reads the topic and everything that was made of it; also of records that were read `earlier` and are not there any more. */
export const proveWorld = async (world: World, earlier: readonly ReadRecord[] = []): Promise<Finding> => {
  const evidence = await gatherEvidence(world)
  const records = [...earlier, ...evidence.records]
  const expected = expectedOf(records)
  const lines = await prove(expected, evidence)
  return { records, expected, lines: [...lines, ...(await proveStock(records, expected, world))] }
}

/** A line without a sku goes to the item of its description, whose sku depends on the order: then there is no such proof. */
const proveStock = async (
  records: readonly ReadRecord[],
  expected: Finding['expected'],
  world: Pick<World, 'query'>,
): Promise<ProofLine[]> => {
  const { stock: wanted, withoutSku } = expectedStock(records, expected)
  if (withoutSku > 0) return []
  const found = await skuStock(world)
  const keys = new Set([...wanted.keys(), ...found.keys()])
  const wrong = [...keys].filter((key) => wanted.get(key) !== found.get(key)).length
  const what = `of ${wanted.size} items (user, sku), those whose stock is not that of the topic`
  return [{ what, expected: '0', found: String(wrong), ok: wrong === 0 }]
}

/** `${userId}/${sku}` → Σ quantity of the first copy of each event. */
const expectedStock = (records: readonly ReadRecord[], { events }: Finding['expected']) => {
  const stock = new Map<string, bigint>()
  let withoutSku = 0
  const counted = new Set<string>()
  for (const { value } of records) {
    const event = parse(value)
    const id = `${event?.userId}/${event?.eventId?.toLowerCase()}`
    const known = events.get(id)
    if (!known || counted.has(id)) continue
    counted.add(id)
    if (!event?.vendorItem?.sku) {
      withoutSku += 1
      continue
    }
    const key = `${known.userId}/${event.vendorItem.sku}`
    stock.set(key, (stock.get(key) ?? 0n) + known.quantityMicros)
  }
  return { stock, withoutSku }
}

type Loose = { eventId?: string; userId?: string; vendorItem?: { sku?: string } } | null

const parse = (value: Buffer | null): Loose => {
  try {
    return JSON.parse(value?.toString() ?? 'null') as Loose
  } catch {
    return null
  }
}

/** By the sku that the item was made with; items made without one are not in it. */
const skuStock = async ({ query }: Pick<World, 'query'>): Promise<Map<string, bigint>> => {
  const rows = await query<{ key: string; quantity: string }>(
    `SELECT i.user_id || '/' || i.sku AS key, sum(s.quantity)::text AS quantity
       FROM inventory s JOIN item i ON i.id = s.item_id WHERE i.sku IS NOT NULL GROUP BY 1`,
  )
  return new Map(rows.map(({ key, quantity }) => [key, BigInt(quantity.replace('.', ''))]))
}

/** The lines of the proof that are not ok, as text; empty when all is well. */
export const notOk = (lines: readonly ProofLine[]): string[] =>
  lines.filter(({ ok }) => !ok).map(({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`)
