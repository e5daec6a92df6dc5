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

/** The member did not answer, or only in part. */
export class Unanswered extends Error {}

/** What to say of an error, and what to do. @param {{ message: string, remedy?: string }} error */
export const wordsOf = ({ message, remedy }) => `${message}${remedy ? ` → ${remedy}` : ''}`

/** Statuses of letters that nobody has dealt with. */
export const UNRESOLVED = ['open', 'replayed', 'parked']

/** What to say of whatever went wrong. @param {unknown} error */
export function told(error) {
  if (error instanceof Refused) return wordsOf(error)
  if (error instanceof Unanswered) return 'The member that served this page does not answer.'
  return `This page has a fault: ${error instanceof Error ? error.message : String(error)}`
}

const PATIENCE_MS = 10_000

/** @param {string} path @param {RequestInit} [init] @param {number} [patienceMs] */
async function ask(path, init = {}, patienceMs = PATIENCE_MS) {
  const bearer = token.get()
  const response = await fetch(path, {
    ...init,
    headers: { ...init.headers, ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
    signal: AbortSignal.timeout(patienceMs),
  }).catch((cause) => {
    throw new Unanswered('no answer', { cause })
  })
  /** @type {any} */
  const body = await response.json().catch(() => null)
  if (!response.ok) throw new Refused(response.status, body?.error ?? {})
  if (body === null) throw new Unanswered('half an answer')
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

/** @param {string} path @param {unknown} [body] @param {number} [patienceMs] @returns {Promise<any>} */
export const post = (path, body = {}, patienceMs = PATIENCE_MS) =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, patienceMs)
