// Dialogs: what is about to be done, the token for it, and how far it is.
import { get, post, Refused, told, token, wordsOf } from './api.js'
import { fill, h } from './dom.js'
import { count } from './format.js'

/** @param {HTMLDialogElement} dialog */
export function open(dialog) {
  document.body.append(dialog)
  dialog.addEventListener('close', () => dialog.remove())
  dialog.showModal()
}

/** Resolves to whether there is a token now. @param {string} [why] @returns {Promise<boolean>} */
export function askToken(
  why = 'Changing dead letters, and reading what is in them, needs the token of the operators.',
) {
  return new Promise((resolve) => {
    const input = h('input', { type: 'password', name: 'token', autocomplete: 'off', required: true })
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'ask-token' },
      h(
        'form',
        { method: 'dialog', onsubmit: () => token.set(input.value.trim()) },
        h('h2', { id: 'ask-token' }, 'Token'),
        h(
          'p',
          null,
          why,
          ' It is the ',
          h('code', null, 'ADMIN_TOKEN'),
          ' of the member, and is kept in this tab only.',
        ),
        h('label', null, 'Token', input),
        h('button', { class: 'primary' }, 'Use it'),
        h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
      ),
    )
    dialog.addEventListener('close', () => resolve(token.get() !== null))
    open(dialog)
  })
}

/** @typedef {{ ids: string[] } | { filter: Record<string, unknown> }} Which */

const LOOK_MS = 500

/**
 * Looks at a job until it has ended, or until nobody looks any more.
 * @param {any} job @param {HTMLDialogElement} dialog @param {(job: any) => void} [show]
 */
export async function follow(job, dialog, show = () => {}) {
  while (job.state === 'running' && dialog.open) {
    show(job)
    await new Promise((next) => setTimeout(next, LOOK_MS))
    job = await get(`api/jobs/${job.id}`)
  }
  return job
}

/**
 * Asks, does it, and shows how far it is. Resolves to whether something was done.
 * @param {'replay' | 'discard'} kind @param {Which} which
 * @returns {Promise<boolean>}
 */
export async function change(kind, which) {
  if (!token.get() && !(await askToken())) return false
  return new Promise((resolve) => {
    let done = false
    const replay = kind === 'replay'
    const words = h('p', { role: 'status' }, 'Counting …')
    const bar = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'How far it is' })
    const reason = h('input', { name: 'reason', required: !replay, maxLength: 200 })
    const go = h('button', { class: replay ? 'primary' : 'danger', disabled: true }, replay ? 'Replay' : 'Discard')
    const close = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel')
    const about = replay
      ? 'Their records are sent to their topic again, with the same key, value and headers. Sending one twice does no harm: the ledger takes each event once.'
      : 'Nobody wants them any more: they leave the list of what is unresolved. The table keeps them, with your reason.'
    const form = h(
      'form',
      { onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), void start()) },
      h('h2', { id: 'ask-change' }, replay ? 'Replay dead letters' : 'Discard dead letters'),
      h('p', null, about),
      words,
      replay ? null : h('label', null, 'Why', reason),
      bar,
      go,
      close,
    )
    const dialog = h('dialog', { 'aria-labelledby': 'ask-change' }, form)
    dialog.addEventListener('close', () => resolve(done))
    /** @param {unknown} error */
    const refused = (error) => {
      if (error instanceof Refused && error.status === 401) token.set(null)
      fill(words, h('span', { class: 'bad' }, told(error)))
      close.textContent = 'Close'
    }
    /** What was counted, and nothing that failed since. @type {Which} */
    let counted = which
    const asked = () => (replay ? counted : { ...counted, reason: reason.value })
    const path = `api/dead-letters/${kind}`

    post(path, { ...which, ...(replay ? {} : { reason: 'counting' }), dryRun: true }).then(({ found, until }) => {
      if ('filter' in which) counted = { filter: { ...which.filter, until } }
      words.textContent =
        found === 0 ? 'None of them can be.' : `${count(found)} ${found === 1 ? 'letter' : 'letters'}.`
      go.disabled = found === 0
    }, refused)

    async function start() {
      go.disabled = true
      try {
        const begun = await post(path, asked())
        done = true
        bar.hidden = false
        const job = await follow(begun, dialog, ({ total, done }) => {
          bar.max = Math.max(total, 1)
          bar.value = done
          words.textContent = `${count(done)} of ${count(total)}`
        })
        bar.value = bar.max
        fill(words, outcome(job))
        close.textContent = 'Close'
      } catch (error) {
        refused(error)
      }
    }
    open(dialog)
  })
}

/** @param {any} job */
function outcome({ kind, state, result, error }) {
  if (error) return h('span', { class: 'bad' }, wordsOf(error))
  if (kind === 'discard')
    return `${count(result.discarded)} discarded${result.left ? `, ${count(result.left)} left as they were` : ''}.`
  const rest = [
    ['too large for the topic', result.tooLarge],
    ['not sent', result.unsent],
    ['whose record is lost', result.lost],
  ].filter(([, many]) => Number(many) > 0)
  const also = rest.map(([what, many]) => `${count(Number(many))} ${what}`).join(', ')
  return `${count(result.sent)} sent${also ? `; ${also}` : ''}. What becomes of them shows in their status${state === 'done' ? '' : ` (${state})`}.`
}
