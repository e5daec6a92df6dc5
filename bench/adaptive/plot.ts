// Lines over time, one panel below the other, as SVG. Logarithmic: from one to a hundred thousand must be readable.
import type { Timeline } from './steps.ts'

type Point = readonly [at: number, value: number]
type Panel = { readonly title: string; readonly points: readonly Point[] }

const WIDTH = 900
const HEIGHT = 150
const MARGIN = { left: 70, top: 26, bottom: 22 }
const BIN_MS = 250

const text = (x: number, y: number, content: string, more = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content}</text>`

function panelOf({ title, points }: Panel, at: number, scale: { from: number; to: number }): string {
  const top = at * (HEIGHT + MARGIN.top + MARGIN.bottom) + MARGIN.top
  const values = points.map(([, value]) => Math.max(value, 1))
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(1, ...values))))
  const x = (time: number) => MARGIN.left + ((time - scale.from) / (scale.to - scale.from)) * WIDTH
  const y = (value: number) => top + HEIGHT - (Math.log10(Math.max(value, 1)) / decades) * HEIGHT
  const grid = Array.from({ length: decades + 1 }, (_, power) => {
    const line = y(10 ** power).toFixed(1)
    const label = text(MARGIN.left - 6, Number(line) + 4, (10 ** power).toLocaleString('en-US'), 'text-anchor="end"')
    return `<line x1="${MARGIN.left}" x2="${MARGIN.left + WIDTH}" y1="${line}" y2="${line}" class="grid"/>${label}`
  })
  const path = points.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  const name = text(MARGIN.left, top - 8, title, 'class="title"')
  return `${grid.join('')}<polyline points="${path}" class="line"/>${name}`
}

/** The largest of each quarter of a second. */
function binned(points: readonly Point[]): Point[] {
  const bins = new Map<number, number>()
  for (const [at, value] of points) {
    const bin = Math.floor(at / BIN_MS) * BIN_MS
    bins.set(bin, Math.max(bins.get(bin) ?? 0, value))
  }
  return [...bins].sort(([a], [b]) => a - b)
}

function lagOf({ events }: Timeline): Point[] {
  const moves = events.flatMap(({ sent, written }) => [[sent, 1] as const, [written, -1] as const])
  let lag = 0
  return moves.sort(([a], [b]) => a - b).map(([at, by]) => [at, (lag += by)] as const)
}

export function plot(timeline: Timeline): string {
  const flushes = timeline.flushes.map((line) => ({
    at: Date.parse(String(line['time'])),
    limits: line['limits'] as { records: number; ageMs: number },
  }))
  const panels: Panel[] = [
    { title: 'size limit, records', points: binned(flushes.map(({ at, limits }) => [at, limits.records])) },
    { title: 'age limit, ms', points: binned(flushes.map(({ at, limits }) => [at, limits.ageMs])) },
    { title: 'latency, ms: the worst of each quarter of a second', points: binned(timeline.events.map(({ sent, written }) => [sent, written - sent])) }, // prettier-ignore
    { title: 'lag, records', points: binned(lagOf(timeline)) },
  ]
  const from = timeline.steps[0]?.at ?? 0
  // More than a call takes as arguments.
  const to = timeline.events.reduce((last, { written }) => Math.max(last, written), from)
  const inside = ({ title, points }: Panel) => ({ title, points: points.filter(([at]) => at >= from && at <= to) })
  const height = panels.length * (HEIGHT + MARGIN.top + MARGIN.bottom)
  const steps = timeline.steps.map(({ name, at }) => {
    const x = MARGIN.left + ((at - from) / (to - from)) * WIDTH
    return `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="0" y2="${height}" class="step"/>${text(x + 4, height - 6, name)}`
  })
  const style = `text{font:12px sans-serif;fill:#444}.title{font-weight:bold}.grid{stroke:#ddd}.line{fill:none;stroke:#1f6feb;stroke-width:1.5}.step{stroke:#d29922;stroke-dasharray:4 3}`
  const body = panels.map((panel, at) => panelOf(inside(panel), at, { from, to })).join('')
  const box = `0 0 ${WIDTH + MARGIN.left + 20} ${height}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}"><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${body}${steps.join('')}</svg>\n`
}
