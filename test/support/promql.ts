// The expressions of the dashboard and of the alert rules, and what they name.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../ops/${name}`, import.meta.url)), 'utf8')

export type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}
export const dashboard = JSON.parse(read('grafana/dashboards/sluice.json')) as { uid: string; panels: Panel[] }
export const panels = dashboard.panels.filter(({ type }) => type !== 'row')

export type Rule = {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}
export const alertsFile = fileURLToPath(new URL('../../ops/prometheus/alerts.yml', import.meta.url))
export const rules = (parse(read('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)

/** As Grafana sends it, with a step of ten seconds. */
export const filled = (expr: string, { groupId, topic }: { groupId: string; topic: string }): string =>
  expr.replaceAll('$__rate_interval', '40s').replaceAll('$group', groupId).replaceAll('$topic', topic)

/** Without what is between braces, brackets and quotes: names that could be metrics of ours. */
export const metricsOf = (expr: string): string[] => [...new Set(expr.match(/\b(?:sluice|process|nodejs)_\w+/g) ?? [])]
