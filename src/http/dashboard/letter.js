// One dead letter: why, what to do, where from, what is in it.
import { get, token } from './api.js'
import { askToken, change } from './ask.js'
import { facts, fill, h, panel } from './dom.js'
import { count, shortId, time } from './format.js'

/** @typedef {import('./app.js').Page} Page */

/** `sluice …` in it are commands to copy. @param {string} text */
const advised = (text) => text.split('`').map((part, at) => (at % 2 === 1 ? h('code', null, part) : part))

/** @param {any} part @param {string} name */
const partOf = (part, name) =>
  part === null
    ? [h('h3', null, name), h('p', { class: 'quiet' }, 'none')]
    : [
        h(
          'h3',
          null,
          `${name}, ${count(part.bytes)} bytes, ${part.form === 'hex' ? 'not text' : part.form === 'json' ? 'JSON' : 'text'}`,
        ),
        part.form === 'hex' ? null : h('pre', { tabIndex: 0 }, part.text),
        h(
          'details',
          { open: part.form === 'hex' },
          h('summary', null, 'Hex'),
          h('pre', { class: 'hex', tabIndex: 0 }, part.hex.join('\n')),
        ),
      ]

/** @param {any} header */
const headerText = ({ form, text }) => (form === 'none' ? '(null)' : text === '' ? '(empty)' : text)

/** @param {any} record */
const recordOf = ({ key, value, headers, cut }) => [
  partOf(value, 'Value'),
  partOf(key, 'Key'),
  h('h3', null, `Headers (${headers.length})`),
  headers.length === 0
    ? h('p', { class: 'quiet' }, 'none')
    : facts(headers.map((/** @type {any} */ header) => [header.name, headerText(header)])),
  cut ? h('p', { class: 'quiet' }, 'Cut here; all of it: ', h('code', null, 'sluice dlq show … --raw')) : null,
]

const AGAIN_MS = 2_000

/** What the last replay led to. @param {any} found */
const outcomeOf = ({ replays, status, failedAt }) => {
  const times = replays === 1 ? 'Replayed once' : `Replayed ${count(replays)} times`
  if (replays === 0) return null
  if (status === 'replayed') return `${times}; what became of it is not known yet.`
  if (status === 'resolved') return `${times}, and written.`
  if (status === 'discarded') return `${times}, then discarded.`
  return `${times}; it failed again at ${time(failedAt)}, for the reason below.`
}

/** @param {Page} page */
export function letter({ main, path, signal, failed }) {
  const id = path[1] ?? ''
  fill(main, h('p', { class: 'loading' }, 'Looking …'))
  const soon = () =>
    setTimeout(() => {
      if (!signal.aborted) void look().catch((error) => (failed(error), soon()))
    }, AGAIN_MS)
  const look = async () => {
    const found = await get(`api/dead-letters/${encodeURIComponent(id)}`)
    if (signal.aborted) return
    /** @param {'replay' | 'discard'} kind */
    const doIt = (kind) => async () => {
      if (await change(kind, { ids: [found.id] })) await look().catch(failed)
    }
    const reveal = async () => {
      if (await askToken()) await look().catch(failed)
    }
    const sealed = found.withheld
      ? [
          h(
            'p',
            null,
            token.get() ? 'The token was not right. ' : 'What is in the record is shown to operators only. ',
          ),
          h('button', { onclick: () => void reveal() }, 'Show it …'),
        ]
      : [h('p', { class: 'quiet' }, 'The record could not be stored; only its coordinates are known.')]
    const invoice =
      found.invoiceId && h('a', { href: `#/invoices/${encodeURIComponent(found.invoiceId)}` }, found.invoiceId)
    // A replay is on its way: it is on the page as soon as somebody has settled it.
    if (found.status === 'replayed') soon()
    fill(
      main,
      h(
        'p',
        null,
        h('a', { href: '#/dead-letters' }, 'Dead letters'),
        ' / ',
        h('span', { class: 'mono' }, shortId(found.id)),
      ),
      h('div', { class: 'head' }, h('h1', null, found.code, ' ', h('span', { class: 'pill' }, found.status))),
      h('p', { role: 'status' }, outcomeOf(found)),
      h(
        'div',
        { class: 'actions' },
        found.actions.replay ? h('button', { class: 'primary', onclick: doIt('replay') }, 'Replay …') : null,
        found.actions.discard ? h('button', { class: 'danger', onclick: doIt('discard') }, 'Discard …') : null,
      ),
      h(
        'div',
        { class: 'cols' },
        h(
          'div',
          { class: 'stack' },
          panel(
            'Why',
            facts([
              ['message', found.message],
              ['stage', found.stage],
              ['field', found.path === '' ? '(the whole value)' : found.path],
              ['SQLSTATE', found.sqlstate],
            ]),
          ),
          panel('What to do', h('p', null, advised(found.advice))),
          panel(
            'Where from, and what became of it',
            facts([
              ['record', `${found.topic}, partition ${found.partition}, offset ${found.offset}`],
              ['time of the record', found.timestamp && time(found.timestamp)],
              ['user', found.userId],
              ['invoice', invoice],
              ['line', found.lineNumber],
              ['first failed', time(found.createdAt)],
              ['last failed', found.seen > 1 ? time(found.failedAt) : null],
              ['seen', count(found.seen)],
              ['replays', count(found.replays)],
              ['on the DLQ topic', found.publishedAt ? time(found.publishedAt) : 'not yet'],
              ['resolved', found.resolvedAt && time(found.resolvedAt)],
              ['discarded because', found.discardReason],
              ['id', h('span', { class: 'mono' }, found.id)],
            ]),
          ),
        ),
        panel('The record', found.record ? recordOf(found.record) : sealed),
      ),
    )
  }
  look().catch((error) => {
    if (signal.aborted) return
    failed(error)
  })
}
