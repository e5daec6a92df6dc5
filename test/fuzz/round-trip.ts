// What was decoded goes through the real sink in one batch, and every column comes back as text: ledger, items and their
// vendor keys, dead letters byte for byte.
import { toMicros } from '../../src/line-items/decimal.ts'
import { messageOf } from '../../src/line-items/fault.ts'
import type { LineItem } from '../../src/line-items/line-item.ts'
import { skuKey, textKey } from '../../src/line-items/vendor-key.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { decodeHeaders } from '../../src/sink/letter.ts'
import type { Case } from './cases.ts'
import type { FuzzDatabase } from './database.ts'
import type { Judged } from './decode-laws.ts'

export type Judgement = Case & Judged
/** `index`: of the case in the slice, so that it can be replayed. */
export type Mismatch = { readonly index: number; readonly what: string }

type Fate =
  { code: string; stage: string; path: string | null; claimed: Claimed } | 'inserted' | 'duplicate' | 'ignored'
type Claimed = { userId: string | null; invoiceId: string | null; lineNumber: number | null }

/** The cases at the offsets from `start` on; empties the tables afterwards. */
export const roundTrip = async (
  database: FuzzDatabase,
  judged: readonly Judgement[],
  start: bigint,
): Promise<Mismatch[]> => {
  const records = judged.map(({ key, value, headers, timestamp }, index): SourceRecord => {
    return { partition: 0, offset: start + BigInt(index), key, value, headers, timestamp }
  })
  const entries = judged.map(({ decoded }, index) => ({ record: records[index]!, decoded, bytes: 0, arrivedAt: 0 }))
  const result = await database.write(entries, start, start + BigInt(judged.length))
  const fates = fatesOf(judged)
  const count = (fate: Fate) => fates.filter((each) => each === fate).length
  const counted = [result.inserted, result.duplicates, result.ignored]
  const expected = [count('inserted'), count('duplicate'), count('ignored')]
  const found = [
    ...(String(counted) === String(expected) ? [] : [{ index: 0, what: `counts ${counted.join()} not ${expected.join()}` }]), // prettier-ignore
    ...(await compareLedger(database, judged, fates, start)),
    ...(await compareLetters(database, records, fates, start)),
    ...(await compareStock(database)),
    ...(await compareItems(database, judged)),
  ]
  await database.query('TRUNCATE ledger_entry, dead_letter, item, item_mapping, inventory')
  database.mappings.clear()
  return found
}

/** Of several records with one event id of one user, the first counts. */
const fatesOf = (judged: readonly Judgement[]): Fate[] => {
  const firsts = new Map<string, Buffer>()
  return judged.map(({ decoded }) => {
    if (decoded.kind === 'ignored') return 'ignored'
    if (decoded.kind === 'rejected') return { ...decoded.fault, claimed: decoded.claimed }
    const { eventId, userId, payloadHash } = decoded.lineItem
    const first = firsts.get(`${eventId} ${userId}`)
    firsts.set(`${eventId} ${userId}`, first ?? payloadHash)
    if (!first) return 'inserted'
    if (first.equals(payloadHash)) return 'duplicate'
    return { code: 'EVENT_ID_CONFLICT', stage: 'write', path: null, claimed: decoded.lineItem }
  })
}

type Row = Readonly<Record<string, string | null>>
const differences = (index: number, expected: Row, found: Row | undefined): Mismatch[] => {
  if (!found) return [{ index, what: 'not in the table' }]
  return Object.keys(expected)
    .filter((name) => expected[name] !== found[name])
    .map((name) => ({ index, what: `${name}: ${String(expected[name])} became ${String(found[name])}` }))
}
const byOffset = <T extends { offset: string }>(rows: readonly T[], start: bigint) =>
  new Map(rows.map((row) => [Number(BigInt(row.offset) - start), row]))

const compareLedger = async ({ query }: FuzzDatabase, judged: readonly Judgement[], fates: readonly Fate[], start: bigint) => {
  const rows = await query<{ offset: string; quantity: string; unit_price: string }>(
    `SELECT l.record_offset::text AS offset, event_id::text, l.user_id, invoice_id, line_number::text, quantity::text,
            unit_price::text, currency, round(extract(epoch FROM occurred_at) * 1000)::text AS instant,
            encode(payload_hash, 'hex') AS hash, topic, partition::text, i.user_id AS owner
       FROM ledger_entry l LEFT JOIN item i ON i.id = l.item_id`,
  )
  const stored = byOffset(rows, start)
  const missing = judged.flatMap(({ decoded, sent }, index) => {
    if (fates[index] !== 'inserted' || decoded.kind !== 'line-item' || !sent) return []
    const row = stored.get(index)
    const micros = row && { quantity: String(toMicros(row.quantity)), unit_price: String(toMicros(row.unit_price)) }
    const expected = {
      ...{ event_id: sent.eventId, user_id: sent.userId, invoice_id: sent.invoiceId, owner: sent.userId },
      ...{ line_number: String(sent.lineNumber), currency: sent.currency, instant: String(sent.instant) },
      ...{ quantity: String(sent.quantityMicros), unit_price: String(sent.unitPriceMicros) },
      ...{ hash: decoded.lineItem.payloadHash.toString('hex'), topic: 'fuzz.lines', partition: '0' },
    }
    return differences(index, expected, row && { ...row, ...micros })
  })
  const extra = [...stored.keys()].filter((index) => fates[index] !== 'inserted')
  return [...missing, ...extra.map((index) => ({ index, what: 'in the ledger, and should not be' }))]
} // prettier-ignore

