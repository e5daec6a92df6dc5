/**
 * A decoded, validated line item of an invoice. Frozen vocabulary of the domain: everything is canonical here.
 */
export type LineItem = {
  /** UUID, lower case. Unique per user. */
  readonly eventId: string
  readonly userId: string
  readonly invoiceId: string
  /** 1 … 2^31-1 */
  readonly lineNumber: number
  /** The vendor's own words for the item; at least one of the two is there. */
  readonly sku: string | null
  readonly description: string | null
  /** Canonical decimal (no exponent, no leading +, no trailing zeros, never -0), not zero; negative = return. */
  readonly quantity: string
  /** Canonical decimal. */
  readonly unitPrice: string
  /** ISO 4217, upper case. */
  readonly currency: string
  /** ISO 8601 in UTC with milliseconds, `2010-12-01T08:26:00.000Z`. */
  readonly occurredAt: string
  /** 16 bytes over the canonical fields, versioned: equal hash = the same fact told again. */
  readonly payloadHash: Buffer
}
