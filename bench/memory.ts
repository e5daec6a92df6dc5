// What a member needs of memory at full speed, and while the database is gone. Usage:
//   npm run bench -- memory [--seconds N] [--down N] [--limits 8,256]
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEndlessLoad } from './memory/endless-load.ts'
import { createTopic } from './support/backlog.ts'
import { reached } from './support/drain.ts'
import { type Ground, openGround } from './support/ground.ts'
import { checkLedger } from './support/ledger.ts'
import { startMember } from './support/member.ts'
import { optionsOf } from './support/options.ts'
import { goals, markdownTable, preamble, writeSection } from './results.ts'

/** Beside the buffer, in MiB: node and the code, V8's young generation (three times 64), the heap's room to grow, a fetch, a batch. */
const CONSTANT_MIB = 576
/** Rise from the middle of the time at full speed to its end. */
const FLAT = 1.1

type Run = { limit: number; records: number; early: number; late: number; down: number; after: number }

export async function benchMemory(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['seconds', 'down', 'limits'])
  const seconds = options.number('seconds', 60, 4)
  const down = options.number('down', 20, 2)
  const limits = (options.text('limits') ?? (options.quick ? '8' : '8,256')).split(',').map(Number)
  const ground = await openGround()
  try {
    const runs: Run[] = []
    for (const limit of limits) runs.push(await measure(ground, { limit, seconds, down }))
    const rows = runs.map(({ limit, records, early, late, down: most, after }) => [`${limit} MiB`, records.toLocaleString('en-US'), ...[early, late, most, after].map((mib) => `${mib} MiB`), `${limit + CONSTANT_MIB} MiB`]) // prettier-ignore
    const lines = runs.flatMap(({ limit, early, late, down: most, after }) => {
      const peak = Math.max(late, most, after)
      return [
        [`${limit} MiB: second half / first half`, `≤ ${FLAT} ×`, `${(late / early).toFixed(2)} ×`, late <= early * FLAT] as const, // prettier-ignore
        [`${limit} MiB: peak`, `≤ ${limit + CONSTANT_MIB} MiB`, `${peak} MiB`, peak <= limit + CONSTANT_MIB] as const,
      ]
    })
    const what = `Peak of the resident memory of one member under a load as fast as one process can publish: ${seconds} s at full speed, then PostgreSQL stopped for ${down} s under the same load, then started. Buffer limit: \`BUFFER_MAX_BYTES\`, with \`BUFFER_MAX_RECORDS\` out of the way.
Bound: the limit and ${CONSTANT_MIB} MiB. Afterwards all that was published is in the ledger, once.`
    const head = ['buffer limit', 'records', 'first half', 'second half', 'database gone', 'after it', 'bound']
    const text = `${preamble(what, ground.version)}\n\n${markdownTable(head, rows)}\n\n${goals(lines)}`
    console.log(text)
    if (!options.quick) await writeSection('memory', text)
  } finally {
    await ground.close()
  }
}

type Plan = { limit: number; seconds: number; down: number }

async function measure(ground: Ground, { limit, seconds, down }: Plan): Promise<Run> {
  const base = await ground.database()
  const { topic, drop } = await createTopic(ground, 4)
  const env = { BUFFER_MAX_BYTES: String(limit * 2 ** 20), BUFFER_MAX_RECORDS: '10000000' }
  const load = await startEndlessLoad(ground, topic)
  const member = startMember(ground, { topic, group: `bench-${randomUUID().slice(0, 8)}`, url: base.url, env })
  const settled = async () =>
    (await base.query<{ n: number }>('SELECT coalesce(sum(next_offset - start_offset), 0)::int AS n FROM consumer_offset'))[0]?.n ?? 0 // prettier-ignore
  const peakWhile = async (work: () => Promise<unknown>) => {
    member.memory.restart()
    await work()
    member.check()
    return member.memory.max()
  }
  try {
    await reached(1, [member], settled)
    const early = await peakWhile(() => sleep(seconds * 500))
    const late = await peakWhile(() => sleep(seconds * 500))
    const most = await peakWhile(async () => {
      await ground.postgres.stop('fast')
      await sleep(down * 1000)
    })
    let records = 0
    const after = await peakWhile(async () => {
      await ground.postgres.start()
      records = await load.stop()
      await reached(records, [member], settled)
    })
    await member.stop()
    await checkLedger(base, { topic, records })
    console.log(`${limit} MiB: ${records} records; ${early}, ${late}, ${most}, ${after} MiB`)
    return { limit, records, early, late, down: most, after }
  } finally {
    await member.stop('SIGKILL')
    await Promise.all([base.drop(), drop()])
  }
}
