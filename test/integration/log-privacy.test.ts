// No key, value, header or SQL parameter reaches the log, whatever happens to the record that holds it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { event } from '../support/events.ts'
import { holdFlushes, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(1)
})
afterAll(() => world.close())

const SECRET = 'Zq7secret'
let nth = 0
/** Every place has a secret of its own, so that a leak tells where from. */
const secret = (place: string) => `${SECRET}-${place}-${++nth}`

const withSecrets = (value: Buffer | null) => ({
  partition: 0,
  key: secret('key'),
  value,
  headers: [[secret('header-name'), Buffer.from(secret('header'))]] as const,
})
const json = (value: unknown) => withSecrets(Buffer.from(JSON.stringify(value)))
const valid = (over: object = {}) =>
  event({
    userId: secret('user'),
    invoiceId: secret('invoice'),
    vendorItem: { sku: secret('sku'), description: secret('text') },
    ...over,
  })

const conflicting = valid()
const records = [
  json(valid()),
  json(conflicting),
  json({ ...conflicting, quantity: '9', vendorItem: { sku: secret('sku') } }),
  withSecrets(null),
  withSecrets(Buffer.from(`{"userId":"${secret('broken-json')}"`)),
  withSecrets(Buffer.from(`${secret('not-utf8')}\xff`, 'latin1')),
  json(valid({ quantity: secret('quantity') })),
  json(valid({ currency: secret('currency'), [secret('field')]: secret('unknown-field') })),
  json(valid({ vendorItem: { description: `${secret('nul')}\0` } })),
  json(valid({ quantity: '13' })), // refused by the CHECK below; PostgreSQL's DETAIL holds the whole row
  json(valid({ quantity: '14' })), // refused by the trigger below, whose own words hold the whole row
]

test('of a consumer at LOG_LEVEL=trace, with bad records, refused rows, a broken connection and a fatal fault', async () => {
  await world.query('ALTER TABLE ledger_entry ADD CONSTRAINT no_thirteen CHECK (quantity <> 13)')
  await world.query(`CREATE FUNCTION no_fourteen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.quantity = 14 THEN RAISE EXCEPTION 'no % %', NEW, NEW.invoice_id
      USING ERRCODE = '23514', DETAIL = NEW::text, HINT = NEW.user_id, CONSTRAINT = NEW.invoice_id, COLUMN = NEW.user_id;
    END IF; RETURN NEW; END $$`)
  await world.query(
    'CREATE TRIGGER no_fourteen BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION no_fourteen()',
  )
  const member = world.start('talkative', { LOG_LEVEL: 'trace', DLQ_HEADER_COMPAT: 'connect' })
  await member.logged('starting position')
  await world.send(records)
  await world.drained()
  expect(await world.totals()).toMatchObject({ inserted: 2, ignored: 1, deadLettered: 8 })

  const held = await holdFlushes(world)
  await world.send([json(valid())])
  const backend = await held.blocked(member)
  await world.query('SELECT pg_terminate_backend($1)', [backend])
  await member.logged('cannot reach the sink or it refuses for now; trying again')
  await held.release()
  await world.drained()

  await world.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no %', NEW USING ERRCODE = '42804', DETAIL = NEW::text; END $$`)
  await world.query('CREATE TRIGGER refuse BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse()')
  await world.send([json(valid())])
  const { code } = await member.ended
  expect(code, member.tail()).toBe(4)
  expect(member.output()).toContain('42804')

  expect(member.lines().map(({ level }) => level)).toEqual(expect.arrayContaining(['trace', 'debug', 'info', 'warn']))
  const leaks = member
    .output()
    .split('\n')
    .filter((line) => line.includes(SECRET))
  expect(leaks).toEqual([])
  expect(member.output()).not.toMatch(/INSERT INTO|COPY |no_thirteen/)
  await expectNoneInDeadLetters(8)
})

/** Of whoever the line is may be asked for (`dlq list`): ids that have passed validation. */
const CLAIMED = ['user_id', 'invoice_id']

/** Bytes are only where they belong: key, value and the record's own headers. */
async function expectNoneInDeadLetters(count: number) {
  const columns = await world.query<{ name: string }>(
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name = 'dead_letter' AND data_type = 'text' AND column_name <> ALL ($1)`,
    [CLAIMED],
  )
  expect(columns.map(({ name }) => name)).toEqual(expect.arrayContaining(['code', 'path', 'message', 'sqlstate', 'id']))
  for (const { name } of columns) {
    const rows = await world.query(`SELECT code FROM dead_letter WHERE ${name} LIKE '%${SECRET}%'`)
    expect(rows, name).toEqual([])
  }
  const published = await readTopic(world.config.kafka, world.config.dlqTopic, createLog('silent'))
  expect(published).toHaveLength(count)
  const [ours, theirs] = [true, false].map((own) =>
    published.flatMap(({ headers }) => headers.filter(([name]) => /^(dlq|__connect\.errors)\./.test(name) === own)),
  )
  expect(ours!.filter(([name, value]) => `${name} ${value?.toString()}`.includes(SECRET))).toEqual([])
  // The search finds what is there: the record's own headers are copied, and its bytes are the table's.
  expect(theirs!.filter(([, value]) => value?.toString().includes(SECRET))).toHaveLength(count)
  const bytes = `SELECT FROM dead_letter WHERE position($1::bytea IN key) > 0 AND position($1::bytea IN value) > 0`
  expect(await world.query(bytes, [Buffer.from(SECRET)])).toHaveLength(count)
}
