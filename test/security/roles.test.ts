// Every command under the role that docs/security.md names for it, and what that role must not do.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { QUICK_SESSION } from '../support/member.ts'
import { openDatabaseWithRoles, type Role } from '../support/roles.ts'
import { stack } from '../support/stack.ts'
import { openWorld, type World } from '../support/world.ts'

let database: Awaited<ReturnType<typeof openDatabaseWithRoles>>
let world: World
beforeAll(async () => {
  database = await openDatabaseWithRoles()
  world = await openWorld({ brokers: stack().brokers, databaseUrl: database.url, partitions: 1 })
})
afterAll(async () => {
  await world?.close()
  await database?.close()
})

const as = (role: Role): NodeJS.ProcessEnv => ({ ...QUICK_SESSION, DATABASE_URL: database.urlOf(role) })
const sluice = async (role: Role, ...args: string[]) => {
  const { exitCode, stdout, stderr } = await world.sluice(args, { env: { ...world.env, ...as(role) } })
  return { exitCode, stdout: String(stdout), stderr: String(stderr) }
}
const publish = async (...options: string[]) =>
  expect((await sluice('consumer', 'publish', '--generate', '100', ...options)).exitCode).toBe(0)

test('the migrator made the tables, and owns them', async () => {
  expect(database.migrated).toMatchObject({ exitCode: 0 })
  const owners = await database.query(`SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE schemaname = 'public'`)
  expect(owners).toEqual([{ owner: 'sluice_migrator' }])
  expect(await sluice('migrator', 'migrate')).toMatchObject({ exitCode: 0, stderr: '' })
})

test('consumer and operator, each with its commands, through the life of dead letters and of the gate', async () => {
  const member = world.start('member', as('consumer'))
  await publish('--bad', '5')
  await member.logged('partitions assigned')
  await world.drained()
  const [letter, other] = await world.query<{ id: string }>(
    `SELECT id FROM dead_letter WHERE code <> 'EVENT_ID_CONFLICT'`,
  )
  const operator = async (code: number, ...args: string[]) => {
    const { exitCode, stdout, stderr } = await sluice('operator', ...args)
    expect(exitCode, `${args.join(' ')}: ${stdout}${stderr}`).toBe(code)
  }
  await operator(0, 'dlq', 'list')
  await operator(0, 'dlq', 'stats')
  await operator(0, 'dlq', 'show', letter!.id)
  await operator(0, 'dlq', 'replay', letter!.id)
  await world.drained()
  await operator(0, 'dlq', 'discard', other!.id, '--reason', 'test')
  await operator(0, 'dlq', 'purge', '--older-than', '1d', '--yes')
  await operator(0, 'reconcile')
  await operator(1, 'invoice', 'none')
  await operator(0, 'offsets', 'show')
  await operator(0, 'pause', '--reason', 'a test')
  await member.logged('the gate is closed by an operator; nothing is written until `sluice resume`')
  await operator(0, 'resume', '--allow', '3')
  await member.logged('the gate is open')
  await publish('--seed', '2')
  await world.drained()
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
  await operator(0, 'offsets', 'reset', '--to', 'earliest', '--yes')
  const again = world.start('again', { ...as('consumer'), DLQ_MAX_CONSECUTIVE: '1', DLQ_MAX_RATIO: '0.001' })
  await again.logged('partitions assigned')
  await world.drained()
  again.kill('SIGTERM')
  expect((await again.ended).code, again.tail()).toBe(0)
  expect((await database.query('SELECT action FROM audit_entry ORDER BY id')).map(({ action }) => action)).toEqual(
    expect.arrayContaining(['dlq.replay', 'dlq.discard', 'gate.pause', 'gate.resume', 'offsets.reset']),
  )
})

