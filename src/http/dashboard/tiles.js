// The group in six numbers.
import { h } from './dom.js'
import { millis, short } from './format.js'
import { deadLetterVerdict, lagVerdict } from './verdict.js'

/** @param {string} name @param {string} value @param {string} note @param {string} [level] */
const tile = (name, value, note, level = '') =>
  h(
    'li',
    null,
    h('div', { class: 'name' }, name),
    h('div', { class: `value ${level}` }, value),
    h('div', { class: 'note' }, note),
  )

/** @param {readonly any[]} members @param {(state: any) => number} of */
const sum = (members, of) => members.filter(({ alive }) => alive).reduce((total, { state }) => total + of(state), 0)

/** @param {any} state */
export function tilesOf(state) {
  const { lag, members, deadLetters } = state
  const verdict = lagVerdict(state)
  const alive = members.filter((/** @type {any} */ member) => member.alive)
  const buffered = sum(members, ({ buffer }) => buffer.records)
  const room = sum(members, ({ buffer }) => buffer.maxRecords)
  const [rate, arriving] = [
    sum(members, ({ rate }) => rate.settledPerSecond ?? 0),
    sum(members, ({ rate }) => rate.arrivedPerSecond ?? 0),
  ]
  /** @param {'p50' | 'p99'} which */
  const worst = (which) =>
    alive.reduce(
      (/** @type {number | null} */ max, { state }) => Math.max(max ?? 0, state.latencyMs?.[which] ?? 0) || max,
      null,
    )
  const letters = deadLetterVerdict(deadLetters)
  const notReady = alive.filter((/** @type {any} */ { state }) => !state.health.ready).length
  return [
    tile('Lag', `${short(lag.records)} records`, `${verdict.word}: ${verdict.why}`, verdict.level),
    tile('Into the ledger', `${short(rate)}/s`, `${short(arriving)}/s arrive (last minute)`),
    tile('Latency, from record to ledger', millis(worst('p50')), `99 of 100 within ${millis(worst('p99'))} (last 5 s)`),
    tile('Dead letters unresolved', letters.word, letters.why, letters.level),
    tile(
      'Members',
      String(alive.length),
      notReady > 0 ? `${notReady} not ready` : 'all ready',
      alive.length === 0 || notReady > 0 ? 'bad' : '',
    ),
    tile(
      'Buffer',
      `${short(buffered)} records`,
      room > 0 ? `${Math.round((100 * buffered) / room)} % of ${short(room)}` : 'no member',
    ),
  ]
}
