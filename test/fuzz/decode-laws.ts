// What decode must hold for any bytes: it does not throw, is quick, gives known codes and our own field names, leaves the
// bytes alone, and what it accepts is what was sent.
import { toMicros } from '../../src/line-items/decimal.ts'
import { createDecode, type Decoded } from '../../src/line-items/decode.ts'
import { FAULT_CODES, faultOf } from '../../src/line-items/fault.ts'
import { literalOf, readLoosely, readSent, type Sent } from './sent.ts'

export const NOW = Date.UTC(2026, 10, 22, 12)
export const LIMIT_MS = 50
const decode = createDecode({ now: () => NOW })

const PATHS: ReadonlySet<string | null> = new Set([
  ...[null, '', '/v', '/eventId', '/userId', '/invoiceId', '/lineNumber', '/quantity', '/unitPrice', '/currency'],
  ...['/occurredAt', '/vendorItem', '/vendorItem/sku', '/vendorItem/description'],
])
const CODES: ReadonlySet<string> = new Set(FAULT_CODES)

export type Judged = { readonly decoded: Decoded; readonly sent: Sent | null; readonly ms: number }

/** Throws an error that says which law was broken. */
export const judge = (value: Buffer | null): Judged => {
  const before = value && Buffer.from(value)
  const { decoded, ms } = timed(value)
  if (ms > LIMIT_MS) throw new Error(`decode took ${ms.toFixed(1)} ms for ${value?.length} bytes`)
  if (value && before && !value.equals(before)) throw new Error('decode changed the bytes')
  switch (decoded.kind) {
    case 'ignored':
      if (value !== null) throw new Error('ignored, and not a tombstone')
      return { decoded, sent: null, ms }
    case 'rejected':
      checkRejected(decoded, value)
      return { decoded, sent: null, ms }
    case 'line-item':
      return { decoded, sent: checkAccepted(decoded, value), ms }
  }
}

/** A pause of the collector, or of the machine, is not decode's: a slow case is measured again, and the best counts. */
const timed = (value: Buffer | null): { decoded: Decoded; ms: number } => {
  let best = Infinity
  for (let tries = 0; ; tries++) {
    const began = performance.now()
    const decoded = decode({ value })
    best = Math.min(best, performance.now() - began)
    if (best <= LIMIT_MS / 2 || tries === 3) return { decoded, ms: best }
  }
}

const checkRejected = ({ fault, claimed }: Decoded & { kind: 'rejected' }, value: Buffer | null): void => {
  const { code, stage, path } = fault
  if (!CODES.has(code) || faultOf(code).stage !== stage) throw new Error(`unknown code or stage: ${code} ${stage}`)
  if (!PATHS.has(path)) throw new Error(`a path that is not one of our fields: ${path}`)
  if ((path === null) !== (stage === 'decode')) throw new Error(`${code}: a path and its stage ${stage} disagree`)
  const { userId, invoiceId, lineNumber } = claimed
  if (userId === null && invoiceId === null && lineNumber === null) return
  const raw = readLoosely(value ?? Buffer.alloc(0))
  if (userId !== null && userId !== raw['userId']) throw new Error('claims another user')
  if (invoiceId !== null && invoiceId !== raw['invoiceId']) throw new Error('claims another invoice')
  if (lineNumber !== null && lineNumber !== Number(literalOf(raw['lineNumber']))) throw new Error('claims another line')
}

const checkAccepted = ({ lineItem }: Decoded & { kind: 'line-item' }, value: Buffer | null): Sent => {
  const sent = readSent(value ?? Buffer.alloc(0))
  const found: Sent = {
    ...{ eventId: lineItem.eventId, userId: lineItem.userId, invoiceId: lineItem.invoiceId },
    ...{ lineNumber: lineItem.lineNumber, sku: lineItem.sku, description: lineItem.description },
    ...{ quantityMicros: toMicros(lineItem.quantity), unitPriceMicros: toMicros(lineItem.unitPrice) },
    ...{ currency: lineItem.currency, instant: Date.parse(lineItem.occurredAt) },
  }
  for (const name of Object.keys(sent) as (keyof Sent)[])
    if (sent[name] !== found[name])
      throw new Error(`${name}: sent ${String(sent[name])}, decoded ${String(found[name])}`)
  return sent
}
