// What the tables must hold, computed from the topic alone. On purpose it shares no code with the pipeline: its own
// small validator, its own arithmetic. Slow and simple.

export type TopicRecord = { partition: number; offset: bigint; key: Buffer | null; value: Buffer | null }

export type OracleEvent = {
  eventId: string
  userId: string
  invoiceId: string
  lineNumber: number
  quantityMicros: bigint
  unitPriceMicros: bigint
}

export type Expected = {
  records: number
  /** `${userId}/${eventId}` → the first copy in the topic. */
  events: Map<string, OracleEvent>
  duplicates: number
  /** Same id and user, other content. */
  conflicts: number
  bad: number
  tombstones: number
  /** Coordinates (`partition/offset`) of the records that must be dead letters → their value. */
  letters: Map<string, TopicRecord>
}

/** Records in order of offset within each partition. */
export function expectedOf(records: Iterable<TopicRecord>): Expected {
  const seen = new Map<string, { content: string; event: OracleEvent }>()
  const expected: Expected = {
    ...{ records: 0, duplicates: 0, conflicts: 0, bad: 0, tombstones: 0 },
    events: new Map(),
    letters: new Map(),
  }
  for (const record of records) {
    expected.records += 1
    if (record.value === null) {
      expected.tombstones += 1
      continue
    }
    const event = parse(record.value)
    const earlier = event && seen.get(`${event.userId}/${event.eventId}`)
    if (!event) expected.bad += 1
    else if (!earlier) {
      seen.set(`${event.userId}/${event.eventId}`, { content: event.content, event })
      expected.events.set(`${event.userId}/${event.eventId}`, event)
    } else if (earlier.content === event.content) expected.duplicates += 1
    else expected.conflicts += 1
    if (!event || (earlier && earlier.content !== event.content))
      expected.letters.set(`${record.partition}/${record.offset}`, record)
  }
  return expected
}

/** -12.5 → -12500000n; null when it is no decimal of at most 12 and 6 digits. */
export function micros(text: unknown): bigint | null {
  const match = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,6}))?$/.exec(
    typeof text === 'number' ? String(text) : (text as string),
  )
  if (!match || (typeof text !== 'string' && typeof text !== 'number')) return null
  const value = BigInt(match[2] + (match[3] ?? '').padEnd(6, '0'))
  return match[1] ? -value : value
}

function parse(value: Buffer): (OracleEvent & { content: string }) | null {
  const text = value.toString('utf8')
  if (!Buffer.from(text).equals(value)) return null // not UTF-8
  let json: Record<string, unknown>
  try {
    json = JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
  if (typeof json !== 'object' || json === null || (json['v'] ?? 1) !== 1) return null
  const { eventId, userId, invoiceId, lineNumber, currency, occurredAt } = json
  const item = json['vendorItem'] as { sku?: string; description?: string } | undefined
  const quantityMicros = micros(json['quantity'])
  const unitPriceMicros = micros(json['unitPrice'])
  const texts = [eventId, userId, invoiceId, currency, occurredAt]
  if (texts.some((t) => typeof t !== 'string' || t === '' || t.includes('\0'))) return null
  if (!item || `${item.sku ?? ''}${item.description ?? ''}`.trim() === '') return null
  if (/\0/.test(`${item.sku}${item.description}`)) return null
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(eventId as string)) return null
  if (!Number.isInteger(lineNumber) || !quantityMicros || unitPriceMicros === null) return null
  const day = /^(\d{4}-\d\d-\d\d)T/.exec(occurredAt as string)?.[1]
  const at = new Date(occurredAt as string)
  // A day that does not exist rolls over in V8 (30 February is 2 March).
  if (!day || Number.isNaN(at.getTime()) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) return null
  const event = {
    eventId: (eventId as string).toLowerCase(),
    userId: userId as string,
    invoiceId: invoiceId as string,
    lineNumber: lineNumber as number,
    quantityMicros,
    unitPriceMicros,
  }
  const facts = [invoiceId, lineNumber, item.sku ?? null, item.description?.trim() || null, currency, at.toISOString()]
  return { ...event, content: JSON.stringify([...facts, String(quantityMicros), String(unitPriceMicros)]) }
}
