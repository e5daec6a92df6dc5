// What the page asks of the member that served it. The token stays in this tab, and goes with requests that need it.

const TOKEN = 'sluice.token'

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  /** @param {string | null} value */
  set: (value) => (value ? sessionStorage.setItem(TOKEN, value) : sessionStorage.removeItem(TOKEN)),
}

/** The member answered, and it was no. */
export class Refused extends Error {
  /** @param {number} status @param {{ code?: string, message?: string, remedy?: string }} error */
  constructor(status, { code = '', message = `HTTP ${status}`, remedy = '' }) {
    super(message)
    this.status = status
    this.code = code
    this.remedy = remedy
  }
}

/** What to say of an error, and what to do. @param {{ message: string, remedy?: string }} error */
export const wordsOf = ({ message, remedy }) => `${message}${remedy ? ` → ${remedy}` : ''}`

/** Statuses of letters that nobody has dealt with. */
export const UNRESOLVED = ['open', 'replayed', 'parked']

const PATIENCE_MS = 10_000

/** @param {string} path @param {RequestInit} [init] */
async function ask(path, init = {}) {
  const bearer = token.get()
  const response = await fetch(path, {
    ...init,
    headers: { ...init.headers, ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  /** @type {unknown} */
  const body = await response.json().catch(() => ({}))
  if (!response.ok) throw new Refused(response.status, /** @type {{ error?: object }} */ (body).error ?? {})
  return body
}

/** @param {string} path @param {Record<string, string | number | readonly string[] | null | undefined>} [query] @returns {Promise<any>} */
export function get(path, query = {}) {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const each of [value].flat())
      if (each !== null && each !== undefined && each !== '') params.append(name, String(each))
  return ask(params.size > 0 ? `${path}?${params}` : path)
}

/** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
export const post = (path, body = {}) =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
