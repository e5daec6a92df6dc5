import Table from 'cli-table3'
import pc from 'picocolors'
import { printable } from '../lib/printable.ts'
import { inWords, type VerdictName } from '../telemetry/lag-verdict.ts'
import type { LagReport, PartitionLag } from './lag-report.ts'

const COLOUR: Record<VerdictName, (text: string) => string> = {
  ok: pc.green,
  behind: pc.yellow,
  stalled: pc.red,
  stopped: pc.red,
  rewound: pc.magenta,
}
const ARROW = { falling: '↘', steady: '→', rising: '↗' } as const
const MOST_REASONS = 10

const count = (value: bigint | null) => value?.toLocaleString('en-US') ?? '–'
const rate = (value: number) => Math.round(value).toLocaleString('en-US')
const counted = (value: number, noun: string) => `${value} ${noun}${value === 1 ? '' : 's'}`

export function lagText(report: LagReport): string {
  const { groupId, topic, state, looks, overMs, partitions } = report
  const seen = looks === 1 ? 'one look' : `${looks} looks over ${inWords(overMs)}`
  const heading = `group ${groupId}, topic ${topic}: ${counted(report.members.length, 'member')} (${state} in Kafka); ${seen}`
  const age = report.lagSeconds === null ? 'unknown' : inWords(report.lagSeconds * 1_000)
  const total = `lag ${count(report.lag)} ${report.lag === 1n ? 'record' : 'records'}, the oldest of them ${age} old`
  return [
    heading,
    tableOf(partitions),
    ...memberLines(report),
    report.lag === 0n ? 'lag 0: everything is in PostgreSQL' : total,
    ...reasonLines(partitions),
    // With nothing to write no partition is held by it.
    ...(report.gate !== null && report.ok ? [`the gate is ${report.gate}`, '  → `sluice resume`'] : []),
  ].join('\n')
}

function tableOf(partitions: readonly PartitionLag[]): string {
  const head = [
    'partition',
    'position',
    'committed',
    'end',
    'lag',
    'oldest',
    'in/s',
    'out/s',
    'trend',
    'member',
    'verdict',
  ]
  const colAligns = head.map((name) => (/trend|member|verdict/.test(name) ? 'left' : 'right'))
  const table = new Table({ head, colAligns, style: { head: [], border: [], compact: true } })
  for (const { partition, position, committed, end, lag, lagSeconds, trend, member, verdict } of partitions)
    table.push([
      ...[String(partition), count(position), count(committed), count(end), count(lag)],
      lag === 0n ? '–' : lagSeconds === null ? '?' : inWords(lagSeconds * 1_000),
      ...(trend ? [rate(trend.arrivingPerSecond), rate(trend.settledPerSecond)] : ['–', '–']),
      trend ? `${ARROW[trend.direction]} ${trend.direction}` : '–',
      printable(member ?? '–'),
      COLOUR[verdict](verdict),
    ])
  return table.toString()
}

const memberLines = ({ members }: LagReport): string[] =>
  members.map(({ clientId, host, partitions, self }) => {
    const numbers = `${partitions.length === 1 ? 'partition' : 'partitions'} ${partitions.join(', ')}`
    const what = partitions.length === 0 ? 'no partition (stands by)' : numbers
    const who = self ? `${host} (${self.hostname}, process ${self.pid}, version ${self.version})` : host
    const phase = self && self.phase !== 'running' ? `; ${self.phase}` : ''
    const reasons = self && self.reasons.length > 0 ? `; not ready: ${self.reasons.join('; ')}` : ''
    return printable(`  ${clientId} on ${who}: ${what}${phase}${reasons}`)
  })

/** What is the same for several partitions is said once. */
function reasonLines(partitions: readonly PartitionLag[]): string[] {
  const reasons = new Map<string, { at: number[]; text: string }>()
  for (const { partition, verdict, why, remedy } of partitions) {
    if (why === 'caught up') continue
    const text = `${COLOUR[verdict](verdict)}: ${printable(why)}${remedy === null ? '' : `\n  → ${remedy}`}`
    const known = reasons.get(text) ?? { at: [], text }
    known.at.push(partition)
    reasons.set(text, known)
  }
  const all = [...reasons.values()]
  const shown = all.slice(0, MOST_REASONS).map(({ at, text }) => {
    const which = at.length === partitions.length && at.length > 1 ? 'all partitions' : at.length === 1 ? `partition ${at.join()}` : `partitions ${at.join(', ')}` // prettier-ignore
    return `${which} ${text}`
  })
  return all.length > MOST_REASONS ? [...shown, `… and ${all.length - MOST_REASONS} more: see --json`] : shown
}
