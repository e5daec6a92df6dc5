/**
 * Finds the records that a sink refuses, by halving. `attempt` tries to store some items and, when it is refused, leaves
 * no trace (a savepoint) and says why. k bad items in n cost at most 2k·log2(n/k) + 2k + 2 attempts; order is kept all
 * the way, so that locks are taken in one order.
 */
export type Attempt<T, R, F> = (
  items: readonly T[],
) => Promise<{ readonly ok: true; readonly stored: R } | { readonly ok: false; readonly fault: F }>

export type Isolated<T, R, F> = { readonly stored: R[]; readonly refused: { readonly item: T; readonly fault: F }[] }

export async function isolate<T, R, F>(items: readonly T[], attempt: Attempt<T, R, F>): Promise<Isolated<T, R, F>> {
  const result: Isolated<T, R, F> = { stored: [], refused: [] }

  /** `suspect`: all was refused, and the other half of it was not: no need to ask before it is halved. Refused any? */
  async function search(some: readonly T[], suspect: boolean): Promise<boolean> {
    const [first] = some
    if (first === undefined) return false
    if (!suspect || some.length === 1) {
      const outcome = await attempt(some)
      if (outcome.ok) result.stored.push(outcome.stored)
      else if (some.length === 1) result.refused.push({ item: first, fault: outcome.fault })
      if (outcome.ok || some.length === 1) return !outcome.ok
    }
    const middle = some.length >> 1
    const inFirstHalf = await search(some.slice(0, middle), false)
    // A guess only: a fault that exists in company (two rows that collide) may be in neither half alone.
    await search(some.slice(middle), !inFirstHalf)
    return true
  }

  await search(items, false)
  return result
}
