/** A method of which one call at a time runs for each object: whoever calls meanwhile takes part in it. */
export const shared = <Self extends object, Result>(
  work: (self: Self) => Promise<Result>,
): ((this: Self) => Promise<Result>) => {
  const running = new WeakMap<Self, Promise<Result>>()
  return function () {
    const known = running.get(this)
    if (known) return known
    const begun = work(this).finally(() => running.delete(this))
    running.set(this, begun)
    return begun
  }
}
