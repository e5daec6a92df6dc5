// No key, value, header or SQL parameter reaches the log, whatever happens to the record that holds it.
import { afterAll, beforeAll, expect, test } from 'vitest'
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
]

test('of a consumer at LOG_LEVEL=trace, with bad records, refused rows, a broken connection and a fatal fault', async () => {
  await world.query('ALTER TABLE ledger_entry ADD CONSTRAINT no_thirteen CHECK (quantity <> 13)')
  const member = world.start('talkative', { LOG_LEVEL: 'trace' })
  await member.logged('starting position')
  await world.send(records)
  await world.drained()
  expect(await world.totals()).toMatchObject({ inserted: 2, ignored: 1, deadLettered: 7 })

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
  // Nor in what an outsider reads of a dead letter: code and path are ours, the bytes are only where they belong.
  const [row] = await world.query<{ leaks: number }>(
    `SELECT count(*)::int AS leaks FROM dead_letter WHERE concat(code, path, message, sqlstate) LIKE '%${SECRET}%'`,
  )
  expect(row).toEqual({ leaks: 0 })
})
