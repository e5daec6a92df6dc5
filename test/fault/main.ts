// `npm run test:fault -- --kills 20 --seed 7`: long fault runs on real services, outside of `npm test`.
import process from 'node:process'
import Table from 'cli-table3'
import { Command } from 'commander'
import { findStack } from '../../src/local-stack/local-stack.ts'
import { migrate } from '../../src/sink/migrate.ts'
import { createScratchDatabase } from '../../src/sink/scratch-database.ts'
import { notOk } from '../support/oracle.ts'
import { openWorld } from '../support/world.ts'
import { killNine } from './kill-nine.ts'

type Flags = { kills: string; seed: string; members: string; partitions: string; realSession: boolean }

const say = (line: string): void => console.log(line)

const run = async ({ kills, seed, members, partitions, realSession }: Flags): Promise<boolean> => {
  const stack = await findStack({ env: process.env, log: say, signal: new AbortController().signal })
  const scratch = await createScratchDatabase(stack.postgres.url)
  await migrate(scratch.url)
  const world = await openWorld({
    brokers: stack.kafka.brokers,
    databaseUrl: scratch.url,
    partitions: Number(partitions),
  })
  try {
    say(`kill -9, ${kills} times, seed ${seed}`)
    const options = { kills: Number(kills), seed: Number(seed), members: Number(members), realSession, say }
    const lines = await killNine(world, options)
    const table = new Table({ head: ['proof', 'expected', 'found', 'ok'], style: { head: [], border: [] } })
    for (const { what, expected, found, ok } of lines) table.push([what, expected, found, ok ? 'ok' : 'NOT OK'])
    const wrong = notOk(lines).length
    say(
      `${table.toString()}\n${wrong === 0 ? `all ${lines.length} lines ok` : `${wrong} of ${lines.length} lines NOT ok`}`,
    )
    return wrong === 0
  } finally {
    await world.close()
    await scratch.drop()
    await stack.stop()
  }
}

const program = new Command('test:fault')
  .description('kill -9 of random members under load, then the proof that nothing was lost or counted twice')
  .option('--kills <n>', 'how many', '20')
  .option('--seed <n>', 'of the records, the victims and the moments', String(Math.floor(Math.random() * 1e6)))
  .option('--members <n>', 'members of the group', '3')
  .option('--partitions <n>', 'partitions of the topic', '6')
  .option('--real-session', 'the session time-out of production (30 s), not 6 s', false)
  .action(async (flags: Flags) => {
    process.exitCode = (await run(flags)) ? 0 : 1
  })
await program.parseAsync()
