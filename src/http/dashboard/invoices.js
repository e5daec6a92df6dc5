// What became of an invoice.
import { get } from './api.js'
import { facts, fill, h, panel, table } from './dom.js'
import { count, millis, shortId, time } from './format.js'

/** @typedef {import('./app.js').Page} Page */

/** @type {Record<string, [string, string]>} */
const SAID = {
  success: ['good', 'All its lines are in the ledger.'],
  partial_success: ['warn', 'Some lines are in the ledger, some failed.'],
  failed: ['bad', 'No line of it is in the ledger.'],
  unknown: ['bad', 'No record of it is known, in the ledger or as a dead letter.'],
}

/** @param {any} result */
const linesOf = ({ processedLines, moreProcessedLines }) => {
  const ranges = processedLines.map((/** @type {any} */ { from, to }) => (from === to ? from : `${from}–${to}`))
  return `${ranges.join(', ')}${moreProcessedLines ? ' and more, not listed here' : ''}`
}

/** @param {any} result */
const unlistedOf = ({ invoiceId, itemsFailed, itemsDiscarded, itemsUnread, failedItems }) => {
  const unlisted = itemsFailed + itemsDiscarded - itemsUnread - failedItems.length
  if (unlisted === 0) return null
  const href = `#/dead-letters?status=all&invoice=${encodeURIComponent(invoiceId)}`
  return h(
    'p',
    null,
    `${count(unlisted)} more that failed are not listed here: `,
    h('a', { href }, 'all of the invoice'),
  )
}

/** @param {any} result @param {boolean} isAlone */
const resultOf = (result, isAlone) => {
  const [level = '', said = ''] = SAID[result.status] ?? []
  return panel(
    result.userId === null ? 'Of no known user' : `User ${result.userId}`,
    result.userId === null && !isAlone
      ? h('p', null, 'Whose these are could not be read: they count to every user of the invoice.')
      : h('p', null, h('span', { class: `pill ${level}` }, result.status.replace('_', ' ')), ' ', said),
    facts([
      ['lines processed', count(result.itemsProcessed)],
      ['in the ledger', linesOf(result)],
      ['lines failed', count(result.itemsFailed)],
      ['lines discarded', result.itemsDiscarded ? count(result.itemsDiscarded) : null],
      ['of these of no known user', result.itemsUnread ? count(result.itemsUnread) : null],
      ['first settled', result.firstSettledAt && time(result.firstSettledAt)],
      ['last settled', result.lastSettledAt && time(result.lastSettledAt)],
      ['time taken', millis(result.processingTimeMs)],
    ]),
    result.failedItems.length === 0
      ? null
      : table(
          'Lines that failed',
          ['line', 'code', 'letter', 'field', ['why', 'wrap'], 'status'],
          result.failedItems.map((/** @type {any} */ item) => [
            item.line ?? '–',
            item.code,
            h('a', { class: 'mono', href: `#/dead-letters/${item.deadLetterId}` }, shortId(item.deadLetterId)),
            item.path || '–',
            item.error,
            item.status,
          ]),
        ),
    unlistedOf(result),
  )
}

/** @param {Page} page */
export function invoices({ main, path, signal, failed }) {
  const id = path[1] ?? ''
  const input = h('input', { name: 'id', value: id, required: true, maxLength: 255 })
  const results = h('div', { class: 'stack', 'aria-live': 'polite' })
  fill(
    main,
    h('h1', null, 'Invoices'),
    h(
      'form',
      {
        role: 'search',
        onsubmit: (/** @type {Event} */ event) => (
          event.preventDefault(),
          (location.hash = `#/invoices/${encodeURIComponent(input.value.trim())}`)
        ),
      },
      h('label', null, 'Invoice id', input),
      h('button', { class: 'primary' }, 'Look'),
    ),
    results,
  )
  if (id === '')
    return fill(
      results,
      h('p', { class: 'empty' }, 'Which lines of an invoice are in the ledger, which failed, and why.'),
    )
  fill(results, h('p', { class: 'loading' }, 'Looking …'))
  const more = h(
    'p',
    { class: 'quiet' },
    'More users have an invoice of that id than are shown; of one of them: ',
    h('code', null, 'sluice invoice … --user …'),
  )
  get(`api/invoices/${encodeURIComponent(id)}`).then(
    ({ results: all, more: isMore }) =>
      signal.aborted ||
      fill(
        results,
        isMore ? more : null,
        all.map((/** @type {any} */ each) => resultOf(each, all.length === 1)),
      ),
    (error) => signal.aborted || failed(error),
  )
}
