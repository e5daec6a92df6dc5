// Dialogs for the mappings: what a correction would move is said before it is made.
import { post, told, wordsOf } from './api.js'
import { follow, open } from './ask.js'
import { facts, fill, h } from './dom.js'
import { count } from './format.js'

/** A large ledger takes long to count; the member gives up after 20 seconds, and says so. */
const COUNT_MS = 25_000

/** For a shell. @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`

/** @param {any} mapping */
export const textOf = ({ sourceText, vendorKey }) => sourceText ?? vendorKey
/** @param {any} mapping */
export const itemOf = ({ itemId, itemName, itemSku }) =>
  `${itemName ?? '(gone)'}${itemSku ? `, sku ${itemSku}` : ''} (item:${itemId})`
/** @param {{ rows: number, quantity: string }} moved */
const amount = ({ rows, quantity }) => `${count(rows)} ledger ${rows === 1 ? 'row' : 'rows'}, quantity ${quantity}`

/** @typedef {{ mapping: any, keys: number } | null} Corrected null: nothing was begun; mapping null: nobody waited, or it failed */

/**
 * @param {{
 *   kind: 'assign' | 'undo', mapping: any, title: string, verb: string, asked: () => object,
 *   fields?: HTMLElement, hint?: HTMLElement
 * }} correction with fields: counted when they are filled in; without: at once
 * @returns {Promise<Corrected>}
 */
function correct({ kind, mapping, title, verb, asked, fields, hint }) {
  return new Promise((resolve) => {
    /** @type {Corrected} */
    let corrected = null
    /** @type {any} */
    let counted = null
    let begun = false
    const words = h('div', { role: 'status' })
    const bar = h('progress', { hidden: true, 'aria-label': 'Moving' })
    const reason = h('input', { name: 'reason', maxLength: 500 })
    const look = fields ? h('button', null, 'Look what would move') : null
    const go = h('button', { type: 'button', class: 'danger', disabled: true, onclick: () => void start() }, verb)
    const close = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel')
    const form = h(
      'form',
      {
        onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), void lookUp()),
        // What was counted is not what would be done any more.
        oninput: (/** @type {Event} */ event) => event.target !== reason && forget(),
      },
      h('h2', { id: 'ask-correct' }, title),
      facts([
        ['the vendor’s text', textOf(mapping)],
        ['user', mapping.userId],
        ['stands for', itemOf(mapping)],
      ]),
      fields,
      h('label', null, 'Why (kept with the change)', reason),
      words,
      bar,
      look,
      go,
      close,
      hint,
    )
    const dialog = h('dialog', { 'aria-labelledby': 'ask-correct' }, form)
    dialog.addEventListener('close', () => resolve(corrected))
    const path = `api/mappings/${kind}`
    const body = () => ({
      ...{ user: mapping.userId, key: mapping.vendorKey, ...asked() },
      ...(reason.value.trim() ? { reason: reason.value } : {}),
    })
    const forget = () => {
      if (begun) return
      counted = null
      go.disabled = true
      fill(words)
    }
    /** @param {unknown} error */
    const refused = (error) => {
      fill(words, h('p', { class: 'bad' }, told(error)))
      bar.hidden = true
    }

    async function lookUp() {
      if (begun) return
      forget()
      const asking = (counted = {})
      fill(words, h('p', null, 'Counting …'))
      try {
        const found = await post(path, { ...body(), dryRun: true }, COUNT_MS)
        if (counted !== asking) return
        counted = found
        go.disabled = false
        fill(
          words,
          h('p', null, `Moves ${found.what}: ${amount(found)}. Lines to come go there as well.`),
          found.notes.map((/** @type {string} */ note) => h('p', { class: 'quiet' }, note)),
        )
      } catch (error) {
        if (counted === asking) refused(error)
      }
    }
    async function start() {
      begun = true
      corrected = { mapping: null, keys: 0 }
      go.disabled = true
      if (look) look.disabled = true
      const moving = () => fill(words, h('p', null, `Moving ${amount(counted)} … It goes on when this is closed.`))
      const elsewhere = (/** @type {string} */ text) => fill(words, h('p', null, text))
      moving()
      bar.hidden = false
      close.textContent = 'Close'
      close.focus()
      try {
        const job = await post(path, { ...body(), change: counted.change })
        const { error, result } = await follow(job, dialog, { show: moving, elsewhere })
        bar.hidden = true
        if (error) fill(words, h('p', { class: 'bad' }, wordsOf(error)))
        if (!result) return
        corrected = result
        const moved = amount({ ...result, rows: result.movedRows })
        fill(words, h('p', null, `Done: ${moved}, moved to item ${result.toItem}.`))
      } catch (error) {
        refused(error)
      }
    }
    open(dialog)
    if (!fields) void lookUp()
  })
}

/** @param {any} mapping */
export function assign(mapping) {
  const item = h('input', { name: 'item', required: true, pattern: '(item:)?[0-9]{1,15}', title: 'a number, such as 17', size: 12 }) // prettier-ignore
  const name = h('input', { name: 'name', maxLength: 500, placeholder: textOf(mapping) })
  const where = h('span')
  const isNew = () => kind.value === 'new'
  const draw = () =>
    fill(where, isNew() ? h('label', null, 'Its name', name) : h('label', null, 'Its number (item:…)', item))
  const kind = h(
    'select',
    { name: 'kind', onchange: draw },
    h('option', { value: 'there' }, 'an item that is there'),
    h('option', { value: 'new' }, 'a new item'),
  )
  draw()
  const to = () =>
    isNew() ? { name: name.value.trim() || null } : { item: Number(item.value.trim().replace('item:', '')) }
  return correct({
    ...{ kind: 'assign', mapping, title: 'It is another item', verb: 'Move' },
    fields: h('div', { class: 'actions' }, h('label', null, 'It is', kind), where),
    asked: () => ({ from: mapping.itemId, to: to() }),
    hint: h(
      'p',
      { class: 'quiet' },
      `Is item ${mapping.itemId}, with all that stands for it, the same as another item? `,
      h('code', null, `sluice mapping merge ${quoted(mapping.userId)} item:${mapping.itemId} item:ID`),
    ),
  })
}

/** @param {any} mapping */
export const undo = (mapping) =>
  correct({ kind: 'undo', mapping, title: 'Undo the last correction', verb: 'Undo', asked: () => ({}) })
