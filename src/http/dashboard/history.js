// Answers of GET /api/history → what a chart draws.

/** @typedef {import('./charts.js').Data} Data */
/** Shown at least. */
const LEAST_MS = 5 * 60_000

/**
 * Without the time before the first member: a group that is young must not be a line at the right edge.
 * @param {readonly any[]} points @returns {readonly any[]}
 */
export function sinceBegun(points) {
  const begun = points.findIndex(({ members }) => members > 0)
  const last = Date.parse(points.at(-1)?.at)
  return points.filter(({ at }, index) => index >= begun - 1 || Date.parse(at) > last - LEAST_MS)
}

/** @typedef {Record<string, (point: any) => number | null>} Lines */

/** More lines than that are no picture: the worst of them are drawn. */
const MAX_PARTITIONS = 8

/**
 * @param {readonly any[]} points
 * @param {Lines} lines
 * @param {Record<string, { dash?: boolean, scale?: 'y' | 'y2' }>} [looks]
 * @returns {Data}
 */
export const dataOf = (points, lines, looks = {}) => ({
  times: points.map(({ at }) => Date.parse(at) / 1000),
  series: Object.entries(lines).map(([name, of]) => ({
    name,
    values: points.map((point) => of(point) ?? null),
    ...looks[name],
  })),
})

/**
 * One line a partition: `at` 1 its lag in records, 2 in seconds; and what to say of those that are not drawn.
 * @param {readonly any[]} points @param {1 | 2} at @returns {{ lines: Lines, note: string }}
 */
export function lagLines(points, at) {
  /** @type {Map<number, number>} */
  const worst = new Map()
  for (const { lag } of points)
    for (const each of lag ?? []) worst.set(each[0], Math.max(worst.get(each[0]) ?? 0, each[at] ?? 0))
  const drawn = [...worst].sort(([, a], [, b]) => b - a).slice(0, MAX_PARTITIONS)
  const lines = drawn
    .map(([partition]) => partition)
    .sort((a, b) => a - b)
    .map((partition) => [
      `partition ${partition}`,
      (/** @type {any} */ point) => point.lag?.find((/** @type {any} */ each) => each[0] === partition)?.[at] ?? null,
    ])
  const note =
    worst.size > drawn.length
      ? `the ${drawn.length} of ${worst.size} partitions that were worst in this time; how all are now: Partitions, below`
      : ''
  return { lines: Object.fromEntries(lines), note }
}
