// The same work as most people write it, on Prisma's own client.
import type { LineItem } from '../../src/line-items/line-item.ts'
import { createDatabase } from '../../src/sink/database.ts'

type Prisma = ReturnType<ReturnType<typeof createDatabase>['prisma']>
type Tx = Pick<Prisma, 'item' | 'itemMapping' | 'ledgerEntry' | 'inventory' | 'consumerOffset'>
export type Line = { readonly line: LineItem; readonly offset: bigint }

const keyOf = ({ sku, description }: LineItem) => (sku === null ? `d:${description}` : `s:${sku}`)

const rowOf = ({ line, offset }: Line, itemId: bigint, topic: string) => {
  const { sku: _, description: __, payloadHash, ...fields } = line
  const hash = new Uint8Array(payloadHash)
  return { ...fields, payloadHash: hash, itemId, topic, partition: 0, recordOffset: offset }
}

const findOrCreate = async (tx: Tx, line: LineItem): Promise<bigint> => {
  const key = { userId: line.userId, vendorKey: keyOf(line) }
  const known = await tx.itemMapping.findUnique({ where: { userId_vendorKey: key } })
  if (known) return known.itemId
  const name = line.description ?? line.sku ?? ''
  const item = await tx.item.create({ data: { userId: line.userId, sku: line.sku, name } })
  await tx.itemMapping.create({ data: { ...key, itemId: item.id, method: 'created', ruleVersion: 1 } })
  return item.id
}

const moveStock = (tx: Tx, itemId: bigint, quantity: string) =>
  tx.inventory.upsert({
    where: { itemId },
    create: { itemId, quantity },
    update: { quantity: { increment: quantity } },
  })

/** Items and mappings of all lines, as a consumer finds them that has run for a while. */
export async function createItems(url: string, lines: readonly Line[]): Promise<void> {
  const database = createDatabase({ url, poolSize: 1, writer: 'stock' })
  const all = new Map(lines.map(({ line }) => [`${line.userId} ${keyOf(line)}`, line]))
  const items = [...all.values()].map((line, at) => ({ line, id: BigInt(at + 1) }))
  const prisma = database.prisma()
  await prisma.item.createMany({
    data: items.map(({ line, id }) => ({
      id,
      userId: line.userId,
      sku: line.sku,
      name: line.description ?? line.sku ?? '',
    })),
  })
  await prisma.itemMapping.createMany({
    data: items.map(({ line, id }) => ({
      userId: line.userId,
      vendorKey: keyOf(line),
      itemId: id,
      method: 'created',
      ruleVersion: 1,
    })),
  })
  await database.close()
}

export type Sequential = { write(lines: readonly Line[]): Promise<void>; close(): Promise<void> }

/** One event at a time: find or create the item, create the entry, update the stock; commit. */
export function oneAtATime(url: string, topic: string): Sequential {
  const database = createDatabase({ url, poolSize: 2, writer: 'stock' })
  const prisma = database.prisma()
  return {
    close: () => database.close(),
    async write(lines) {
      for (const each of lines)
        await prisma.$transaction(async (tx) => {
          const itemId = await findOrCreate(tx, each.line)
          await tx.ledgerEntry.create({ data: rowOf(each, itemId, topic) })
          await moveStock(tx, itemId, each.line.quantity)
        })
    },
  }
}

/** The classic batch: one `createMany`, then one update for each item, in one transaction of 500 events. */
export function createManyAndUpdates(url: string, topic: string, size = 500): Sequential {
  const database = createDatabase({ url, poolSize: 2, writer: 'stock' })
  const prisma = database.prisma()
  const rowsAndSums = (batch: readonly Line[], itemIds: readonly bigint[]) => {
    const sums = new Map<bigint, number>()
    batch.forEach(({ line }, at) => sums.set(itemIds[at]!, (sums.get(itemIds[at]!) ?? 0) + micros(line.quantity)))
    return { data: batch.map((each, at) => rowOf(each, itemIds[at]!, topic)), sums }
  }
  return {
    close: () => database.close(),
    async write(lines) {
      const known = new Map<string, bigint>()
      for (let at = 0; at < lines.length; at += size) {
        const batch = lines.slice(at, at + size)
        await prisma.$transaction(async (tx) => {
          const keys = batch.map(({ line }) => ({ userId: line.userId, vendorKey: keyOf(line) }))
          const found = await tx.itemMapping.findMany({ where: { OR: distinct(keys) } })
          for (const { userId, vendorKey, itemId } of found) known.set(`${userId} ${vendorKey}`, itemId)
          const itemIds: bigint[] = []
          for (const { line } of batch) {
            const key = `${line.userId} ${keyOf(line)}`
            const itemId = known.get(key) ?? (await findOrCreate(tx, line))
            known.set(key, itemId)
            itemIds.push(itemId)
          }
          const { data, sums } = rowsAndSums(batch, itemIds)
          await tx.ledgerEntry.createMany({ data, skipDuplicates: true })
          for (const [itemId, sum] of sums) await moveStock(tx, itemId, (sum / 1e6).toFixed(6))
        })
      }
    },
  }
}

const micros = (decimal: string) => Math.round(Number(decimal) * 1e6)
const distinct = (keys: readonly { userId: string; vendorKey: string }[]) => [
  ...new Map(keys.map((key) => [`${key.userId} ${key.vendorKey}`, key])).values(),
]
