// What may happen to the database as a whole: another server takes over that has not got everything, a crash that forgets
// what it had confirmed, a migration in the middle of it all (faults 20, 24, 25).
import type { ProofLine } from '../../src/demo/proof.ts'
import { startStandby } from '../support/own-standby.ts'
import { until } from '../support/until.ts'
import { exactly } from './play.ts'
import type { Stage } from './stage.ts'
import { goesOn, type Story, works } from './story.ts'

const AT_LEAST = 1_000
const REWOUND = 'PostgreSQL is behind us (fail-over or reset); reading again from its position'

/** By its own counters, as the members' would be. */
const settledNow = (stage: Stage) => until('PostgreSQL answers', () => stage.settled())

/** Offsets in Kafka say that these are done, and PostgreSQL has not got them: with offsets in Kafka alone they were lost. */
const missing = async ({ world }: Stage): Promise<number> =>
  (await world.standing()).reduce((sum, { next, committed }) => sum + Math.max(0, Number(committed - next)), 0)

const atLeastOne = (what: string, found: number): ProofLine => ({
  ...{ what, expected: 'at least 1', found: found.toLocaleString('en'), ok: found > 0 },
})

/** Nobody writes while we look: the members come back to what is proved here. */
const proveRewind = async (stage: Stage, before: number): Promise<ProofLine[]> => {
  const after = await settledNow(stage)
  const lost = await missing(stage)
  return [
    atLeastOne('records that PostgreSQL had confirmed and has lost', before - after),
    atLeastOne('of them, those that Kafka has as committed: offsets in Kafka alone would have lost them', lost),
  ]
}

const readsAgain = async (stage: Stage): Promise<ProofLine> => {
  const found = () => stage.world.members.flatMap((member) => member.lines(REWOUND)).length
  await until('a member reads again', () => found() > 0, { timeoutMs: 90_000 })
  return atLeastOne('partitions that were read again from the position in PostgreSQL', found())
}

const failOver: Story = {
  ...{ number: 20, name: 'fail-over', own: true },
  what: 'PostgreSQL is killed, and an asynchronous standby takes over that has not got the last seconds',
  proves: 'members read again from the position of the standby: nothing is lost, nothing counted twice',
  async tell(telling) {
    const { stage, sampler } = telling
    const { postgres, proxy } = stage
    const standby = await startStandby(postgres)
    stage.atEnd(() => standby.end())
    const members = [stage.start('member'), stage.start('member')]
    await Promise.all(members.map(works))
    await goesOn(stage, 'while the standby streams', { records: AT_LEAST })
    standby.cut()
    await goesOn(stage, 'that the standby does not get', { records: AT_LEAST })
    const before = await settledNow(stage)
    proxy.down()
    await postgres.stop('kill')
    sampler.struck()
    sampler.rewound()
    await standby.promote()
    await standby.postgres.moveTo(postgres.port)
    const rewind = await proveRewind(stage, before)
    proxy.up()
    const read = await readsAgain(stage)
    await goesOn(stage, 'on the standby', { records: AT_LEAST })
    return [...rewind, read, ...stay(members)]
  },
}

const stay = (members: readonly { running: () => boolean }[]) => [
  exactly('members that ended', 0, members.filter((member) => !member.running()).length),
]

const asyncCommit: Story = {
  ...{ number: 25, name: 'async-commit', own: true },
  what: 'kill -9 of PostgreSQL under synchronous_commit = off: it has confirmed what its log on disk has not',
  proves: 'even then members read again from the position that survived: nothing is lost, nothing counted twice',
  async tell(telling) {
    const { stage, sampler } = telling
    const { postgres, proxy } = stage
    const members = [stage.start('member')]
    await Promise.all(members.map(works))
    await stage.server.run(`ALTER SYSTEM SET synchronous_commit = off`)
    await stage.server.run(`ALTER SYSTEM SET wal_writer_delay = '10s'`)
    await stage.server.run('SELECT pg_reload_conf()')
    await goesOn(stage, 'confirmed before they are on disk', { records: AT_LEAST })
    const before = await settledNow(stage)
    proxy.down()
    await postgres.stop('kill')
    sampler.struck()
    sampler.rewound()
    await postgres.start()
    const rewind = await proveRewind(stage, before)
    proxy.up()
    const read = await readsAgain(stage)
    await goesOn(stage, 'after the crash', { records: AT_LEAST })
    return [...rewind, read, ...stay(members)]
  },
}

const migrateMidRun: Story = {
  ...{ number: 24, name: 'migrate-mid-run' },
  what: 'under writing members: `sluice migrate` again, and what a newer migration would do (a column, an index, a table)',
  proves: 'members go on, without an error of their plans or their prepared statements',
  async tell({ stage, sampler }) {
    const members = [stage.start('member'), stage.start('member')]
    await Promise.all(members.map(works))
    sampler.struck()
    const { exitCode } = await stage.world.sluice(['migrate'])
    await goesOn(stage, 'after `sluice migrate`', { records: 500 })
    for (const sql of [
      `ALTER TABLE ledger_entry ADD COLUMN newer text NOT NULL DEFAULT 'x'`,
      'ALTER TABLE consumer_offset ADD COLUMN newer bigint NOT NULL DEFAULT 0',
      'ALTER TABLE inventory ADD COLUMN newer int',
      'CREATE INDEX CONCURRENTLY newer_invoice ON ledger_entry (invoice_id)',
      'CREATE TABLE newer (id bigint PRIMARY KEY)',
    ]) {
      await stage.query(sql)
      await goesOn(stage, `after ${sql}`, { records: 200 })
    }
    return [exactly('exit code of `sluice migrate`', 0, Number(exitCode)), ...stay(members)]
  },
}

export const databaseStories: readonly Story[] = [failOver, migrateMidRun, asyncCommit]
