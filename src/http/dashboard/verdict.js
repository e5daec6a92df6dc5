// What the numbers of the group mean, in a word and a sentence.
import { count, duration } from './format.js'

/** @typedef {{ word: string, level: 'good' | 'warn' | 'bad', why: string }} Verdict */

/** Below it lag is what is under way. */
const FRESH_SECONDS = 10

/** @param {any} state of GET /api/state @param {number | null} buffered records @returns {Verdict} */
export function lagVerdict({ lag, members, gate, database }, buffered = null) {
  const alive = members.filter((/** @type {any} */ member) => member.alive).length
  if (!database.ok)
    return {
      word: 'unknown',
      level: 'bad',
      why: 'PostgreSQL does not answer: own partitions as they are, of others as they were',
    }
  if (alive === 0) return { word: 'stopped', level: 'bad', why: 'no member of the group is alive' }
  if (gate) return { word: 'paused', level: 'bad', why: `the gate is closed: ${gate.code}` }
  if (lag.records === null) return { word: 'unknown', level: 'warn', why: 'of a part of it nobody knows the end' }
  if (lag.records === 0 && buffered) return { word: 'ok', level: 'good', why: 'in the buffer, on their way' }
  if (lag.records === 0) return { word: 'ok', level: 'good', why: 'nothing waits' }
  const age = lag.seconds ?? 0
  if (age < FRESH_SECONDS) return { word: 'ok', level: 'good', why: `the oldest waits ${duration(age)}` }
  return lag.clearSeconds === null
    ? { word: 'behind', level: 'bad', why: `the oldest waits ${duration(age)}, and it does not get less` }
    : {
        word: 'behind',
        level: 'warn',
        why: `the oldest waits ${duration(age)}; gone in about ${duration(lag.clearSeconds)}`,
      }
}

/** @param {any} deadLetters of GET /api/state @returns {Verdict} */
export function deadLetterVerdict(deadLetters) {
  if (deadLetters === null) return { word: count(null), level: 'warn', why: 'nobody could count them yet' }
  const { unresolved, lastHour, hourBefore } = deadLetters
  if (unresolved === 0) return { word: '0', level: 'good', why: 'nothing failed that nobody dealt with' }
  const trend = lastHour > hourBefore ? 'more' : lastHour < hourBefore ? 'fewer' : 'as many as'
  const than = lastHour === hourBefore ? 'in the hour before' : `than in the hour before (${count(hourBefore)})`
  return {
    word: count(unresolved),
    level: lastHour > 0 ? 'bad' : 'warn',
    why: `${count(lastHour)} in the last hour, ${trend} ${than}`,
  }
}

/** It is asked every second. */
const SILENT_MS = 5_000

/** As the member that was asked sees it. @param {any} state of GET /api/state @returns {Verdict} */
export function databaseVerdict({ database: { ok, unansweredMs } }) {
  const since = duration(unansweredMs / 1000)
  if (!ok) return { word: 'silent', level: 'bad', why: `last answer ${since} ago` }
  return unansweredMs > SILENT_MS
    ? { word: 'answers', level: 'warn', why: `reads; the pipeline of this member had its last answer ${since} ago` }
    : { word: 'answers', level: 'good', why: `last answer ${since} ago` }
}

/** @param {any} member of GET /api/state @returns {Verdict} */
export function memberVerdict({ alive, seenMsAgo, state }) {
  if (state.phase === 'stopped') return { word: 'stopped', level: 'warn', why: 'it ended as it was told to' }
  if (!alive) return { word: 'silent', level: 'bad', why: `not heard of for ${duration(seenMsAgo / 1000)}` }
  if (!state.health.live) return { word: 'wedged', level: 'bad', why: state.health.reasons.join('; ') }
  if (!state.health.ready) return { word: 'not ready', level: 'warn', why: state.health.reasons.join('; ') }
  return { word: state.phase, level: 'good', why: '' }
}
