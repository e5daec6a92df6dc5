// `sluice mapping` while members write: what a person sees, and that nothing is lost or counted twice, whoever is killed. The tests of
// this file build on one another.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(4)
})
afterAll(() => world.close())

const mapping = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await world.sluice(['mapping', ...args])
  return { exitCode, stdout: String(stdout), stderr: String(stderr) }
}
type Row = Record<string, string | null>
const one = async (sql: string, values: unknown[] = []) => (await world.query<Row>(sql, values))[0]!
const rowsAt = async (itemId: string) =>
  Number((await one('SELECT count(*) AS rows FROM ledger_entry WHERE item_id = $1', [itemId]))['rows'])
const line = (sku: string | null, description: string) =>
  recordOf(
    event({ userId: 'u-1', vendorItem: sku === null ? { description } : { sku, description }, quantity: '2' }),
    0,
  )
const reconciled = async () => {
  const { exitCode, stdout } = await world.sluice(['reconcile', '--json'])
  const { checks } = JSON.parse(String(stdout)) as { checks: { name: string; wrong: number }[] }
  return [exitCode, ...checks.filter(({ wrong }) => wrong > 0).map(({ name }) => name)]
}

test('a key is looked at, assigned while a member writes, and given back', async () => {
  world.start('member', QUICK_SESSION)
  await world.send([line('CUP', 'Red cup'), line(null, 'red cup!'), line('LAMP', 'Desk lamp')])
  await world.drained()
  const listed = await mapping('list', '--user', 'u-1', '--text', 'RED', '--json')
  const keys = listed.stdout.split('\n').map((each) => JSON.parse(each) as { vendorKey: string; itemId: number })
  expect(keys.map(({ vendorKey }) => vendorKey).sort()).toEqual(['sku:CUP', 'text:red cup'])
  const [cup, lamp] = [String(keys[0]!.itemId), (await one("SELECT item_id FROM item_mapping WHERE vendor_key = 'sku:LAMP'"))['item_id']!] // prettier-ignore

  const dry = await mapping('assign', 'u-1', 'Red CUP', '--to', 'LAMP', '--dry-run')
  expect(dry.stdout).toBe(`would move text:red cup of user u-1 from item ${cup} "Red cup" to item ${lamp} "Desk lamp"
  1 ledger row, quantity 2
nothing was changed`)
  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([2, 1])

  const { stdout } = await mapping('assign', 'u-1', 'Red CUP', '--to', 'LAMP', '--reason', 'it stands on the lamp')
  expect(stdout).toMatch(/^change \d+: moved text:red cup of user u-1 from item \d+ "Red cup" to item \d+ "Desk lamp"\n {2}1 ledger row, quantity 2\n/) // prettier-ignore
  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([1, 2])
  // The member remembers the key; the change reaches its next batch.
  await world.send([line(null, 'red cup!'), line('CUP', 'Red cup')])
  await world.drained()
  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([2, 3])
  const shown = await mapping('show', 'u-1', `item:${lamp}`)
  expect(shown.stdout).toMatch(/on hand 6, 3 ledger rows/)
  expect(shown.stdout).toMatch(/text:red cup +│ manual +│ +– │ +2 │ +4 │/)
  expect(shown.stdout).toMatch(/assign: 1 key, item \d+ → item \d+ │ +1 │ +2 │ it stands on the lamp/)

  expect((await mapping('undo', 'u-1')).stdout).toContain('2 ledger rows, quantity 4')
  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([4, 1])
  expect(await mapping('undo', 'u-1')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('has no correction to undo') as string }) // prettier-ignore
  expect(await reconciled()).toEqual([0])
}, 120_000)

test('killed between its two transactions, a merge is half done, told so, and finished', async () => {
  const cup = (await one("SELECT item_id FROM item_mapping WHERE vendor_key = 'sku:CUP'"))['item_id']!
  const lamp = (await one("SELECT item_id FROM item_mapping WHERE vendor_key = 'sku:LAMP'"))['item_id']!
  const holder = await world.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM ledger_entry WHERE item_id = $1 LIMIT 1 FOR UPDATE', [cup])
  const merging = world.sluice(['mapping', 'merge', 'u-1', 'CUP', 'LAMP'])
  await until('the move waits for the row', async () => (await world.query("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")).length > 0) // prettier-ignore
  // Members are not held by it, and new lines go to the new item.
  const before = await rowsAt(lamp)
  await world.send([line('CUP', 'Red cup')])
  await world.drained()
  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([4, before + 1])
  merging.kill('SIGKILL')
  await merging
  await holder.query('COMMIT')
  await until('its session has ended', async () => (await world.query("SELECT FROM pg_stat_activity WHERE application_name = 'sluice-mapping' AND datname = current_database()")).length === 0) // prettier-ignore

  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([4, before + 1])
  expect(await reconciled()).toEqual([0])
  const { stdout } = await mapping('show', 'u-1', 'CUP')
  expect(stdout).toMatch(/change \d+ is half done, its ledger rows are not moved yet: sluice mapping finish u-1/)
  expect((await mapping('finish', 'u-1')).stdout).toMatch(/is done: moved 4 ledger rows, quantity 8 \(merge: 2 keys/)
  expect([await rowsAt(cup), await rowsAt(lamp)]).toEqual([0, before + 5])
  expect((await mapping('finish', 'u-1')).stdout).toContain('no correction that is half done')
  expect(await reconciled()).toEqual([0])
}, 120_000)

test('members write, one is killed, and people correct all the time: nothing is lost, and every row is at the item of its key', async () => {
  const dying = world.start('dying', QUICK_SESSION)
  await dying.logged('partitions assigned')
  const publishing = world.sluice(['publish', '--generate', '500000', '--seed', '8', '--rate', '300'])
  await until('some user has several items', async () =>
    (await world.query("SELECT FROM ledger_entry WHERE user_id <> 'u-1' GROUP BY user_id HAVING count(DISTINCT item_id) > 20")).length > 0) // prettier-ignore
  const user = (await one("SELECT user_id FROM ledger_entry WHERE user_id <> 'u-1' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"))['user_id']! // prettier-ignore
  const found: unknown[] = []
  const moved: number[] = []
  for (let n = 0; n < 5; n++) {
    const [a, b] = await world.query<{ item_id: string }>(
      'SELECT item_id FROM ledger_entry WHERE user_id = $1 GROUP BY 1 ORDER BY count(*) DESC LIMIT 2',
      [user],
    )
    const args = n % 3 === 2 ? ['undo', user] : ['merge', user, `item:${a!.item_id}`, `item:${b!.item_id}`]
    const { exitCode, stdout, stderr } = await mapping(...args, '--yes', '--json')
    expect([exitCode, stderr]).toEqual([0, ''])
    moved.push((JSON.parse(stdout) as { movedRows: number }).movedRows)
    if (n === 2) dying.kill('SIGKILL')
    if (n === 3) found.push(await reconciled())
  }
  publishing.kill('SIGINT')
  await publishing
  await world.drained(120_000)
  found.push(await reconciled())
  expect(found).toEqual(found.map(() => [0]))
  expect(moved.every((rows) => rows > 0)).toBe(true)
  expect(notOk((await proveWorld(world)).lines)).toEqual([])
}, 240_000)
