// Faults that hit one session, one transaction or one statement.
import type { Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import { holdFlushes } from '../support/world.ts'
import { atLeast } from './play.ts'
import type { Heal, Scenario } from './scenario.ts'
import { backendsOf, retriedFor, type Stage, terminate, untilRetried } from './stage.ts'
import { RETRYING } from './words.ts'

const since = (member: Member) => member.lines().length
const nothingToHeal: Heal = async () => {}
const ROUNDS = 3

/** Does it again and again, each time after records were settled. */
const rounds = async (stage: Stage, member: Member, once: (round: number) => Promise<unknown>): Promise<Heal> => {
  for (let round = 1; round <= ROUNDS; round++) {
    await once(round)
    const before = (await stage.settled()) ?? 0
    const grown = async () => ((await stage.settled()) ?? 0) > before
    await until(`records are settled after round ${round}`, grown, { timeoutMs: 30_000, describe: member.tail })
  }
  return nothingToHeal
}

const killIdle: Scenario = {
  ...{
    number: 4,
    name: 'kill-idle',
    what: `pg_terminate_backend of every idle session of the member, ${ROUNDS} times`,
  },
  async strike(stage, member) {
    let killed = 0
    // A pool that finds its idle sessions ended makes new ones, and has nothing to retry for.
    const heal = await rounds(stage, member, async () => {
      const idle = async () => terminate(stage, await backendsOf(stage, member, "state = 'idle'"))
      killed += await until('idle sessions are killed', async () => (await idle()) || null)
    })
    stage.evidence.push(atLeast('idle sessions of the member that were killed', ROUNDS, killed))
    return heal
  },
}

const killStatement: Scenario = {
  ...{ number: 4, name: 'kill-statement' },
  what: `pg_terminate_backend of a flush that waits in a statement, its ledger rows written, ${ROUNDS} times`,
  strike: (stage, member) =>
    rounds(stage, member, async () => {
      const from = since(member)
      const held = await holdFlushes(stage.world)
      await terminate(stage, [await held.blocked(member)])
      await untilRetried(member, from)
      await held.release()
    }),
}

const killAtCommit: Scenario = {
  ...{ number: 4, name: 'kill-at-commit' },
  what: `pg_terminate_backend in the middle of COMMIT (a deferred trigger sleeps there), before it is durable, ${ROUNDS} times`,
  async strike(stage, member) {
    await stage.query(`CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql
      AS 'BEGIN PERFORM pg_sleep(10); RETURN NULL; END'`)
    await rounds(stage, member, async () => {
      const from = since(member)
      await stage.query(`CREATE CONSTRAINT TRIGGER linger AFTER UPDATE ON consumer_offset DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION linger()`)
      const asleep = `wait_event = 'PgSleep' AND query = 'COMMIT'`
      const [pid = 0] = await until('a COMMIT sleeps', async () => nonEmpty(await backendsOf(stage, member, asleep)))
      await terminate(stage, [pid])
      await untilRetried(member, from)
      // The next try may sleep already, and a DROP waits for it.
      const drop = stage.query('DROP TRIGGER linger ON consumer_offset')
      await until('the trigger is dropped', async () => {
        await terminate(stage, await backendsOf(stage, member, asleep))
        return Promise.race([drop.then(() => true), pause()])
      })
    })
    return async () => void (await stage.query('DROP FUNCTION linger'))
  },
}

const nonEmpty = <T>(values: T[]): T[] | null => (values.length > 0 ? values : null)

const killCommitted: Scenario = {
  ...{ number: 4, name: 'kill-committed', holdMs: [1_000, 0] },
  what: `pg_terminate_backend in COMMIT, when it is durable here and waits for a missing synchronous standby, ${ROUNDS} times`,
  async strike(stage, member) {
    const set = async (sql: string) => {
      await stage.server.run(sql)
      await stage.server.run('SELECT pg_reload_conf()')
    }
    await set(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
    for (let round = 1; round <= ROUNDS; round++) {
      const from = since(member)
      const waiting = async () => nonEmpty(await backendsOf(stage, member, `wait_event = 'SyncRep'`))
      await terminate(stage, await until('a COMMIT waits for the standby', waiting))
      await untilRetried(member, from)
    }
    return () => set('ALTER SYSTEM RESET synchronous_standby_names')
  },
}

const answerLost: Scenario = {
  ...{ number: 5, name: 'answer-lost' },
  what: `the answer to COMMIT is lost: the server has done it, the connection is cut before the member hears of it, ${ROUNDS} times`,
  strike: (stage, member) =>
    rounds(stage, member, async () => {
      const from = since(member)
      await stage.proxy.cutAtCommit('unanswered')
      await untilRetried(member, from)
    }),
}

const LOST_IN_A_ROW = 6

const commitLost: Scenario = {
  ...{ number: 5, name: 'commit-lost' },
  what: `the COMMIT itself is lost, ${LOST_IN_A_ROW} times in a row: the connection is cut before it reaches the server, while new ones work`,
  async strike({ proxy }, member) {
    const from = since(member)
    // Each try of the batch meets the next one.
    const cuts = Array.from({ length: LOST_IN_A_ROW }, () => proxy.cutAtCommit('lost'))
    await untilRetried(member, from)
    await until('all of them were cut', () => Promise.race([Promise.all(cuts), member.ended, pause()]))
    return nothingToHeal
  },
}

const pause = () => new Promise<false>((resolve) => setTimeout(resolve, 20, false))

/** A session of somebody else that holds what `sql` locks. */
const hold = async ({ world }: Stage, sql: string): Promise<Heal> => {
  const holder = await world.connect()
  await holder.query(`BEGIN; ${sql}`)
  return async () => {
    await holder.query('ROLLBACK')
    holder.release()
  }
}

const HOLDS = {
  'lock-offset': ['an offset row', 'SELECT FROM consumer_offset FOR UPDATE'],
  'lock-inventory': ['rows of the inventory', 'SELECT FROM inventory FOR UPDATE'],
  'lock-table': ['the ledger', 'LOCK TABLE ledger_entry IN ACCESS EXCLUSIVE MODE'],
} as const

const locks = Object.entries(HOLDS).map(([name, [what, sql]]): Scenario => ({
  ...{ number: 9, name, holdMs: [10_000, 2_000], codes: ['55P03'], parameters: { lock_timeout: '1500' } },
  what: `another session locks ${what} for longer than lock_timeout`,
  async strike(stage, member) {
    const from = since(member)
    const release = await hold(stage, sql)
    await untilRetried(member, from, '55P03')
    return release
  },
}))

const deadlock: Scenario = {
  ...{
    number: 10,
    name: 'deadlock',
    codes: ['40P01'],
    what: `a deadlock with another session, of which the flush is the victim, ${ROUNDS} times`,
  },
  strike: (stage, member) =>
    rounds(stage, member, async () => {
      const from = since(member)
      // When the machine was too slow for it, the flush gave up before the circle was closed: then once more.
      while (!retriedFor(member, from).includes('40P01')) await closeCircle(stage, member)
    }),
}

/** The flush looks for a circle first, if it is there in time (deadlock_timeout), and is the victim. */
const closeCircle = async (stage: Stage, member: Member) => {
  const from = since(member)
  const other = await stage.world.connect()
  await other.query(`SET deadlock_timeout = '60s'; BEGIN; SELECT FROM inventory FOR UPDATE`)
  const waits = async () => (await backendsOf(stage, member, `wait_event_type = 'Lock'`)).length > 0
  await until('a flush waits for the inventory', waits)
  const crosswise = other.query('SELECT FROM consumer_offset FOR UPDATE')
  await untilRetried(member, from)
  await crosswise
  await other.query('ROLLBACK; RESET deadlock_timeout')
  other.release()
}

/** Makes one flush in so many fail with each of the codes in turn: sequences do not roll back. */
const raise = (codes: readonly string[], oneIn: number) => `
  CREATE SEQUENCE raised;
  CREATE FUNCTION raise_next() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
      n bigint := nextval('public.raised');
      codes text[] := '{${codes.join(',')}}';
    BEGIN
      IF n % ${oneIn} = 0 THEN
        RAISE EXCEPTION 'raised' USING ERRCODE = codes[1 + (n / ${oneIn}) % cardinality(codes)];
      END IF;
      RETURN NULL;
    END $$;
  CREATE TRIGGER raise_next AFTER INSERT ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION raise_next()`
const RAISE_NO_MORE = 'DROP TRIGGER raise_next ON ledger_entry; DROP FUNCTION raise_next; DROP SEQUENCE raised'

const raising = (number: number, name: string, what: string, codes: readonly string[]): Scenario => ({
  ...{ number, name, what, holdMs: [5_000, 0], codes },
  async strike({ query }, member) {
    const from = since(member)
    await query(raise(codes, 2))
    for (const code of codes) await untilRetried(member, from, code)
    return async () => void (await query(RAISE_NO_MORE))
  },
})

const PASSING_CODES = ['57P01', '57P02', '57P03', '57P04', '57P05', '25P03', '25P04', '08006', '08003', '53100', '53200', '53400', '58030', '55P03', '40P01'] // prettier-ignore

const slow: Scenario = {
  ...{ number: 12, name: 'slow', holdMs: [10_000, 3_000], codes: ['57014'], parameters: { statement_timeout: '1000' } },
  what: 'a trigger makes every row take 4 ms: no batch of more than 250 fits statement_timeout; halved until it fits',
  async strike(stage, member) {
    const from = since(member)
    await stage.query(
      `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.004); RETURN NEW; END'`,
    )
    await stage.query('CREATE TRIGGER dawdle BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION dawdle()')
    await untilRetried(member, from, '57014')
    const fits = () =>
      member
        .lines()
        .slice(from)
        .some((line) => line.msg === 'flushed' && Number(line['attempts']) > 1)
    await until('a part of the batch fits', fits, { timeoutMs: 60_000, describe: member.tail })
    return async () => void (await stage.query('DROP TRIGGER dawdle ON ledger_entry; DROP FUNCTION dawdle'))
  },
}

const idleInTransaction: Scenario = {
  ...{ number: 13, name: 'idle-in-transaction', parameters: { idle_in_transaction_session_timeout: '1000' } },
  what: 'the member is stopped (SIGSTOP) in the middle of a transaction until the server ends that (25P03), then goes on',
  strike: (stage, member) =>
    rounds(stage, member, async () => {
      const from = since(member)
      const held = await holdFlushes(stage.world)
      const pid = await held.blocked(member)
      member.kill('SIGSTOP')
      await held.release()
      const ended = async () => !(await backendsOf(stage, member)).includes(pid)
      await until('the server ends its transaction', ended)
      member.kill('SIGCONT')
      await untilRetried(member, from)
    }),
}

const transactionTimeout: Scenario = {
  ...{ number: 13, name: 'transaction-timeout', holdMs: [5_000, 1_000], codes: ['25P04'] },
  what: 'the server ends every transaction that takes longer than 500 ms (25P04, transaction_timeout), and a lock makes it so',
  async strike(stage, member) {
    await stage.query(`ALTER ROLE member IN DATABASE ${stage.database} SET transaction_timeout = 500`)
    await terminate(stage, await backendsOf(stage, member))
    const from = since(member)
    const held = await holdFlushes(stage.world)
    await held.blocked(member)
    await until(
      'it retries',
      () =>
        member
          .lines()
          .slice(from)
          .filter(({ msg, code }) => msg === RETRYING && code === '25P04').length >= 3,
      { describe: member.tail },
    )
    return async () => {
      await held.release()
      await stage.query(`ALTER ROLE member IN DATABASE ${stage.database} RESET transaction_timeout`)
    }
  },
}

export const sessionScenarios: readonly Scenario[] = [
  killIdle,
  killStatement,
  killAtCommit,
  killCommitted,
  answerLost,
  commitLost,
  ...locks,
  deadlock,
  raising(11, 'serialization', 'every other flush fails with 40001 (a trigger)', ['40001']),
  slow,
  idleInTransaction,
  transactionTimeout,
  raising(
    13,
    'passing-codes',
    'every other flush fails, with each SQLSTATE that passes in turn (a trigger)',
    PASSING_CODES,
  ),
]
