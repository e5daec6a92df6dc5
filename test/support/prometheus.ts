// A real Prometheus that scrapes members, with the rules of ops/, whose time passes twenty times as fast.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { alertsFile } from './promql.ts'
import { until } from './until.ts'

export type Sample = { readonly metric: Readonly<Record<string, string>>; readonly value: number }
export type Prometheus = Awaited<ReturnType<typeof startPrometheus>>

/**
 * Every duration of the rules (how long they look back, how long they wait) by one factor, so that they keep their relation: five
 * minutes are 15 s. Not what a metric is held against: those seconds are real.
 */
const FASTER = 20
const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const shorter = (duration: string) =>
  duration.replace(
    /(\d+)([smhd])/g,
    (_, count: string, unit: keyof typeof UNITS) =>
      `${Math.max(1, Math.round((Number(count) * UNITS[unit]) / FASTER))}s`,
  )
export const inShort = (rules: string): string => rules.replace(/for: \w+|\[\w+(?::\w+)?\]/g, shorter)

/** `targets`: host:port of members, all of the job sluice. */
export async function startPrometheus(binary: string, targets: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
  const [port] = await freePorts(1)
  const rules = inShort(await readFile(alertsFile, 'utf8'))
  await writeFile(join(folder, 'alerts.yml'), rules)
  await writeFile(
    join(folder, 'prometheus.yml'),
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['alerts.yml'],
      scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets }] }],
    }),
  )
  const child = spawn(
    binary,
    ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  child.stderr.on('data', (text: Buffer) => (log += text.toString()))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const url = `http://127.0.0.1:${port}`
  const ready = () => fetch(`${url}/-/ready`).then((answer) => answer.ok, () => false) // prettier-ignore
  await until('Prometheus is ready', ready, { timeoutMs: 30_000, describe: () => log })

  const query = async (expr: string): Promise<Sample[]> => {
    const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`)
    const body = (await answer.json()) as { status: string; error?: string; data: { result: { metric: Record<string, string>; value: [number, string] }[] } } // prettier-ignore
    if (body.status !== 'success') throw new Error(`${expr}: ${body.error}`)
    return body.data.result.map(({ metric, value: [, text] }) => ({ metric, value: Number(text) }))
  }
  return {
    query,
    /** Names of the alerts that fire now. */
    firing: async () =>
      [...new Set((await query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric['alertname'] ?? ''))].sort(),
    log: () => log,
    async stop() {
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
