import { validateEvent } from '../line-items/event.ts'
import { messageOf } from '../line-items/fault.ts'

/** What the consumer would say of this event; `fault` is one line that starts with the consumer's own code. */
export type Check = (
  event: unknown,
) =>
  | { readonly ok: true; readonly invoiceId: string }
  | { readonly ok: false; readonly fault: string; readonly path: string }

/** `now`: wall-clock milliseconds; an event from more than a day ahead is refused. */
export const createCheck = (now: () => number): Check => {
  return (event) => {
    const result = validateEvent(event, now())
    if (result.ok) return { ok: true, invoiceId: result.lineItem.invoiceId }
    const { code, path } = result.fault
    return { ok: false, fault: `${code}: ${messageOf(code)}`, path: path ?? '' }
  }
}
