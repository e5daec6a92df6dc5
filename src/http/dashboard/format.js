// Numbers for people. Unknown is a dash, never 0.

const NONE = '–'

/** @param {number | null | undefined} value */
export const count = (value) => (value === null || value === undefined ? NONE : Math.round(value).toLocaleString('en'))

/** 1,234 → 1.2 k: where room is short. @param {number | null | undefined} value */
export const short = (value) =>
  value === null || value === undefined
    ? NONE
    : Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value)

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE
  if (seconds === 0) return '0 s'
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 100) return `${Math.round(seconds)} s`
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** @param {number | null | undefined} ms */
export const millis = (ms) => duration(ms === null || ms === undefined ? null : ms / 1000)

/** @param {number | null | undefined} bytes */
export function bytes(bytes) {
  if (bytes === null || bytes === undefined) return NONE
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}

/** @param {string | null | undefined} at ISO 8601 */
export const time = (at) => (at ? at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC') : NONE)

/** As much of the id of a letter as the commands show. @param {string} id */
export const shortId = (id) => id.slice(0, 12)

/**
 * What `sluice lag` calls members; with host and process where several that are alive have one name.
 * @param {readonly any[]} members @returns {Map<string, string>} by member id
 */
export function namesOf(members) {
  /** @param {any} member */
  const isShared = ({ clientId, memberId }) =>
    members.some((other) => other.alive && other.clientId === clientId && other.memberId !== memberId)
  return new Map(
    members.map((member) => [
      member.memberId,
      isShared(member) ? `${member.clientId} (${member.host}:${member.pid})` : member.clientId,
    ]),
  )
}

/** How long before `now`. @param {string | null | undefined} at @param {string | null} now */
export const ago = (at, now) =>
  at && now ? `${duration(Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000))} ago` : NONE
