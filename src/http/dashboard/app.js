// Which page is shown, and what holds on all of them: group, freshness, gate, database.
import { get, Refused, told, Unanswered } from './api.js'
import { deadLetters } from './dead-letters.js'
import { fill, h } from './dom.js'
import { time } from './format.js'
import { invoices } from './invoices.js'
import { letter } from './letter.js'
import { mappings } from './mappings.js'
import { overview } from './overview.js'
import { poll } from './poll.js'

/**
 * @typedef {{
 *   main: HTMLElement, signal: AbortSignal, path: string[], query: URLSearchParams,
 *   heard: (state: any) => void, failed: (error: unknown) => void
 * }} Page
 */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id))
const main = byId('main')
const group = byId('group')
const freshness = byId('freshness')
const banners = byId('banners')

let leave = new AbortController()
let heardAt = 0
let silent = false
/** What the page begins with did not come: it is asked for again when the member, and PostgreSQL, are heard. */
let unbegun = false
const ELSEWHERE_MS = 5_000

/** @param {any} state */
function heard(state) {
  heardAt = Date.now()
  silent = !state.database.ok
  document.title = `${state.group} · sluice`
  fill(group, h('strong', null, state.group), ` reads ${state.topic}`)
  fresh()
  const { database, gate, now } = state
  const told = [
    database.ok
      ? null
      : h(
          'div',
          { class: 'banner bad' },
          `PostgreSQL does not answer (${database.error ?? 'no reason known'}): these numbers are of ${time(now)}, but the partitions of this member. Records wait in Kafka; nothing is lost.`,
        ),
    gate
      ? h(
          'div',
          { class: 'banner bad' },
          `The gate is closed since ${time(gate.closedAt)} (${gate.code}): ${gate.reason} Nothing is written until `,
          h('code', null, 'sluice resume'),
          '.',
        )
      : null,
  ]
  // Told once, not every two seconds: a screen reader would read it each time.
  const text = told.map((each) => each?.textContent ?? '').join()
  if (text !== banners.dataset['told']) fill(banners, told)
  banners.dataset['told'] = text
  if (unbegun && !silent) show()
}

/** Old numbers must not look like new ones. */
function fresh() {
  const old = Date.now() - heardAt > 10_000
  const ago = old
    ? `not heard since ${new Date(heardAt).toLocaleTimeString()}`
    : silent
      ? 'PostgreSQL is silent'
      : 'live'
  const text = heardAt === 0 ? '' : ago
  if (freshness.textContent !== text) freshness.textContent = text
  freshness.className = old || silent ? 'bad' : 'good'
}
setInterval(fresh, 1_000)

/** @param {unknown} error */
function failed(error) {
  if (error instanceof Refused && error.code !== '' && error.status < 500) heardAt = Date.now()
  const loading = main.querySelectorAll('.loading')
  const passes = error instanceof Unanswered || (error instanceof Refused && error.status >= 500)
  if (loading.length > 0 && passes) unbegun = true
  // The banner says it better: what is shown then, and of when it is.
  if (silent && error instanceof Refused && error.status === 503) return
  const what = error instanceof Unanswered ? `${told(error)} What is shown is old; it is asked again.` : told(error)
  const text = `failed ${what}`
  if (text !== banners.dataset['told']) fill(banners, h('div', { class: 'banner bad' }, what))
  banners.dataset['told'] = text
  for (const each of loading) fill(each, what)
  fresh()
}

/** @type {Record<string, (page: Page) => void>} */
const PAGES = { '': overview, 'dead-letters': deadLetters, invoices, mappings }

function show() {
  unbegun = false
  leave.abort()
  leave = new AbortController()
  const [where = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const path = where.split('/').map(decodeURIComponent)
  const page = { main, signal: leave.signal, path, query: new URLSearchParams(search), heard, failed }
  for (const link of document.querySelectorAll('nav a')) {
    const target = link.getAttribute('href')?.replace(/^#\/?/, '')
    if (target === path[0]) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  const begin = path[0] === 'dead-letters' && path[1] ? letter : PAGES[path[0] ?? '']
  if (begin) begin(page)
  else fill(main, h('p', { class: 'error' }, 'There is no such page.'))
  // Pages that do not ask for it themselves still say of which group they are, whether the gate is open, and that somebody answers.
  if (begin !== overview)
    poll(async () => heard(await get('api/state')), { everyMs: ELSEWHERE_MS, failed, signal: leave.signal })
}

window.addEventListener('hashchange', () => {
  show()
  main.focus()
})
show()
