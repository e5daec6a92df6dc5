import { z } from 'zod'
import { decimalFault, isDecimal } from './decimal.ts'
import { type FaultCode, isFaultCode } from './fault.ts'
import { DESCRIPTION_MAX, IDENTIFIER, IDENTIFIER_MAX, isDescription, SKU, textFault } from './text.ts'

/**
 * Event v1 as a zod schema. It only says yes or no and changes nothing (no coercion, no transforms: fast, and what
 * passes is what was sent); the message of an issue IS our fault code, worked out from the input after a no.
 */
const because = (code: (input: unknown) => FaultCode) => ({ error: (issue: { input?: unknown }) => code(issue.input) })
const always = (code: FaultCode) => ({ error: code })

export const NIL_UUID = '00000000-0000-0000-0000-000000000000'
const MAX_INT = 2 ** 31 - 1

const identifier = z.string().regex(
  IDENTIFIER,
  because((input) => textFault(input, IDENTIFIER_MAX)),
)
const decimal = z.custom<string | number>(isDecimal, because(decimalFault))
const lineNumber = z.int().min(1, always('NUMERIC_RANGE')).max(MAX_INT, always('NUMERIC_RANGE'))

// The order of the fields decides which of several faults is told.
const event = z.object({
  v: z.literal(1, always('VERSION_UNSUPPORTED')).optional(),
  eventId: z.guid(always('EVENT_ID_INVALID')).refine((id) => id !== NIL_UUID, always('EVENT_ID_INVALID')),
  userId: identifier,
  invoiceId: identifier,
  lineNumber,
  vendorItem: z.object({
    sku: z
      .string()
      .regex(
        SKU,
        because((input) => textFault(input, IDENTIFIER_MAX)),
      )
      .nullish(),
    description: z
      .string()
      .refine(
        isDescription,
        because((input) => textFault(input, DESCRIPTION_MAX)),
      )
      .nullish(),
  }),
  quantity: decimal.refine((value) => !isDecimal(value) || Number(value) !== 0, always('QUANTITY_ZERO')),
  unitPrice: decimal,
  currency: z.string().regex(/^[A-Z]{3}$/, always('CURRENCY_INVALID')),
  occurredAt: z.iso.datetime({
    offset: true,
    ...because((input) => (typeof input === 'string' ? 'TIMESTAMP_INVALID' : 'SCHEMA_INVALID')),
  }),
})

export type EventV1 = z.infer<typeof event>

export type Checked = { ok: true; event: EventV1; unknownFields: number } | { ok: false; code: FaultCode; path: string }

const FIELDS: ReadonlySet<string> = new Set(Object.keys(event.shape))
const VENDOR_FIELDS: ReadonlySet<string> = new Set(Object.keys(event.shape.vendorItem.shape))

const countUnknown = (value: object, known: ReadonlySet<string>): number => {
  let unknown = 0
  for (const name in value) if (!known.has(name)) unknown++
  return unknown
}

export const checkEvent = (value: unknown): Checked => {
  const result = event.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]
    return {
      ok: false,
      code: issue && isFaultCode(issue.message) ? issue.message : 'SCHEMA_INVALID',
      // Only names of our own fields can be in it: unknown fields are not looked at.
      path: (issue?.path ?? []).map((name) => `/${String(name)}`).join(''),
    }
  }
  const sent = value as { vendorItem: object }
  const unknownFields = countUnknown(sent, FIELDS) + countUnknown(sent.vendorItem, VENDOR_FIELDS)
  return { ok: true, event: result.data, unknownFields }
}

/** What a refused event may still be filed under; each only if it is valid by itself. */
export type Claimed = { userId: string | null; invoiceId: string | null; lineNumber: number | null }

export const NOTHING_CLAIMED: Claimed = Object.freeze({ userId: null, invoiceId: null, lineNumber: null })

export const claimsOf = (value: unknown): Claimed => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return NOTHING_CLAIMED
  const fields = value as Record<string, unknown>
  return {
    userId: identifier.safeParse(fields['userId']).data ?? null,
    invoiceId: identifier.safeParse(fields['invoiceId']).data ?? null,
    lineNumber: lineNumber.safeParse(fields['lineNumber']).data ?? null,
  }
}
