// Expected (from the topic) against found (in PostgreSQL, Kafka's offsets and the DLQ topic). The pipeline's own
// counters are only ever on the side that has to be proved.
import type { Evidence } from './evidence.ts'
import { type Expected, micros } from './oracle.ts'

export type ProofLine = { what: string; expected: string; found: string; ok: boolean }

export async function prove(expected: Expected, evidence: Evidence): Promise<ProofLine[]> {
  const { offsets, letters, endOffsets } = evidence
  const ledger = await readLedger(expected, evidence)
  const sum = (pick: (row: Evidence['offsets'][number]) => bigint) =>
    offsets.reduce((total, row) => total + pick(row), 0n)
  const dlqIds = new Set(evidence.dlqIds)
  const letterIds = new Set(letters.map(({ id }) => id))
  const published = [...letterIds].filter((id) => dlqIds.has(id)).length
  const foreign = [...dlqIds].filter((id) => id === null || !letterIds.has(id)).length
  const positions = [...endOffsets].map(([partition, end]) => ({
    end,
    row: offsets.find((o) => o.partition === partition),
  }))
  const mustFail = expected.bad + expected.conflicts
  return [
    line(
      'records settled, each once',
      expected.records,
      sum((o) => o.inserted + o.duplicate + o.deadLettered + o.ignored),
    ),
    line('ledger rows = distinct valid events', expected.events.size, ledger.rows),
    line('ledger rows unlike their event', 0, ledger.wrong),
    line(
      'repeated events, counted once',
      expected.duplicates,
      sum((o) => o.duplicate),
    ),
    line('quantity in the ledger', decimal(expectedTotal(expected)), decimal(ledger.total)),
    line('items with inventory ≠ Σ ledger', 0, ledger.wrongItems),
    line('dead letters = records that must fail', mustFail, letters.length),
    line('dead letters unlike their record', 0, letters.filter((l) => !sameBytes(expected, l)).length),
    line('dead letters in the DLQ topic', mustFail, published),
    line('foreign records in the DLQ topic', 0, foreign),
    line(
      'tombstones ignored',
      expected.tombstones,
      sum((o) => o.ignored),
    ),
    line(
      'partitions settled (PostgreSQL)',
      endOffsets.size,
      positions.filter((p) => p.row?.nextOffset === p.end).length,
    ),
    line(
      'partitions committed (Kafka)',
      endOffsets.size,
      [...endOffsets].filter(([p, end]) => end === 0n || evidence.committed.get(p) === end).length,
    ),
  ]
}

async function readLedger({ events }: Expected, { ledger, inventory }: Evidence) {
  const perItem = new Map<string, bigint>()
  let rows = 0
  let wrong = 0
  let total = 0n
  for await (const row of ledger) {
    rows += 1
    const quantity = micros6(row.quantity)
    total += quantity
    perItem.set(row.itemId, (perItem.get(row.itemId) ?? 0n) + quantity)
    const event = events.get(`${row.userId}/${row.eventId}`)
    const same =
      event?.quantityMicros === quantity &&
      event.unitPriceMicros === micros6(row.unitPrice) &&
      event.invoiceId === row.invoiceId &&
      event.lineNumber === row.lineNumber
    if (!same) wrong += 1
  }
  const items = new Set([...perItem.keys(), ...inventory.keys()])
  const wrongItems = [...items].filter((id) => (perItem.get(id) ?? 0n) !== micros6(inventory.get(id) ?? '0')).length
  return { rows, wrong, total, wrongItems }
}

const micros6 = (text: string): bigint => micros(text) ?? BigInt(text.replace('.', '')) // sums may exceed 12 digits; six decimals

function expectedTotal({ events }: Expected): bigint {
  let total = 0n
  for (const { quantityMicros } of events.values()) total += quantityMicros
  return total
}

function sameBytes({ letters }: Expected, letter: Evidence['letters'][number]): boolean {
  const record = letters.get(`${letter.partition}/${letter.recordOffset}`)
  if (!record) return false
  return record.value === null ? letter.value === null : letter.value !== null && record.value.equals(letter.value)
}

function line(what: string, expected: number | bigint | string, found: number | bigint | string): ProofLine {
  return { what, expected: format(expected), found: format(found), ok: String(expected) === String(found) }
}

const format = (value: number | bigint | string) => (typeof value === 'string' ? value : value.toLocaleString('en-US'))

function decimal(value: bigint): string {
  const digits = String(value < 0n ? -value : value).padStart(7, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
}
