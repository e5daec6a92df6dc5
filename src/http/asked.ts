// What may be asked for: query and body, once for the check and once for the description (openapi).
import { z } from 'zod'
import { parseMoment } from '../dead-letters/duration.ts'
import { ALL_LETTERS, type LetterFilter, STAGES } from '../dead-letters/letter-filter.ts'
import { STATUSES } from '../dead-letters/life-cycle.ts'
import { FAULT_CODES } from '../line-items/fault.ts'
import { CURSOR, METHODS, parseCursor } from '../line-items/mapping-filter.ts'
import { Refusal } from './refusal.ts'

/** An empty list says nothing, as one that is not given. */
const list = <T extends z.ZodType>(each: T) =>
  z.preprocess((value) => {
    const all: unknown[] = value === undefined ? [] : [value].flat()
    return all.length === 0 ? undefined : all
  }, z.array(each).max(50).optional())
const whole = (min: number, max: number, preset: number) =>
  z.preprocess((value) => (value === undefined ? preset : Number(value)), z.number().int().min(min).max(max))
const text = z.string().min(1).max(1_000).optional()
const moment = z.string().max(100).optional().describe('2h, 7d (ago), or ISO 8601 with a zone')
export const idPrefix = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{6,64}$/, 'give the id of a dead letter, or its first 6 hex digits or more')

const filters = {
  code: list(z.enum(FAULT_CODES)),
  stage: list(z.enum(STAGES)),
  status: list(z.enum(STATUSES)),
  user: text,
  invoice: text,
  topic: text,
  since: moment,
  until: moment,
}
export const filter = z.strictObject(filters)
export const letterList = z.strictObject({ ...filters, limit: whole(1, 500, 50), after: idPrefix.optional() })
export const letterStats = z.strictObject({ ...filters, by: z.enum(['code', 'topic']).default('code') })
export const letterId = z.object({ id: idPrefix })
export const jobId = z.object({ id: z.uuid() })
/** Of a few sizes, so that each can be kept for all who ask: the next larger one. */
const sized = (sizes: readonly [number, ...number[]], preset: number) =>
  whole(1, Math.max(...sizes), preset).transform((wanted) => sizes.find((size) => size >= wanted) ?? preset)
export const history = z.strictObject({ minutes: sized([15, 60, 120], 60), points: sized([60, 240, 720], 240) })
export const invoiceId = z.object({ id: z.string().min(1).max(300) })
export const invoice = z.strictObject({ user: text, limit: whole(1, 1_000, 100) })
export const mappingList = z
  .strictObject({
    ...{ user: text, method: list(z.enum(METHODS)), text, limit: whole(1, 500, 50) },
    scoreBelow: z.preprocess(
      (value) => (value === undefined ? value : Number(value)),
      z.number().positive().max(1).optional(),
    ),
    after: z.string().regex(CURSOR, 'give the `next` of the page before').optional(),
  })
  .refine(
    ({ scoreBelow, after }) =>
      after === undefined || (parseCursor(after)?.score !== null) === (scoreBelow !== undefined),
    { path: ['after'], error: 'give the `next` of the page before, with the same filter' },
  )
export const none = z.strictObject({})

const which = {
  ids: z.array(idPrefix).min(1).max(1_000).optional(),
  filter: filter.optional(),
  dryRun: z.boolean().default(false),
}
const oneOfBoth = (body: { ids?: unknown; filter?: object | undefined }) =>
  (body.ids === undefined) !== (body.filter === undefined) &&
  (body.filter === undefined || Object.values(body.filter).some((value) => value !== undefined))
const SAY_WHICH = 'give either ids or a filter that says something; {"status": ["open"]} means every open one'

export const replayBody = z
  .strictObject({
    ...which,
    rate: z.number().int().min(1).max(1_000_000).optional(),
    limit: z.number().int().min(1).optional(),
    again: z.boolean().default(false),
  })
  .refine(oneOfBoth, SAY_WHICH)
export const discardBody = z
  .strictObject({ ...which, reason: z.string().trim().min(1).max(500) })
  .refine(oneOfBoth, SAY_WHICH)

const id = z.int().positive()
const correction = {
  user: z.string().min(1).max(1_000),
  key: z.string().min(1).max(1_023).describe('the vendorKey of the mapping'),
  reason: z.string().trim().min(1).max(500).optional(),
  dryRun: z.boolean().default(false),
}
const newName = z.string().trim().min(1).max(500).nullable().describe("null: the vendor's text")
export const assignBody = z.strictObject({
  ...correction,
  from: id.describe('the item that it was seen to stand for'),
  to: z.union([z.strictObject({ item: id }), z.strictObject({ name: newName })]),
})
export const undoBody = z
  .strictObject({ ...correction, change: id.optional().describe('of the dry run') })
  .refine(({ dryRun, change }) => dryRun || change !== undefined, {
    ...{ path: ['change'], error: 'give the `change` that the dry run tells' },
  })

/** @throws Refusal of a time that is none. */
export function filterOf(asked: z.output<typeof filter>, now: number): LetterFilter {
  const at = (moment: string | undefined) => (moment === undefined ? null : (parseMoment(moment, now) ?? undefined))
  const [since, until] = [at(asked.since), at(asked.until)]
  if (since === undefined || until === undefined)
    throw new Refusal(400, 'MALFORMED', 'since and until are times such as 2026-01-31T08:00Z, or 2h, 7d')
  return {
    ...ALL_LETTERS,
    codes: asked.code ?? null,
    stages: asked.stage ?? null,
    statuses: asked.status ?? null,
    userId: asked.user ?? null,
    invoiceId: asked.invoice ?? null,
    topic: asked.topic ?? null,
    ...{ since, until },
  }
}
