// docs/runbook.md has an entry for all that may wake somebody, and none for what is gone.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { ExitCode } from '../../../src/lib/operator-error.ts'
import { FAULT_CODES } from '../../../src/line-items/fault.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')
const runbook = read('docs/runbook.md')

/** Headings and what stands under them, by section. */
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...rest] = section.split('\n')
      const entries = rest.join('\n').split(/^### /m).slice(1)
      return [
        title,
        new Map(entries.map((entry) => [entry.split('\n')[0]!, entry.split('\n').slice(1).join('\n').trim()])),
      ]
    }),
)
const entriesOf = (title: string) => [...(sections.get(title)?.keys() ?? [])].sort()

test('every alert, and no other', () => {
  const { groups } = parse(read('ops/prometheus/alerts.yml')) as { groups: { rules: { alert: string; labels: { severity: string } }[] }[] } // prettier-ignore
  const alerts = groups.flatMap(({ rules }) => rules)
  expect(entriesOf('Alerts')).toEqual(alerts.map(({ alert }) => alert).sort())
  for (const { alert, labels } of alerts) expect(sections.get('Alerts')?.get(alert), alert).toMatch(new RegExp(`^\\*\\*Means\\*\\* \\(${labels.severity}\\)`)) // prettier-ignore
})

/** In the sources: `log.error(fields, 'words')`, also over several lines; words in any quotes. */
const LINE = /log\s*\.(?:error|fatal)\(\s*[^'"`]*?(['"`])([^]*?)\1\s*,?\s*\)/g

function errorLines(): string[] {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  const sources = files
    .filter((name) => name.endsWith('.ts') && !name.startsWith('generated'))
    .map((name) => read(join('src', name)))
  const found = sources.flatMap((text) => [...text.matchAll(LINE)].map(([, , words]) => words!))
  // A call that the pattern does not read must not go unnoticed.
  const calls = sources.reduce((sum, text) => sum + [...text.matchAll(/log\s*\.(?:error|fatal)\(/g)].length, 0)
  expect(found).toHaveLength(calls)
  return [...new Set(found)].sort()
}

test('every line that members log as error or fatal, and no other', () => {
  const lines = errorLines()
  expect(lines.length).toBeGreaterThanOrEqual(5)
  const entries = entriesOf('Log lines').map((heading) => heading.replace(/^(`+)([^]+)\1$/, '$2').trim())
  expect(entries.sort()).toEqual(lines)
})

test('every exit code, and no other', () => {
  expect(entriesOf('Exit codes').map(Number).sort()).toEqual(Object.values(ExitCode).map(Number).sort())
})

test('every code of a dead letter is where the runbook sends people', () => {
  const codes = read('docs/dead-letter-codes.md')
  for (const code of FAULT_CODES) expect(codes).toContain(`\`${code}\``)
})

const PARTS = /^\*\*Means\*\*(?: \(\w+\))?: ([^]{15,})\n\*\*See\*\*: ([^]{15,})\n\*\*Do\*\*: ([^]{10,})$/

test.each(['Alerts', 'Log lines', 'Exit codes'])('%s: what each means, where to see more, what to do', (title) => {
  for (const [name, text] of sections.get(title)!) {
    const parts = PARTS.exec(text)
    expect(parts, name).not.toBeNull()
    for (const part of parts!.slice(1)) expect(part, name).not.toContain('**Do**')
  }
})

test('links within the runbook lead somewhere', () => {
  const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')) // prettier-ignore
  for (const [, anchor] of runbook.matchAll(/\]\(#([\w-]+)\)/g)) expect(anchors).toContain(anchor)
})
