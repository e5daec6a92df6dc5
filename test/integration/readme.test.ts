// The commands of README.md, read from it and run in their order; only the files they name are elsewhere.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { variableNames } from '../../src/config-variables.ts'
import { openArena } from '../support/arena.ts'
import { freshDatabase, uniqueName } from '../support/stack.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Run by themselves: demo.test.ts runs the demo, and this test is part of the other. */
const ELSEWHERE = ['npm ci && npm run demo', 'npm ci && npm test']

let world: World
let folder = ''
const consumers: { pid: number; ended: Promise<unknown> }[] = []
beforeAll(async () => {
  world = await openArena(1)
  folder = await mkdtemp(join(tmpdir(), 'sluice-readme-'))
})
afterAll(async () => {
  for (const { pid } of consumers) process.kill(-pid, 'SIGKILL')
  await rm(folder, { recursive: true })
  await world.close()
})

/** The commands of all blocks marked sh: comments gone, continued lines joined. */
const commandsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^```sh\n([^]*?)^```$/gm)]
    .flatMap(([, block]) => block!.replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '')

test('every command of README.md works as it stands there', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const event = JSON.parse(/^```json\n([^]*?)^```$/m.exec(readme)![1]!) as Record<string, unknown>
  const { vendorItem, quantity, unitPrice, currency, occurredAt } = event
  const invoice = { invoiceId: 'I-7', currency, occurredAt, lineItems: [{ vendorItem, quantity, unitPrice }] }
  const csv = `${/^`(InvoiceNo,.+)`:$/m.exec(readme)![1]}\n536366,85123A,A HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n`
  await writeFile(join(folder, 'events.ndjson.gz'), gzipSync(`${JSON.stringify(event)}\n`))
  await writeFile(join(folder, 'invoice.json'), JSON.stringify(invoice))
  await writeFile(join(folder, 'online-retail.csv.gz'), gzipSync(csv))

  const topic = uniqueName('readme')
  const { url, drop } = await freshDatabase()
  const own = { KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: `${topic}.dlq`, KAFKA_GROUP_ID: topic, DATABASE_URL: url }
  // npx finds our own command only in the checkout itself; nothing is written there.
  const inFolder = (command: string) =>
    command.replace(/\b[\w-]+\.(ndjson\.gz|json|csv\.gz)\b/g, (name) => join(folder, name))
  const options = { cwd: ROOT, env: { ...world.env, ...own }, shell: 'bash', reject: false, all: true } as const
  const ran: string[] = []
  for (const command of commandsOf(readme)) {
    const variable = /^export (\w+)=/.exec(command)?.[1]
    if (variable !== undefined) expect(variableNames).toContain(variable)
    else if (command === 'npx sluice consume') {
      // In a process group of its own: npx and the shell between do not pass a signal on.
      const consumer = execa(command, { ...options, detached: true })
      consumers.push({ pid: consumer.pid!, ended: consumer })
      let log = ''
      consumer.all.on('data', (text: Buffer) => (log += text.toString()))
      await until('the member is ready', () => log.includes('starting position'), { describe: () => log })
    } else if (!ELSEWHERE.includes(command)) {
      const { exitCode, all } = await execa(inFolder(command), options)
      expect([command, exitCode], all).toEqual([command, 0])
      ran.push(command)
    }
  }
  expect(ran.length).toBeGreaterThanOrEqual(7)
  expect(consumers).toHaveLength(1)

  const settled = async () => {
    const { stdout } = await execa('npx sluice offsets show --json', options)
    const { partitions } = JSON.parse(stdout) as { partitions: { lag: number; written: number }[] }
    return partitions.every(({ lag }) => lag === 0) && partitions.reduce((sum, { written }) => sum + written, 0)
  }
  expect(await until('everything is written', settled, { timeoutMs: 90_000 })).toBeGreaterThan(90_000)
  for (const { pid } of consumers) process.kill(-pid, 'SIGTERM')
  await Promise.all(consumers.splice(0).map(({ ended }) => ended))
  await world.admin.deleteTopics([topic, `${topic}.dlq`])
  await drop()
}, 240_000)

test('what README.md runs elsewhere are scripts of package.json', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const readme = commandsOf(await readFile(join(ROOT, 'README.md'), 'utf8'))
  for (const command of ELSEWHERE) expect(readme).toContain(command)
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test']))
})