type LetterRow = { offset: string; key: Buffer | null; value: Buffer | null; headers: Buffer; at: string | null } & Record<string, unknown> // prettier-ignore
const compareLetters = async ({ query }: FuzzDatabase, records: readonly SourceRecord[], fates: readonly Fate[], start: bigint) => {
  const rows = await query<LetterRow>(
    `SELECT record_offset::text AS offset, key, value, headers, code, stage, path, sqlstate, message, user_id, invoice_id,
            line_number::text, encode(value_sha256, 'hex') AS sha256, round(extract(epoch FROM record_timestamp) * 1000)::text AS at
       FROM dead_letter`,
  )
  const stored = byOffset(rows, start)
  const hex = (bytes: Buffer | null) => bytes && bytes.toString('hex')
  const pairs = (headers: SourceRecord['headers']) => JSON.stringify(headers.map(([name, value]) => [name, hex(value)]))
  const missing = records.flatMap(({ key, value, headers, timestamp }, index) => {
    const fate = fates[index]
    if (typeof fate !== 'object') return []
    const { code, stage, path, claimed } = fate
    const row = stored.get(index)
    const expected = {
      ...{ key: hex(key), value: hex(value), headers: pairs(headers), code, stage, path, sqlstate: null, sha256: null },
      ...{ message: messageOf(code as never), user_id: claimed.userId, invoice_id: claimed.invoiceId },
      ...{ line_number: claimed.lineNumber === null ? null : String(claimed.lineNumber) },
      ...{ at: timestamp >= 0 && timestamp < 253_402_300_800_000 ? String(timestamp) : null },
    }
    const found = row && { ...row, key: hex(row.key), value: hex(row.value), headers: pairs(decodeHeaders(row.headers)) }
    return differences(index, expected, found)
  })
  const extra = [...stored.keys()].filter((index) => typeof fates[index] !== 'object')
  return [...missing, ...extra.map((index) => ({ index, what: 'a dead letter, and should not be' }))]
} // prettier-ignore

const compareStock = async ({ query }: FuzzDatabase): Promise<Mismatch[]> => {
  const wrong = await query(
    `SELECT item_id FROM (SELECT item_id, sum(quantity) AS sum FROM ledger_entry GROUP BY item_id) l
       FULL JOIN inventory i USING (item_id) WHERE l.sum IS DISTINCT FROM i.quantity`,
  )
  return wrong.map(() => ({ index: 0, what: 'inventory is not the sum of the ledger' }))
}

/** Every line once more under a user of its own, so that it gets an item of its own, with its texts. */
const compareItems = async ({ mappings, query }: FuzzDatabase, judged: readonly Judgement[]): Promise<Mismatch[]> => {
  const lines = judged.flatMap(({ decoded }, index) =>
    decoded.kind === 'line-item' ? [{ index, item: decoded.lineItem }] : [],
  )
  await mappings.mapLines(
    lines.map(({ index, item: { sku, description } }) => ({ userId: `case-${index}`, sku, description })),
  )
  const rows = await query<{ user_id: string; vendor_key: string; source_text: string; sku: string; name: string }>(
    `SELECT m.user_id, m.vendor_key, m.source_text, i.sku, i.name FROM item_mapping m JOIN item i ON i.id = m.item_id
      WHERE m.user_id LIKE 'case-%' AND i.user_id = m.user_id`,
  )
  const stored = new Map(rows.map((row) => [`${row.user_id} ${row.vendor_key}`, row]))
  return lines.flatMap(({ index, item }) =>
    keysOf(item).flatMap(([key, text]) =>
      differences(
        index,
        { source_text: text, sku: item.sku, name: (item.description ?? item.sku ?? '').trim() },
        stored.get(`case-${index} ${key}`),
      ),
    ),
  )
}
const keysOf = ({ sku, description }: LineItem): [key: string, text: string][] => {
  const text = description === null ? null : textKey(description)
  return [
    ...(sku === null ? [] : [[skuKey(sku), sku] as [string, string]]),
    ...(text === null || description === null ? [] : [[text, description] as [string, string]]),
  ]
}
