// The group now and over time.
import { get, UNRESOLVED } from './api.js'
import { createChart } from './charts.js'
import { fill, h, panel } from './dom.js'
import { dataOf, lagLines, sinceBegun } from './history.js'
import { batchesOf, lettersOf, membersOf, partitionsOf } from './overview-tables.js'
import { poll } from './poll.js'
import { tilesOf } from './tiles.js'

/** @typedef {import('./app.js').Page} Page */

/** @param {Page} page */
export function overview({ main, signal, heard, failed }) {
  const tiles = h(
    'ul',
    { class: 'tiles', 'aria-label': 'The group now' },
    h('li', { class: 'loading' }, 'Asking the member …'),
  )
  const charts = {
    lag: createChart('Lag per partition', { unit: 'count' }),
    age: createChart('Age of the oldest record that waits', { unit: 'seconds' }),
    throughput: createChart('Records settled per second', { unit: 'count' }),
    latency: createChart('Latency from record to ledger', { unit: 'ms', note: 'the worst member of each moment' }),
    flush: createChart('Records in a flush, and the limit in force', { unit: 'count', right: 'ms' }),
    reasons: createChart('Flushes per second, and why then', { unit: 'count' }),
    buffer: createChart('Buffer', {
      unit: 'count',
      right: 'bytes',
      note: 'of all members, at its fullest in each moment',
    }),
  }
  const minutes = h(
    'select',
    { id: 'minutes' },
    [15, 60, 120].map((each) =>
      h(
        'option',
        { value: String(each), selected: each === 60 },
        `last ${each === 120 ? '2 hours' : each === 60 ? 'hour' : `${each} minutes`}`,
      ),
    ),
  )
  const [partitions, members, letters, batches] = [h('div'), h('div'), h('div', { class: 'stack' }), h('div')]
  fill(
    main,
    h('div', { class: 'head' }, h('h1', null, 'Overview'), h('label', { class: 'inline' }, 'Charts:', minutes)),
    tiles,
    h(
      'div',
      { class: 'charts' },
      Object.values(charts).map(({ element }) => element),
    ),
    h(
      'div',
      { class: 'stack' },
      panel('Partitions', partitions),
      panel('Members', members),
      h('div', { class: 'cols' }, panel('Dead letters', letters), panel('Batches', batches)),
    ),
  )
  const now = async () => {
    const state = await get('api/state')
    heard(state)
    fill(tiles, tilesOf(state))
    fill(partitions, partitionsOf(state))
    fill(members, membersOf(state))
    const { letters: newest } =
      state.deadLetters?.unresolved > 0
        ? await get('api/dead-letters', { status: UNRESOLVED, limit: 8 })
        : { letters: [] }
    fill(letters, lettersOf(state.deadLetters, newest, state.now))
    fill(batches, batchesOf(await get('api/batches')))
  }
  const history = async () => {
    const { points: all } = await get('api/history', { minutes: minutes.value, points: 240 })
    const points = sinceBegun(all)
    for (const [chart, at] of /** @type {const} */ ([
      [charts.lag, 1],
      [charts.age, 2],
    ])) {
      const { lines, note } = lagLines(points, at)
      chart.draw(dataOf(points, lines))
      chart.say(note)
    }
    charts.throughput.draw(
      dataOf(points, {
        inserted: (p) => p.perSecond?.inserted ?? null,
        duplicates: (p) => p.perSecond?.duplicates ?? null,
        'dead letters': (p) => p.perSecond?.deadLettered ?? null,
      }),
    )
    charts.latency.draw(
      dataOf(points, { median: (p) => p.latencyMs?.p50 ?? null, '99 of 100': (p) => p.latencyMs?.p99 ?? null }),
    )
    charts.flush.draw(
      dataOf(
        points,
        {
          'mean records': (p) => p.flushRecords,
          'limit, records': (p) => p.limitRecords,
          'limit, age': (p) => p.limitAgeMs,
        },
        { 'limit, records': { dash: true }, 'limit, age': { dash: true, scale: 'y2' } },
      ),
    )
    charts.reasons.draw(
      dataOf(
        points,
        Object.fromEntries(
          ['size', 'bytes', 'age', 'drain'].map((why) => [
            why,
            (/** @type {any} */ p) => p.perSecond?.flushes[why] ?? null,
          ]),
        ),
      ),
    )
    charts.buffer.draw(
      dataOf(
        points,
        { records: (p) => p.bufferRecords, bytes: (p) => p.bufferBytes },
        { bytes: { dash: true, scale: 'y2' } },
      ),
    )
  }
  poll(now, { everyMs: 2_000, failed, signal })
  poll(history, { everyMs: 5_000, failed, signal })
  minutes.addEventListener('change', () => void history().catch(failed), { signal })
  const dark = matchMedia('(prefers-color-scheme: dark)')
  dark.addEventListener(
    'change',
    () => (Object.values(charts).forEach((chart) => chart.repaint()), void history().catch(failed)),
    { signal },
  )
  signal.addEventListener('abort', () => Object.values(charts).forEach((chart) => chart.close()))
}
