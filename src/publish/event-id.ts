import { parse, v5 } from 'uuid'

/** UUIDv5 of `sluice.line-item-event` in the DNS namespace. Fixed for ever: another namespace would turn a repeated publish into new events. */
export const EVENT_NAMESPACE = '3d2c4711-16c4-5bc5-afee-d6fffeefddef'

const namespace = parse(EVENT_NAMESPACE)

/**
 * UUIDv5 in EVENT_NAMESPACE of the name `["userId","invoiceId",lineNumber]`, written by JSON.stringify: quotes and escapes keep
 * `a|b` and `a`, `b` apart, which joining with a separator would not.
 */
export const eventId = (userId: string, invoiceId: string, lineNumber: number): string =>
  v5(Buffer.from(JSON.stringify([userId, invoiceId, lineNumber])), namespace)
