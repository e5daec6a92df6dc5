// `npm run soak -- --minutes 30`: random faults every few seconds, then the proof. See test/README.md.
import process from 'node:process'
import { Command, Option } from 'commander'
import { findStack } from '../../src/local-stack/local-stack.ts'
import { isOk, type Result } from '../fault/lane.ts'
import { positive, whole } from '../fault/numbers.ts'
import { writeReport } from '../fault/report.ts'
import { startServer } from '../fault/stage.ts'
import { versions } from '../fault/versions.ts'
import { buildSluice } from '../support/built.ts'
import { startOwnKafka } from '../support/own-kafka.ts'
import { soak } from './soak.ts'

type Flags = { minutes: number; seed: number; rate: number; members: number; kafka: 'own' | 'given'; report?: string }

const say = (line: string): void => console.log(`${process.uptime().toFixed(1).padStart(8)}  ${line}`)

const cluster = async (which: Flags['kafka']) => {
  if (which === 'own') {
    const kafka = await startOwnKafka()
    return { kafka, brokers: kafka.direct, end: () => kafka.end() }
  }
  const signal = new AbortController().signal
  const stack = await findStack({ env: process.env, log: say, signal, postgres: false })
  return { kafka: null, brokers: stack.kafka.brokers, end: () => stack.stop() }
}

const run = async (flags: Flags): Promise<boolean> => {
  const { minutes, seed, rate, members } = flags
  await buildSluice()
  const { kafka, brokers, end } = await cluster(flags.kafka)
  const server = await startServer()
  say(`seed ${seed}, ${rate} records/s, ${members} members, ${minutes} minutes`)
  try {
    const { lines, faults, ...soaked } = await soak({ server, brokers, kafka, minutes, seed, rate, members, say })
    for (const [name, times] of [...faults].toSorted(([a], [b]) => a.localeCompare(b))) console.log(`${String(times).padStart(6)} × ${name}`) // prettier-ignore
    for (const { what, expected, found, ok } of lines)
      console.log(`${ok ? 'ok    ' : 'NOT OK'} ${what}: ${found} (${expected})`)
    const struck = [...faults.values()].reduce((sum, times) => sum + times, 0)
    const what = `${minutes} minutes of random faults (${struck} of ${[...faults.values()].filter((times) => times > 0).length} kinds) on ${kafka ? 'three brokers' : 'one broker'}, PostgreSQL and ${soaked.members} members one after the other, with copies and poison` // prettier-ignore
    const result: Result = { name: 'soak', what, lines }
    console.log(`\n${what}: ${soaked.records.toLocaleString('en')} records, ${isOk(result) ? 'ok' : 'NOT OK'}`)
    if (flags.report)
      await writeReport(flags.report, [result], {
        ...{ date: new Date().toISOString().slice(0, 10), versions: await versions(), seed, rate, minutes },
      })
    return isOk(result)
  } finally {
    await server.end()
    await end()
  }
}

await new Command('soak')
  .description('random faults under a steady load, then the proof that nothing was lost, doubled or gathered')
  .option('--minutes <n>', 'how long', positive, 30)
  .option('--seed <n>', 'of the faults and the records', whole(0), Math.floor(Math.random() * 1e6))
  .option('--rate <n>', 'records a second', whole(1), 300)
  .option('--members <n>', 'members of the group; the first one is never ended', whole(2), 3)
  .addOption(
    new Option('--kafka <which>', 'own: three brokers that are hurt too; given: KAFKA_BROKERS, or one that is found')
      .choices(['own', 'given'])
      .default('own'),
  )
  .option('--report <file>', 'write the result into this file')
  .action(async (flags: Flags) => {
    process.exitCode = (await run(flags)) ? 0 : 1
  })
  .parseAsync()
