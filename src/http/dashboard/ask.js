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
const ELSEWHERE =
  'The member that answered now does not know this job: it goes on in the one that began it, unless that one has ended. It is asked for again; what was done so far shows on the page when this is closed.'

/**
 * Looks at a job until it has ended, or until nobody looks any more. Behind one address there may be several members, of which
 * one knows it.
 * @param {any} job @param {HTMLDialogElement} dialog
 * @param {{ show: (job: any) => void, elsewhere: (words: string) => void }} tell
 */
export async function follow(job, dialog, { show, elsewhere }) {
  const isElsewhere = (/** @type {unknown} */ error) => error instanceof Refused && error.code === 'NO_SUCH_JOB'
  while (job.state === 'running' && dialog.open) {
    await new Promise((next) => setTimeout(next, LOOK_MS))
    await get(`api/jobs/${job.id}`).then(
      (known) => show((job = known)),
      (error) => {
        if (!isElsewhere(error)) throw error
        elsewhere(ELSEWHERE)
      },
    )
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
        const show = (/** @type {any} */ { total, done }) => {
          bar.max = Math.max(total, 1)
          bar.value = done
          words.textContent = `${count(done)} of ${count(total)}`
        }
        show(begun)
        const job = await follow(begun, dialog, { show, elsewhere: (text) => (words.textContent = text) })
        if (job.state === 'running') return
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
