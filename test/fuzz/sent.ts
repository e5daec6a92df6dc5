// What an accepted record's bytes say, read apart from the code under test: numbers as their literals, times as written.
export type Sent = {
  readonly eventId: string
  readonly userId: string
  readonly invoiceId: string
  readonly lineNumber: number
  readonly sku: string | null
  readonly description: string | null
  readonly quantityMicros: bigint
  readonly unitPriceMicros: bigint
  readonly currency: string
  /** Milliseconds since the epoch, digits beyond them cut off. */
  readonly instant: number
}

type Raw = Readonly<Record<string, unknown>> & { readonly vendorItem: Readonly<Record<string, unknown>> }

const NUMBER_MARK = 'number '

/** JSON.parse itself decides about equal keys and escapes; every number is a marked text. */
export const readLoosely = (value: Buffer): Raw => {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(value)
  const marked = text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : `"${NUMBER_MARK}${token}"`,
  )
  return JSON.parse(marked) as Raw
}

export const readSent = (value: Buffer): Sent => {
  const raw = readLoosely(value)
  const { sku, description } = raw.vendorItem
  return {
    eventId: textOf(raw['eventId']).toLowerCase(),
    userId: textOf(raw['userId']),
    invoiceId: textOf(raw['invoiceId']),
    lineNumber: Number(literalOf(raw['lineNumber'])),
    sku: blankIsNull(sku)?.replaceAll(/^ +| +$/g, '') ?? null,
    description: blankIsNull(description),
    quantityMicros: microsOf(literalOf(raw['quantity'])),
    unitPriceMicros: microsOf(literalOf(raw['unitPrice'])),
    currency: textOf(raw['currency']),
    instant: instantOf(textOf(raw['occurredAt'])),
  }
}

const textOf = (value: unknown): string => {
  if (typeof value !== 'string' || value.startsWith(NUMBER_MARK)) throw new Error('accepted, and not a text')
  return value
}
export const literalOf = (value: unknown): string => {
  if (typeof value !== 'string') throw new Error('accepted, and neither number nor text')
  return value.replace(NUMBER_MARK, '')
}
const blankIsNull = (value: unknown): string | null =>
  value === undefined || value === null || textOf(value).trim() === '' ? null : textOf(value)

/** Exact; throws for what has more than 6 decimals. */
const microsOf = (literal: string): bigint => {
  const [, sign, integer = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? []
  const digits = BigInt(integer + fraction)
  if (digits === 0n) return 0n
  const shift = 6 + Number(exponent) - fraction.length
  if (Math.abs(shift) > 5_000) throw new Error(`accepted, and far out of range: ${literal}`)
  const micros = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift)
  if (shift < 0 && micros * 10n ** BigInt(-shift) !== digits) throw new Error(`accepted, and rounded: ${literal}`)
  return sign === '-' ? -micros : micros
}

const instantOf = (text: string): number => {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text)
  if (!parts) throw new Error(`accepted, and not a time: ${text}`)
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [number, number, number, number, number, number] // prettier-ignore
  const [fraction = '', sign, hours = '0', minutes = '0'] = parts.slice(7)
  const local = Date.UTC(year, month - 1, day, hour, minute, second, Number(fraction.slice(0, 3).padEnd(3, '0')))
  if (new Date(local).getUTCDate() !== day) throw new Error(`accepted, and no such day: ${text}`)
  return local - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
