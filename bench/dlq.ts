// Dead letters in bulk: written, relayed to the DLQ topic, replayed, and settled once more. Usage:
//   npm run bench -- dlq [--records N] [--rounds N]
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { sluicePath } from '../test/support/built.ts'
import { generatedBacklog, type Backlog } from './support/backlog.ts'
import { type Base, type Ground, openGround } from './support/ground.ts'
import { environmentOf, startMember } from './support/member.ts'
import { optionsOf } from './support/options.ts'
import { markdownTable, preamble, spread, writeSection } from './results.ts'

/** Nothing but dead letters: the gate is to let them pass. */
const NO_BREAKER = { DLQ_MAX_CONSECUTIVE: '0', DLQ_MAX_RATIO: '1', LOG_LEVEL: 'error' }
const STEPS = ['written', 'relayed', 'replayed', 'settled'] as const
type Rates = Record<(typeof STEPS)[number], number>

export async function benchDlq(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records'])
  const records = options.number('records', 20_000, 500)
  const ground = await openGround()
  try {
    const runs: Rates[] = []
    for (let round = 0; round < options.rounds; round++) {
      // Replays are added to the topic: each round has its own.
      const backlog = await generatedBacklog(ground, { records, shape: (event) => ({ ...event, quantity: '0' }) })
      const rates = await oneRound(ground, backlog)
      runs.push(rates)
      console.log(`round ${round + 1}: ${STEPS.map((step) => `${step} ${Math.round(rates[step])}/s`).join(', ')}`)
    }
    const rows = [
      ['dead letters written', 'written'],
      ['relayed to the DLQ topic, while others are written', 'relayed'],
      ['replayed: sent to their topic (`sluice dlq replay`)', 'replayed'],
      ['settled once more, from the first sent to the last letter open again', 'settled'],
    ] as const
    const table = markdownTable(['what', 'letters/s'], rows.map(([name, step]) => [name, spread(runs.map((run) => run[step]))])) // prettier-ignore
    const what = `${records.toLocaleString('en-US')} records of which every one must become a dead letter (\`QUANTITY_ZERO\`), one member; ${options.rounds} rounds; **median** (min–max).`
    const text = `${preamble(what, ground.version)}\n\n${table}`
    console.log(text)
    if (!options.quick) await writeSection('dlq', text)
  } finally {
    await ground.close()
  }
}

const count = async ({ query }: Base, where: string): Promise<number> =>
  (await query<{ letters: number }>(`SELECT count(*)::int AS letters FROM dead_letter WHERE ${where}`))[0]?.letters ?? 0

async function untilAll(base: Base, where: string, { records, check }: { records: number; check: () => void }) {
  const deadline = performance.now() + 180_000
  for (let found = 0; found < records; found = await count(base, where)) {
    check()
    if (performance.now() > deadline) throw new Error(`${found} of ${records} letters ${where}`)
    await sleep(100)
  }
}

async function oneRound(ground: Ground, { topic, records, drop }: Backlog): Promise<Rates> {
  const base = await ground.database()
  const work = { topic, group: `bench-${randomUUID().slice(0, 8)}`, url: base.url, env: NO_BREAKER }
  const member = startMember(ground, work)
  const all = { records, check: () => member.check() }
  try {
    await untilAll(base, 'published_at IS NOT NULL', all)
    // The relay has changed the letters since: the last of them was written by the last transaction that moved a position.
    const [written] = await base.query<{ began: Date; last: Date; relayed: Date }>(
      `SELECT min(created_at) AS began, max(published_at) AS relayed,
         (SELECT max(pg_xact_commit_timestamp(xmin)) FROM consumer_offset) AS last FROM dead_letter`,
    )
    const replay = ['dlq', 'replay', '--yes', '--json']
    await execa(process.execPath, [sluicePath(), ...replay], { env: environmentOf(ground, work) })
    await untilAll(base, "replay_count = 1 AND status = 'open'", all)
    const [replayed] = await base.query<{ began: Date; sent: Date; settled: Date }>(
      `SELECT min(replay_sent_at) AS began, max(replay_sent_at) AS sent, max(pg_xact_commit_timestamp(xmin)) AS settled FROM dead_letter`,
    )
    await member.stop()
    if ((await count(base, 'true')) !== records) throw new Error('there are other letters than those of the backlog')
    const rate = (from: Date | undefined, to: Date | undefined) =>
      (records * 1000) / Math.max(1, Number(to) - Number(from))
    return {
      written: rate(written?.began, written?.last),
      relayed: rate(written?.began, written?.relayed),
      replayed: rate(replayed?.began, replayed?.sent),
      settled: rate(replayed?.began, replayed?.settled),
    }
  } finally {
    await member.stop('SIGKILL')
    await Promise.all([base.drop(), drop()])
  }
}
