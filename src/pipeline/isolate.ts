/**
 * Finds the records that a sink refuses, by halving. `attempt` tries to store some items and, when it is refused, leaves
 * no trace (a savepoint) and says why. One bad item in N costs 2·log2 N + 1 attempts; order is kept all the way, so that
 * locks are taken in one order.
 */
export type Attempt<T, R, F> = (
  items: readonly T[],
) => Promise<{ readonly ok: true; readonly stored: R } | { readonly ok: false; readonly fault: F }>

export type Isolated<T, R, F> = { readonly stored: R[]; readonly refused: { readonly item: T; readonly fault: F }[] }

export async function isolate<T, R, F>(items: readonly T[], attempt: Attempt<T, R, F>): Promise<Isolated<T, R, F>> {
  const result: Isolated<T, R, F> = { stored: [], refused: [] }
  const waiting: (readonly T[])[] = items.length > 0 ? [items] : []
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const outcome = await attempt(next)
    const [first] = next
    if (outcome.ok) result.stored.push(outcome.stored)
    else if (next.length === 1 && first !== undefined) result.refused.push({ item: first, fault: outcome.fault })
    else {
      const middle = next.length >> 1
      waiting.push(next.slice(middle), next.slice(0, middle))
    }
  }
  return result
}
