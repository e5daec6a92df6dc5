// uPlot in the colours of the page. Each chart also says its newest values in words, for those who cannot see it.
import uPlot from './uplot/uPlot.esm.js'
import { bytes, duration, short } from './format.js'
import { fill, h } from './dom.js'

/** @typedef {{ name: string, values: (number | null)[], dash?: boolean, scale?: 'y' | 'y2' }} Series */
/** @typedef {{ times: number[], series: Series[] }} Data times in seconds since the epoch */
/** @typedef {'count' | 'seconds' | 'ms' | 'bytes'} Unit */

const HEIGHT = 210
const SYNC = uPlot.sync('time')

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** @param {Unit} unit @returns {(value: number | null) => string} */
const shown = (unit) => (value) => {
  if (unit === 'count') return short(value)
  if (unit === 'bytes') return bytes(value)
  return duration(value === null ? null : unit === 'ms' ? value / 1000 : value)
}

/** Of the reader's clock, as the axis says. @param {number | null} seconds */
const clock = (seconds) =>
  seconds === null
    ? '–'
    : new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** @param {Unit} unit @param {boolean} right */
const axis = (unit, right) => ({
  scale: right ? 'y2' : 'y',
  side: right ? 1 : 3,
  stroke: colour('--quiet'),
  grid: { show: !right, stroke: colour('--line'), width: 1 },
  ticks: { show: false },
  size: 62,
  values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map(shown(unit)),
})

/** From zero: a chart that begins at 995 makes a mountain of nothing. @param {unknown} _ @param {number} __ @param {number} max */
const fromZero = (_, __, max) => /** @type {[number, number]} */ ([0, max > 0 ? max * 1.08 : 1])

/**
 * @param {string} title
 * @param {{ unit: Unit, right?: Unit, note?: string }} options
 */
export function createChart(title, { unit, right, note = '' }) {
  const plot = h('div', { class: 'plot', role: 'img', 'aria-label': title })
  const said = h('p', { class: 'quiet', hidden: note === '' }, note)
  const element = h('section', { class: 'panel' }, h('h2', null, title), plot, said)
  /** @type {import('uplot') | null} */
  let chart = null
  let drawn = ''
  const drop = () => {
    chart?.destroy()
    chart = null
    drawn = ''
  }
  const resized = new ResizeObserver(() => chart?.setSize({ width: plot.clientWidth, height: HEIGHT }))
  resized.observe(plot)

  /** @param {Series[]} series */
  const optionsFor = (series) => ({
    width: plot.clientWidth || 430,
    height: HEIGHT,
    cursor: { sync: { key: SYNC.key }, points: { size: 6 } },
    scales: { y: { range: fromZero }, y2: { range: fromZero } },
    axes: [
      {
        stroke: colour('--quiet'),
        grid: { stroke: colour('--line'), width: 1 },
        ticks: { show: false },
        space: 70,
        values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) =>
          ticks.map((tick) => clock(tick).slice(0, tick % 60 === 0 ? 5 : 8)),
      },
      axis(unit, false),
      ...(right ? [axis(right, true)] : []),
    ],
    series: [
      { label: 'at', value: (/** @type {unknown} */ _, /** @type {number | null} */ at) => clock(at) },
      ...series.map(({ name, dash, scale = 'y' }, at) => ({
        label: name,
        scale,
        stroke: colour(`--s${(at % 8) + 1}`),
        width: 1.75,
        ...(dash ? { dash: [6, 4] } : {}),
        value: (/** @type {unknown} */ _, /** @type {number | null} */ value) =>
          shown(scale === 'y2' && right ? right : unit)(value),
      })),
    ],
  })

  return {
    element,
    /** @param {Data} data */
    draw({ times, series }) {
      const known = series.some(({ values }) => values.some((value) => value !== null))
      if (!known) {
        drop()
        fill(plot, h('p', { class: 'empty' }, 'No samples in this time.'))
        return
      }
      const shape = JSON.stringify(series.map(({ name }) => name))
      const data = /** @type {import('uplot').AlignedData} */ ([times, ...series.map(({ values }) => values)])
      if (!chart || shape !== drawn) {
        drop()
        fill(plot)
        chart = new uPlot(optionsFor(series), data, plot)
        drawn = shape
      } else chart.setData(data)
      // Whoever points at nothing reads the newest. Later: uPlot ends a first drawing in a microtask, and empties the legend.
      setTimeout(() => chart?.cursor.idx ?? chart?.setLegend({ idx: times.length - 1 }))
      const newest = series.map(({ name, values, scale }) => {
        const value = values.findLast((each) => each !== null) ?? null
        return `${name} ${shown(scale === 'y2' && right ? right : unit)(value)}`
      })
      plot.setAttribute('aria-label', `${title}. Newest: ${newest.join(', ')}`)
    },
    /** @param {string} note */
    say(note) {
      said.textContent = note
      said.hidden = note === ''
    },
    /** The colours have changed. */
    repaint: drop,
    close() {
      resized.disconnect()
      drop()
    },
  }
}
