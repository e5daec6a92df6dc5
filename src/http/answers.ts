// What is answered: once for the compiler, which holds routes to it, and once for the description (openapi). It changes no answer:
// server.ts. Values as they are before they become JSON: a date becomes ISO 8601, a bigint a number.
import { z } from 'zod'
import { STAGES } from '../dead-letters/letter-filter.ts'
import { STATUSES } from '../dead-letters/life-cycle.ts'
import type { Immutable } from '../lib/immutable.ts'
import { invoiceResult } from '../line-items/invoice-result.ts'
import { letterCounts } from '../sink/letter-store.ts'
import { mappingView } from '../sink/mapping-reads.ts'
import { laneLimits, memberState, quantiles } from '../telemetry/member-state.ts'
import { REASONS } from '../telemetry/tally.ts'

export type Answer<T extends z.ZodType> = Immutable<z.output<T>>

const text = z.string().nullable()
const moment = z.date().nullable()
const known = z.number().nullable().describe('null: unknown')
const cursor = z.string().nullable().describe('The `after` of the next page; null: there is none')

const total = z.bigint().nullable().describe('null: PostgreSQL has not answered this member yet')

const partition = z.object({
  partition: z.number(),
  memberId: text.describe('Who owns it; null: nobody who is alive'),
  position: z.number().nullable().describe('Next offset that PostgreSQL does not hold; null: nobody has begun here'),
  end: known.describe('Kafka’s; null: unknown'),
  committed: z.number().nullable().describe('Kafka’s; null: never'),
  asOf: moment.describe(
    'When end and committed were asked for, by PostgreSQL’s clock; null: unknown, or just now while it does not answer',
  ),
  lagRecords: known,
  lagSeconds: known.describe('Age of the oldest record that PostgreSQL does not hold; 0: there is none; null: unknown'),
  ...{ inserted: total, duplicates: total, deadLettered: total, ignored: total, skipped: total },
})
const member = z.object({
  ...{ memberId: z.string(), host: z.string(), pid: z.number(), clientId: z.string(), version: z.string() },
  ...{ startedAt: z.date(), seenAt: z.date(), seenMsAgo: z.number() },
  alive: z.boolean().describe('Seen in the last 10 s, and not stopped'),
  state: memberState,
})
const codeFigures = z.object({
  code: z.string(),
  unresolved: z.number().describe('Open, replayed, parked'),
  ...{ total: z.number(), lastHour: z.number(), hourBefore: z.number(), oldestUnresolvedAt: moment },
})
export const health = z.object({
  ...{ live: z.boolean(), ready: z.boolean() },
  reasons: z.array(z.string()).describe('Why not, for a person; empty: all is well'),
})
export const state = z.object({
  version: z.string().describe('Of the member that answers'),
  memberId: z.string().describe('Of the member that answers'),
  ...{ group: z.string(), topic: z.string(), dlqTopic: z.string() },
  admin: z.boolean().describe('Is there an ADMIN_TOKEN?'),
  database: z
    .object({
      ...{ ok: z.boolean(), error: text },
      unansweredMs: z.number().describe('Since PostgreSQL last answered the pipeline of the member that answers'),
    })
    .describe('Not ok: all is of the last time it answered (`now`), but for the partitions of the member that answers'),
  now: moment.describe('PostgreSQL’s clock; null: it has not answered this member yet'),
  gate: z
    .object({
      ...{ closedAt: z.date(), code: z.string(), reason: z.string(), partition: z.number().nullable() },
      offset: z.bigint().nullable(),
    })
    .nullable()
    .describe('null: open'),
  members: z.array(member),
  partitions: z.array(partition),
  lag: z.object({
    records: known.describe(
      'Of all partitions; null: a part of it is unknown. While PostgreSQL does not answer: own partitions as they are, the others as they were',
    ),
    seconds: known.describe('The largest; null: a part of it is unknown'),
    clearSeconds: known.describe('Until it is gone at the rate of the last minute; null: never, or unknown'),
  }),
  deadLetters: codeFigures
    .omit({ code: true, total: true })
    .extend({
      unpublished: z.number().describe('Not on the DLQ topic yet'),
      byStatus: z.record(z.enum(STATUSES), z.number()),
      byCode: z.array(codeFigures),
      asOf: z.date().describe('When they were counted'),
    })
    .nullable()
    .describe('null: they could not be counted yet'),
})

