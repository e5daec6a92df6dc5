// kill -9 of a member at each of its failpoints (faults 1, 2, 4 of the matrix). The next victim takes its place at once:
// the group is told that the last one is gone.
import type { FailpointName } from '../../src/lib/failpoint.ts'
import { withFailpoints } from '../support/failpoints/env.ts'
import type { Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import { eachMoved, exactly } from './play.ts'
import { goesOn, type Story, type Telling, works } from './story.ts'

type Point = {
  readonly name: FailpointName
  readonly number: number
  readonly what: string
  readonly proves: string
  /** At one of its first so many passes. */
  readonly passes?: number
  readonly letters?: boolean
  /** Makes it happen. */
  readonly prepare?: (telling: Telling) => Promise<() => Promise<unknown>>
  /** To be done with each victim. */
  readonly provoke?: (victim: Member) => Promise<unknown>
}

const LOST = 'what was only in memory is read again by the next owner, and written once'
const ROLLED_BACK = 'the server rolls the open transaction back; the next owner writes the batch, once'

/** Refuses every third insert of several rows, and none of a single one: such a batch is halved and no row is at fault. */
export const refuseCompany = async ({ stage: { query } }: Pick<Telling, 'stage'>) => {
  await query('CREATE SEQUENCE halved')
  await query(`CREATE FUNCTION refuse_company() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      IF (SELECT count(*) FROM added) > 1 AND nextval('public.halved') % 3 = 0 THEN
        RAISE EXCEPTION 'refused' USING ERRCODE = '23514';
      END IF;
      RETURN NULL;
    END $$`)
  await query(`CREATE TRIGGER refuse_company AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_company()`)
  // Each by itself: in one transaction they would lock each other out with a flush.
  return async () => {
    for (const each of ['TRIGGER refuse_company ON ledger_entry', 'FUNCTION refuse_company', 'SEQUENCE halved'])
      await query(`DROP ${each}`)
  }
}

const points: readonly Point[] = [
  { name: 'joined', number: 1, what: 'when it has joined the group', proves: LOST, passes: 1 },
  { name: 'fetched', number: 1, what: 'with a fetched batch, before any of it is admitted', proves: LOST },
  { name: 'admitted', number: 1, what: 'with records in its buffer', proves: LOST },
  { name: 'before_transaction', number: 1, what: 'its items created, before the transaction', proves: LOST },
  { name: 'offsets_locked', number: 1, what: 'in the transaction, its offset rows locked', proves: ROLLED_BACK },
  {
    name: 'isolating',
    number: 1,
    what: 'while it halves a refused batch',
    proves: ROLLED_BACK,
    prepare: refuseCompany,
  },
  { name: 'ledger_written', number: 1, what: 'in the transaction, its ledger rows written', proves: ROLLED_BACK },
  {
    ...{ name: 'letters_written', number: 1, what: 'in the transaction, its dead letters written', passes: 2 },
    ...{ proves: 'the letters roll back with the rows, and are written once', letters: true },
  },
  { name: 'inventory_written', number: 1, what: 'in the transaction, inventory moved', proves: ROLLED_BACK },
  { name: 'before_commit', number: 1, what: 'everything written, before COMMIT', proves: ROLLED_BACK },
  {
    ...{ name: 'after_commit', number: 2, what: 'after COMMIT, before the commit to Kafka' },
    proves: 'the next owner begins at the position in PostgreSQL, beyond what Kafka knows: nothing is counted twice',
  },
  {
    ...{ name: 'kafka_committed', number: 1, what: 'after the commit to Kafka' },
    proves: 'that batch is not read again; what was only in memory is',
  },
  {
    ...{ name: 'relay_leased', number: 4, what: 'letters leased by its relay, not yet sent', letters: true, passes: 2 },
    proves: 'the lease ends, and another relay sends them',
  },
  {
    ...{ name: 'relay_sent', number: 4, what: 'the DLQ topic has the letters, the outbox does not know', passes: 2 },
    ...{ proves: 'sent again under the same dlq.id, one letter in the table', letters: true },
  },
  {
    ...{ name: 'draining', number: 1, what: 'while it drains after SIGTERM', proves: LOST, passes: 1 },
    async provoke(victim) {
      await works(victim)
      victim.kill('SIGTERM')
    },
  },
]

const PASSES = 4

const killAt = ({ name, what, passes = PASSES, prepare, provoke, ...rest }: Point): Story => ({
  ...{ ...rest, name: `kill-at-${name.replaceAll('_', '-')}`, what: `kill -9 of a member ${what} (failpoint ${name})` },
  async tell(telling) {
    const { stage, times, upTo } = telling
    const undo = await prepare?.(telling)
    const running = stage.world.members.find((member) => member.name.startsWith('steady') && member.running())
    const steady = running ?? stage.start('steady')
    await works(steady)
    let killed = 0
    for (let kill = 1; kill <= times; kill++) {
      const pass = 1 + upTo(passes)
      const victim = stage.start('victim', withFailpoints(`${name}:kill@${pass}`))
      await provoke?.(victim)
      await until(`${victim.name} is killed at ${name}, pass ${pass}`, () => !victim.running(), {
        describe: victim.tail,
      })
      telling.sampler.struck()
      const { signal } = await victim.ended
      if (signal === 'SIGKILL' && victim.lines('failpoint').length === 1) killed += 1
      await stage.evict(victim)
      stage.say(`kill ${kill}/${times} at pass ${pass} of ${name}`)
      await goesOn(stage, `after kill ${kill}`)
    }
    // Nobody tells Kafka for the last victim before its partitions have an owner again.
    await until('every partition goes on', await eachMoved(stage), { timeoutMs: 60_000, describe: steady.tail })
    await undo?.()
    return [exactly(`members killed at ${name}`, times, killed)]
  },
})

export const killStories: readonly Story[] = points.map(killAt)
