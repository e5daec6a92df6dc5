// From the start of the process to the first row that others can see. Usage: npm run bench -- startup [--rounds N]
import { randomUUID } from 'node:crypto'
import { generatedBacklog } from './support/backlog.ts'
import { cpuOf } from './support/cpu.ts'
import { reached } from './support/drain.ts'
import { openGround } from './support/ground.ts'
import { flushesOf } from './support/ledger.ts'
import { startMember } from './support/member.ts'
import { optionsOf } from './support/options.ts'
import { markdownTable, preamble, spread, writeSection } from './results.ts'

const RECORDS = 1_000

export async function benchStartup(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, [])
  const rounds = options.quick ? 1 : Math.max(5, options.rounds)
  const ground = await openGround()
  try {
    const backlog = await generatedBacklog(ground, { records: RECORDS })
    const runs: { first: number; cpu: number; stop: number }[] = []
    for (let round = 0; round < rounds; round++) {
      const base = await ground.database()
      const work = { topic: backlog.topic, group: `bench-${randomUUID().slice(0, 8)}`, url: base.url }
      const member = startMember(ground, work)
      await reached(RECORDS, [member], async () => (await base.query<{ rows: number }>('SELECT count(*)::int AS rows FROM ledger_entry'))[0]?.rows ?? 0) // prettier-ignore
      const cpu = (await cpuOf(member.pid)) * 1000
      const told = performance.now()
      await member.stop()
      const stop = performance.now() - told
      const first = Math.min(...(await flushesOf(base, backlog.topic)).map(({ committed }) => committed))
      runs.push({ first: first - member.startedAt, cpu, stop })
      console.log(`round ${round + 1}: first row after ${Math.round(first - member.startedAt)} ms`)
      await base.drop()
    }
    const of = (field: 'first' | 'cpu' | 'stop') => `${spread(runs.map((run) => run[field]))} ms`
    const what = `\`sluice consume\`, compiled, in a group without other members, on a topic that holds ${RECORDS.toLocaleString('en-US')} events; ${rounds} rounds; **median** (min–max).`
    const table = markdownTable(
      ['what', 'time'],
      [
        ['start of the process → first COMMIT', of('first')],
        [`CPU time of the process until all ${RECORDS.toLocaleString('en-US')} are written`, of('cpu')],
        ['SIGTERM → end, nothing buffered', of('stop')],
      ],
    )
    const text = `${preamble(what, ground.version)}\n\n${table}`
    console.log(text)
    if (!options.quick) await writeSection('startup', text)
  } finally {
    await ground.close()
  }
}
