const PRODUCTION = '/src/lib/failpoint.ts'
const ARMED = new URL('armed.ts', import.meta.url).href

/** Resolves as ever, and swaps that one module. The loader of tsx comes before this one, and transforms what we name. */
export const resolve = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context)
  const { pathname, search } = new URL(resolved.url)
  return pathname.endsWith(PRODUCTION) ? { ...resolved, url: ARMED + search } : resolved
}
