// The group in seven numbers.
import { h } from './dom.js'
import { millis, short } from './format.js'
import { databaseVerdict, deadLetterVerdict, lagVerdict } from './verdict.js'

/** @param {string} name @param {string} value @param {string} note @param {string} [level] */
const tile = (name, value, note, level = '') =>
  h(
    'li',
    null,
    h('div', { class: 'name' }, name),
    h('div', { class: `value ${level}` }, value),
    h('div', { class: 'note' }, note),
  )

/** What members know, of those that do. @param {readonly any[]} alive @param {(state: any) => number | null | undefined} of @returns {number[]} */
const known = (alive, of) => alive.map(({ state }) => of(state)).filter((value) => typeof value === 'number')

/** @param {readonly number[]} values */
const total = (values) => (values.length > 0 ? values.reduce((all, value) => all + value, 0) : null)

/** @param {any} state */
export function tilesOf(state) {
  const { lag, members, deadLetters } = state
  const database = databaseVerdict(state)
  const alive = members.filter((/** @type {any} */ member) => member.alive)
  const buffered = total(known(alive, ({ buffer }) => buffer.records))
  const verdict = lagVerdict(state, buffered)
  // The end of a partition is asked for now and then: what members hold is known at once, and is a part of the lag.
  const waiting = lag.records === null ? null : Math.max(lag.records, buffered ?? 0)
  const room = total(known(alive, ({ buffer }) => buffer.maxRecords))
  const rate = known(alive, ({ rate }) => rate.settledPerSecond)
  const arriving = known(alive, ({ rate }) => rate.arrivedPerSecond)
  /** @param {'p50' | 'p99'} which */
  const worst = (which) => {
    const all = known(alive, ({ latencyMs }) => latencyMs?.[which])
    return all.length > 0 ? Math.max(...all) : null
  }
  const letters = deadLetterVerdict(deadLetters)
  const notReady = alive.filter((/** @type {any} */ { state }) => !state.health.ready).length
  return [
    tile('Lag', `${short(waiting)} records`, `${verdict.word}: ${verdict.why}`, verdict.level),
    tile('Settled', `${short(total(rate))}/s`, `${short(total(arriving))}/s arrive (last minute)`),
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
      room && buffered !== null ? `${Math.round((100 * buffered) / room)} % of ${short(room)}` : 'no member',
    ),
    tile('PostgreSQL', database.word, database.why, database.level),
  ]
}
