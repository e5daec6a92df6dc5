// bench/RESULTS.md: one section for each bench, replaced by its last run, with where it ran.
import { readFile, writeFile } from 'node:fs/promises'
import { arch, cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('RESULTS.md', import.meta.url))

export const machine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim() ?? arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`

export async function writeSection(name: string, body: string): Promise<void> {
  const old = await readFile(FILE, 'utf8').catch(() => '# Results\n\nWritten by `npm run bench -- <name>`.\n')
  const [head = '', ...sections] = old.split(/^(?=## )/m)
  const section = `## ${name}\n\n${body.trim()}\n`
  const others = sections.filter((each) => !each.startsWith(`## ${name}\n`))
  const all = [...others, section].map((each) => each.trimEnd()).sort()
  await writeFile(FILE, `${[head.trimEnd(), ...all].join('\n\n')}\n`)
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, at) => (at < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

const shown = (value: number): string => {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}

/** `median (min–max)`. */
export const spread = (values: readonly number[]): string =>
  values.length < 2
    ? shown(median(values))
    : `**${shown(median(values))}** (${shown(Math.min(...values))}–${shown(Math.max(...values))})`

export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 0)} ×`
export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** What is measured, where and when: the first lines of a section. */
export const preamble = (what: string, version: string): string =>
  `${what}\n${new Date().toISOString().slice(0, 10)}, ${machine()}, load average ${loadavg()[0]?.toFixed(1)}, ${version}.`

/** Goals beside what was found; the last column says whether they are met. */
export const goals = (lines: readonly (readonly [what: string, goal: string, found: string, met: boolean])[]): string =>
  markdownTable(
    ['goal', 'at least', 'found', ''],
    // What was not measured this time has no line.
    lines
      .filter(([, , found]) => !/NaN|Infinity/.test(found))
      .map(([what, goal, found, met]) => [what, goal, found, met ? 'met' : '**missed**']),
  )
