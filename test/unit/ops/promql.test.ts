// What dashboard and rules ask for is what members give: names and labels of the catalogue.
import { expect, test } from 'vitest'
import { CATALOGUE, EVERYWHERE, metricNames, PREFIX } from '../../../src/telemetry/catalogue.ts'
import { dashboard, metricsOf, panels, rules } from '../../support/promql.ts'

const known = new Map(
  metricNames.flatMap((name): [string, readonly string[]][] => {
    const { kind, labels = [] } = CATALOGUE[name]
    const full = `${PREFIX}${name}`
    return kind === 'histogram'
      ? [
          [`${full}_bucket`, [...labels, 'le']],
          [`${full}_sum`, labels],
          [`${full}_count`, labels],
        ]
      : [[full, labels]]
  }),
)
/** Of prom-client itself. */
const DEFAULTS = ['process_start_time_seconds', 'process_resident_memory_bytes', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds'] // prettier-ignore
/** Of Prometheus. */
const SCRAPED = ['job', 'instance']
/** Each series of a member has them; those of Prometheus and alerts are chosen by their names too. */
const ANYWHERE = [...SCRAPED, ...EVERYWHERE, 'alertname', 'alertstate']

const expressions = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel "${title}"`, expr] as const)),
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
]

test.each(expressions)('%s: %s', (_, expr) => {
  const names = metricsOf(expr)
  if (!/^up\{/.test(expr)) expect(names.length).toBeGreaterThan(0)
  for (const name of names) if (!DEFAULTS.includes(name)) expect([...known.keys()]).toContain(name)
  // Each label that is grouped or chosen by is one that some metric of the expression has.
  const labels = new Set([...ANYWHERE, ...names.flatMap((name) => known.get(name) ?? [])])
  const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/))
  const chosen = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, list]) => [...list!.matchAll(/(\w+)\s*=/g)].map(([, label]) => label!)) // prettier-ignore
  for (const label of [...grouped, ...chosen]) expect([...labels]).toContain(label)
})

test('every metric is on the dashboard or in a rule, but for those that repeat another', () => {
  const used = new Set(expressions.flatMap(([, expr]) => metricsOf(expr)).map((name) => name.replace(/_(bucket|sum|count)$/, ''))) // prettier-ignore
  const unused = metricNames.filter((name) => !used.has(`${PREFIX}${name}`))
  expect(unused.sort()).toEqual(['dlq_asked_timestamp_seconds', 'dlq_last_hour', 'flush_bytes', 'group_joins_total', 'live', 'partitions_moved_total']) // prettier-ignore
})

test('figures that every member says of the whole group are not added up', () => {
  const group = metricNames.filter((name) => CATALOGUE[name].of === 'group').map((name) => `${PREFIX}${name}`)
  expect(group.length).toBeGreaterThan(2)
  for (const [where, expr] of expressions)
    for (const name of group) {
      if (!metricsOf(expr).includes(name)) continue
      const [, aggregation] = new RegExp(`(\\w+)(?: by \\([^)]*\\))? \\(?\\(?${name}`).exec(expr.replaceAll('(', ' (').replaceAll(/\s+/g, ' ')) ?? [] // prettier-ignore
      expect(aggregation, `${where}: ${expr}`).not.toBe('sum')
    }
})

test('panels: words for each, no two in one place, within the grid', () => {
  const ids = dashboard.panels.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { title, description, gridPos } of panels) {
    expect(description, title).toBeTruthy()
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    const over = panels.filter(({ gridPos: other }) => other.x < gridPos.x + gridPos.w && gridPos.x < other.x + other.w && other.y < gridPos.y + gridPos.h && gridPos.y < other.y + other.h) // prettier-ignore
    expect(over.map((each) => each.title)).toEqual([title])
  }
})

test('labels of Prometheus itself are not labels of ours', () => {
  for (const name of metricNames)
    for (const label of CATALOGUE[name].labels ?? []) expect([...SCRAPED, ...EVERYWHERE]).not.toContain(label)
})