test('the breaker closes the gate as the consumer', async () => {
  const member = world.start('breaking', { ...as('consumer'), DLQ_MAX_CONSECUTIVE: '2' })
  await member.logged('partitions assigned')
  await world.send(Array.from({ length: 10 }, (_, n) => ({ key: null, value: Buffer.from(`bad ${n}`) })))
  await member.logged('the gate is closed; nothing is written until `sluice resume`')
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
  expect((await sluice('operator', 'resume', '--allow', '100')).exitCode).toBe(0)
})

describe('what is not of its role is refused in one line, and nothing changes', () => {
  test.each<[Role, string[]]>([
    ['consumer', ['pause', '--reason', 'x']],
    ['consumer', ['resume']],
    ['consumer', ['offsets', 'reset', '--to', 'earliest', '--yes']],
    ['consumer', ['dlq', 'discard', '--code', 'JSON_INVALID', '--reason', 'x', '--yes']],
    ['consumer', ['dlq', 'purge', '--older-than', '0d', '--status', 'discarded', '--yes']],
  ])('%s: sluice %j', async (role, args) => {
    const state = () =>
      database.query(`SELECT (SELECT json_agg(g) FROM consumer_gate g) AS gate, (SELECT json_agg(o) FROM consumer_offset o) AS
        offsets, (SELECT count(*) FROM audit_entry) AS audited, (SELECT json_agg(d.status ORDER BY id) FROM dead_letter d) AS letters`)
    const before = await state()
    const { exitCode, stderr } = await sluice(role, ...args)
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/^sluice: user "\S+" lacks a permission in database .*\n {2}→ grant it the roles of ops\/roles.sql\n?$/)]) // prettier-ignore
    expect(await state()).toEqual(before)
  })

  test('operator: sluice consume', async () => {
    await publish('--seed', '3')
    const member = world.start('operator', as('operator'))
    expect((await member.ended).code, member.tail()).toBe(3)
    expect(member.output()).toContain('lacks a permission')
  })

  test.each<[Role, string]>([
    ...['DELETE FROM ledger_entry', 'UPDATE ledger_entry SET quantity = 1', 'DELETE FROM inventory', 'DELETE FROM dead_letter',
      "UPDATE dead_letter SET value = 'x'", "UPDATE dead_letter SET key = 'x'", "UPDATE dead_letter SET group_id = 'x'",
      'DELETE FROM consumer_offset', 'DELETE FROM consumer_gate', 'SELECT FROM audit_entry', 'UPDATE item SET user_id = 1::text',
      "INSERT INTO audit_entry (actor, action, detail) VALUES ('', '', '{}')", 'UPDATE _prisma_migrations SET finished_at = NULL',
      'CREATE TABLE t (a int)', 'CREATE TEMP TABLE t AS SELECT pg_read_file($$/etc/passwd$$)', 'DROP TABLE inventory', 'TRUNCATE inventory',
      'ALTER TABLE inventory DISABLE TRIGGER ALL', 'SET ROLE sluice_operator'].map((sql): [Role, string] => ['consumer', sql]), // prettier-ignore
    ...['DELETE FROM ledger_entry', 'UPDATE ledger_entry SET item_id = 1', 'INSERT INTO inventory VALUES (1, 1)',
      'UPDATE inventory SET quantity = 0', "UPDATE dead_letter SET value = 'x'", "UPDATE dead_letter SET code = 'x'",
      'DELETE FROM audit_entry', "UPDATE audit_entry SET actor = ''", 'DELETE FROM consumer_offset', 'CREATE TABLE t (a int)',
      'DROP TABLE inventory', 'SET ROLE sluice_consumer'].map((sql): [Role, string] => ['operator', sql]), // prettier-ignore
    ['migrator', 'CREATE ROLE r'],
    ['migrator', 'SET ROLE sluice_consumer'],
  ])('%s: %s', async (role, sql) => {
    const client = new pg.Client({ connectionString: database.urlOf(role) })
    await client.connect()
    try {
      await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' })
    } finally {
      await client.end()
    }
  })
})
