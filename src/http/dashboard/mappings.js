// Which vendor texts stand for which item: the least certain first, for a person to look at.
import { get, Refused, token } from './api.js'
import { askToken } from './ask.js'
import { assign, itemOf, textOf, undo } from './correct.js'
import { fill, h, panel, table } from './dom.js'
import { time } from './format.js'

/** @typedef {import('./app.js').Page} Page */

const METHODS = ['sku', 'exact', 'fuzzy', 'created', 'manual']
const PAGE = 50

/** @param {Page} page */
export function mappings({ main, query, signal, failed }) {
  /** @param {string} name @param {string} [preset] */
  const given = (name, preset = '') => query.get(name) ?? preset
  const asked = {
    scoreBelow: given('scoreBelow', '0.95'),
    method: given('method'),
    user: given('user'),
    text: given('text'),
  }
  /** @param {string} name @param {string} label @param {string} value */
  const field = (name, label, value) => h('label', null, label, h('input', { name, value, size: 16 }))
  const form = h(
    'form',
    {
      role: 'search',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault()
        location.hash = `#/mappings?${new URLSearchParams(/** @type {any} */ ([...new FormData(form)]))}`
      },
    },
    field('scoreBelow', 'Score below (empty: all, newest first)', asked.scoreBelow),
    h(
      'label',
      null,
      'Method',
      h(
        'select',
        { name: 'method' },
        h('option', { value: '' }, 'any'),
        METHODS.map((each) => h('option', { value: each, selected: each === asked.method }, each)),
      ),
    ),
    field('user', 'User', asked.user),
    field('text', 'Text', asked.text),
    h('button', null, 'Filter'),
  )
  const list = h('div', { 'aria-live': 'polite' })
  const more = h('button', { hidden: true, onclick: () => void load().catch(failed) }, 'Show more')
  /** @type {any[]} */
  let found = []
  /** @type {string | null} */
  let next = null
  /** @param {any} mapping @param {string} label @param {typeof assign} dialog */
  const button = (mapping, label, dialog) =>
    h(
      'button',
      {
        'aria-label': `${label} for ${textOf(mapping)}`,
        'data-mapping': mapping.id,
        onclick: () => void correct(mapping, dialog).catch(failed),
      },
      label,
    )
  /** @param {any} mapping @param {typeof assign} dialog */
  async function correct(mapping, dialog) {
    const corrected = await dialog(mapping)
    if (corrected === null || signal.aborted) return
    const { mapping: now, keys } = corrected
    // It stays in its place, to be seen, and undone. What else was moved, or how it ended, is to be looked up.
    if (now && keys === 1) found = found.map((each) => (each.id === now.id ? now : each))
    else await again()
    draw()
    const same = /** @type {HTMLElement | null} */ (list.querySelector(`[data-mapping="${mapping.id}"]`))
    ;(same ?? main).focus()
  }
  const draw = () => {
    fill(
      list,
      table(
        'What a vendor wrote, and the item that it was taken for. When a person corrects it, the ledger and the stock move along.',
        [['score', 'n'], 'method', 'user', ['the vendor’s text', 'wrap'], ['item', 'wrap'], 'since', 'to correct it'],
        found.map((mapping) => [
          mapping.score === null ? '–' : mapping.score.toFixed(2),
          mapping.method,
          mapping.userId,
          textOf(mapping),
          itemOf(mapping),
          time(mapping.createdAt),
          h(
            'div',
            { class: 'actions' },
            button(mapping, 'Another item …', assign),
            mapping.method === 'manual' ? button(mapping, 'Undo …', undo) : null,
          ),
        ]),
        asked.scoreBelow
          ? `No mapping fits that is less certain than ${asked.scoreBelow}. Without a score all are listed.`
          : 'No mapping fits.',
      ),
    )
    more.hidden = next === null
  }
  async function load() {
    const page = await get('api/mappings', { ...asked, limit: PAGE, after: next })
    found = [...found, ...page.mappings]
    next = page.next
    draw()
  }
  async function again() {
    found = []
    next = null
    await load()
  }
  const locked = (/** @type {string} */ why) =>
    fill(
      list,
      h('p', null, why),
      h('button', { onclick: () => void askToken().then((there) => there && begin()) }, 'Give the token …'),
    )
  const begin = () => {
    if (!token.get()) return locked('What vendors wrote is shown to operators only. ')
    fill(list, h('p', { class: 'loading' }, 'Looking …'))
    load().catch((error) => {
      if (signal.aborted) return
      if (error instanceof Refused && error.status === 401) {
        token.set(null)
        locked('The token was not right. ')
      } else if (error instanceof Refused && error.status === 404)
        fill(
          list,
          h(
            'p',
            null,
            'This member has no ADMIN_TOKEN, so this is not shown here: ',
            h('code', null, 'sluice mapping list --score-below 0.95'),
          ),
        )
      else failed(error)
    })
  }
  fill(
    main,
    h('h1', null, 'Mappings'),
    form,
    panel(asked.scoreBelow ? 'The least certain first' : 'The newest first', list, more),
  )
  begin()
}
