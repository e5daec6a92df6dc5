// Which vendor texts stand for which item: the least certain first, for a person to look at.
import { get, Refused, token } from './api.js'
import { askToken } from './ask.js'
import { fill, h, panel, table } from './dom.js'
import { time } from './format.js'

/** @typedef {import('./app.js').Page} Page */

const METHODS = ['sku', 'exact', 'fuzzy', 'created', 'manual']
const PAGE = 50

/** For a shell. @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`

/** @param {any} mapping */
const commandOf = ({ userId, vendorKey }) =>
  `sluice mapping assign ${quoted(userId)} ${quoted(vendorKey)} --to item:ID --dry-run`

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
  const draw = () => {
    fill(
      list,
      table(
        'What a vendor wrote, and the item that it was taken for. A wrong one is corrected by the command beside it: the ledger and the stock move along.',
        [
          ['score', 'n'],
          'method',
          'user',
          ['the vendor’s text', 'wrap'],
          ['item', 'wrap'],
          'since',
          ['to correct it', 'wrap'],
        ],
        found.map((mapping) => [
          mapping.score === null ? '–' : mapping.score.toFixed(2),
          mapping.method,
          mapping.userId,
          mapping.sourceText ?? mapping.vendorKey,
          `${mapping.itemName ?? '(gone)'}${mapping.itemSku ? `, sku ${mapping.itemSku}` : ''} (item:${mapping.itemId})`,
          time(mapping.createdAt),
          h('code', null, commandOf(mapping)),
        ]),
        'No mapping that fits: none is less certain.',
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
  fill(main, h('h1', null, 'Mappings'), form, panel('The least certain first', list, more))
  begin()
}
