// The dead letters of the group: filtered, a page at a time, and what is done with many of them.
import { get, UNRESOLVED } from './api.js'
import { change } from './ask.js'
import { fill, h, panel, table } from './dom.js'
import { count, shortId, time } from './format.js'

/** @typedef {import('./app.js').Page} Page */

const STATUSES = ['open', 'replayed', 'parked', 'resolved', 'discarded']
const PAGE = 50

/** @param {Page} page */
export function deadLetters({ main, query, signal, failed }) {
  /** @param {string} name */
  const given = (name) => query.get(name) ?? ''
  /** @param {string} name @param {string} label @param {string} [type] */
  const field = (name, label, type = 'text') =>
    h('label', null, label, h('input', { name, type, value: given(name), size: 16 }))
  const code = h(
    'select',
    { name: 'code' },
    h('option', { value: '' }, 'any'),
    given('code') ? h('option', { value: given('code'), selected: true }, given('code')) : null,
  )
  const status = h(
    'select',
    { name: 'status' },
    h('option', { value: '' }, 'unresolved'),
    [...STATUSES, 'all'].map((each) => h('option', { value: each, selected: given('status') === each }, each)),
  )
  const form = h(
    'form',
    { onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), go()), onchange: () => go(), role: 'search' },
    h('label', null, 'Code', code),
    h('label', null, 'Status', status),
    field('invoice', 'Invoice'),
    field('user', 'User'),
    field('since', 'Since (2h, or a time)'),
    h('button', null, 'Filter'),
  )
  function go() {
    const params = new URLSearchParams(/** @type {any} */ ([...new FormData(form)].filter(([, value]) => value !== '')))
    location.hash = `#/dead-letters${params.size > 0 ? `?${params}` : ''}`
  }
  const wanted = given('status')
  const filter = {
    status: wanted === 'all' ? STATUSES : wanted ? [wanted] : UNRESOLVED,
    ...(given('code') ? { code: [given('code')] } : {}),
    ...Object.fromEntries(['invoice', 'user', 'since'].flatMap((name) => (given(name) ? [[name, given(name)]] : []))),
  }
  /** @type {any[]} */
  let letters = []
  /** @type {string | null} */
  let next = null
  /** @type {Set<string>} */
  const chosen = new Set()
  const list = h('div', { 'aria-live': 'polite' }, h('p', { class: 'loading' }, 'Looking …'))
  const found = h('p', { class: 'quiet' })
  const more = h('button', { hidden: true, onclick: () => void load().catch(failed) }, 'Show more')
  /** @param {'replay' | 'discard'} kind */
  const doIt = (kind) => async () => {
    if (await change(kind, chosen.size > 0 ? { ids: [...chosen] } : { filter })) await again()
  }
  const buttons = {
    replay: h('button', { class: 'primary', onclick: doIt('replay') }),
    discard: h('button', { class: 'danger', onclick: doIt('discard') }),
  }
  const label = () => {
    const which = chosen.size > 0 ? `${count(chosen.size)} chosen` : 'all of these'
    buttons.replay.textContent = `Replay ${which} …`
    buttons.discard.textContent = `Discard ${which} …`
    buttons.replay.disabled = buttons.discard.disabled = letters.length === 0
  }
  /** @param {any} letter */
  const box = ({ id }) =>
    h('input', {
      type: 'checkbox',
      checked: chosen.has(id),
      'aria-label': `choose ${shortId(id)}`,
      onchange: (/** @type {any} */ { target }) => (target.checked ? chosen.add(id) : chosen.delete(id), label()),
    })
  const draw = () => {
    const origin = (/** @type {any} */ { topic, partition, offset }) => `${topic} ${partition} @ ${offset}`
    fill(
      list,
      table(
        'Newest first',
        [
          'choose',
          'code',
          'letter',
          'first failed',
          'invoice / line',
          'user',
          'where from',
          ['seen', 'n'],
          ['replays', 'n'],
          'status',
          'on the DLQ topic',
        ],
        letters.map((letter) => [
          box(letter),
          letter.code,
          h('a', { class: 'mono', href: `#/dead-letters/${letter.id}` }, shortId(letter.id)),
          time(letter.createdAt),
          `${letter.invoiceId ?? '–'} / ${letter.lineNumber ?? '–'}`,
          letter.userId ?? '–',
          origin(letter),
          count(letter.seen),
          count(letter.replays),
          letter.status,
          letter.publishedAt ? 'yes' : 'not yet',
        ]),
        wanted || query.size > 0
          ? 'No dead letters that fit.'
          : 'No dead letters: every record is in the ledger, or was ignored by rule.',
      ),
    )
    more.hidden = next === null
    label()
  }
  async function load() {
    const page = await get('api/dead-letters', { ...filter, limit: PAGE, after: next })
    letters = [...letters, ...page.letters]
    next = page.next
    draw()
  }
  async function tally() {
    const { rows, total } = await get('api/dead-letters/stats')
    const names = [.../** @type {Set<string>} */ (new Set(rows.map((/** @type {any} */ row) => row.code)))].sort()
    const options = names.map((name) => h('option', { value: name, selected: name === given('code') }, name))
    fill(code, h('option', { value: '' }, 'any'), options)
    const unresolved = UNRESOLVED.reduce((sum, each) => sum + total[each], 0)
    found.textContent = `${count(unresolved)} unresolved of ${count(total.total)}; ${count(total.lastHour)} in the last hour; ${count(total.unpublished)} not on the DLQ topic yet`
  }
  async function again() {
    letters = []
    next = null
    chosen.clear()
    await Promise.all([load(), tally()])
  }
  fill(
    main,
    h('h1', null, 'Dead letters'),
    found,
    form,
    panel('Letters', h('div', { class: 'actions' }, buttons.replay, buttons.discard), list, more),
  )
  label()
  void again().catch((error) => {
    if (!signal.aborted) failed(error)
  })
}