const flushes = z.object({ size: z.number(), bytes: z.number(), age: z.number(), drain: z.number() })
const point = z.object({
  at: z.date().describe('End of the slot'),
  members: z.number(),
  settledPerSecond: z.number().nullable().describe('Records, of all members; null: no member was there'),
  perSecond: z
    .object({ inserted: z.number(), duplicates: z.number(), deadLettered: z.number(), flushes })
    .nullable()
    .describe('Records, and flushes by reason; null: no member was there'),
  ...{ inserted: z.number(), duplicates: z.number(), deadLettered: z.number(), ignored: z.number(), flushes },
  flushRecords: z.number().nullable().describe('Mean of a flush; null: there was none'),
  flushMs: z.object({ mean: z.number(), max: z.number() }).nullable().describe('null: there was none'),
  limitRecords: z.number().nullable().describe('The largest in force'),
  limitAgeMs: z.number().nullable().describe('The largest in force'),
  latencyMs: quantiles.nullable().describe('The worst; null: nothing was settled'),
  bufferRecords: z.number().nullable().describe('Of all members'),
  bufferBytes: z.number().nullable().describe('Of all members'),
  retries: z.number(),
  lagRecords: known.describe('Of all partitions; null: unknown'),
  lagSeconds: known.describe('The largest; null: unknown'),
  lag: z.array(z.array(z.number().nullable()).length(3)).describe('Of each: partition, records, seconds'),
})
export const history = z.object({ now: z.date(), stepMs: z.number(), points: z.array(point) })

const failedItem = z.object({
  ...{ partition: z.number(), offset: z.bigint(), line: z.number().nullable(), code: z.string(), error: z.string() },
  ...{ deadLetterId: z.string(), traceId: text.describe('Of the record’s header traceparent') },
})
const batch = z.object({
  at: z.date().describe('When it was settled'),
  lane: z.number(),
  reason: z.string().describe(REASONS.join(' · ')),
  ...{ records: z.number(), bytes: z.number(), attempts: z.number() },
  status: z.enum(['success', 'partial_success', 'failed']),
  ...{ itemsProcessed: z.number(), itemsFailed: z.number(), processingTimeMs: z.number() },
  limits: laneLimits.omit({ lane: true }).describe('After it'),
  failedItems: z.array(failedItem).describe('At most 20'),
})
export const batches = z.object({ memberId: z.string(), batches: z.array(batch) })

export const invoice = z.object({
  invoiceId: z.string(),
  results: z.array(invoiceResult),
  more: z.boolean().describe('More users have an invoice of that id: ask with `user`'),
})

const letter = z.object({
  ...{ id: z.string(), topic: z.string(), partition: z.number(), offset: z.bigint(), timestamp: moment },
  ...{
    stage: z.string().describe(STAGES.join(' · ')),
    code: z.string(),
    sqlstate: text,
    path: text,
    message: z.string(),
  },
  ...{ attempts: z.number(), seen: z.number(), replays: z.number() },
  ...{ userId: text, invoiceId: text, lineNumber: z.number().nullable(), status: z.enum(STATUSES) },
  ...{ failedAt: z.date(), publishedAt: moment, createdAt: z.date(), replaySentAt: moment, resolvedAt: moment },
  discardReason: text,
  valueBytes: z.number().nullable(),
  stored: z.boolean().describe('false: only the hash of its value could be kept, so it cannot be sent again'),
})
export const letters = z.object({ letters: z.array(letter), next: cursor })

const bytes = z.object({
  ...{ form: z.enum(['json', 'text', 'hex']), bytes: z.number(), text: z.string() },
  ...{ hex: z.array(z.string()), base64: z.string(), cut: z.boolean() },
})
export const letterDetail = letter.extend({
  ...{ groupId: z.string(), replayClaimedUntil: moment },
  advice: z.string().describe('What to do'),
  actions: z.object({ replay: z.boolean(), discard: z.boolean() }).describe('What its status allows'),
  record: z
    .object({
      ...{ key: bytes.nullable(), value: bytes.nullable() },
      headers: z.array(z.object({ name: z.string(), form: z.enum(['json', 'text', 'hex', 'none']), text: z.string() })),
      cut: z.boolean().describe('A part of it is in no form here'),
    })
    .nullable()
    .describe('null: without the token, or not stored'),
  withheld: z.boolean().describe('There is a record, and the token is missing'),
})

export const letterStats = z.object({
  by: z.enum(['code', 'topic']),
  rows: z.array(
    letterCounts.extend({ code: z.string().optional(), stage: z.string().optional(), topic: z.string().optional() }),
  ),
  total: letterCounts,
})

export const mappings = z.object({ mappings: z.array(mappingView), next: cursor })
export const assignCounted = z.object({
  ...{ dryRun: z.literal(true), what: z.string(), userId: z.string(), fromItem: z.bigint() },
  toItem: z.bigint().nullable().describe('null: a new one'),
  rows: z.bigint().describe('Ledger rows that would move'),
  quantity: z.string().describe('Of them, an exact decimal'),
  notes: z.array(z.string()).describe('What a person should know besides'),
})
export const undoCounted = assignCounted.extend({ change: z.bigint().describe('What would be undone') })

const counted = z.object({ dryRun: z.literal(true), found: z.number(), until: moment })
export const replayCounted = counted.extend({ lost: z.number().describe('Their values could not be stored') })
export const discardCounted = counted

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }) })

/** For the `response` of a route's schema. */
export const answered = (answer: z.ZodType, others: Readonly<Record<number, z.ZodType>> = {}) => ({
  200: answer,
  ...others,
  default: refusal,
})
