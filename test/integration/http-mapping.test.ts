// Corrections of mappings over HTTP, by a real member: what is said beforehand, what moves, what is refused, and what is left when the
// member ends in the middle. The tests of this file build on one another.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { freePort } from '../support/free-port.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { type Answered, type Description, faultsOf } from '../support/openapi.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

const TOKEN = 'of-the-operators-of-this-test'
const bearer = { authorization: `Bearer ${TOKEN}` }

let world: World
let member: Member
let port: number
const begin = async () => {
  port = await freePort()
  member = world.start(`on ${port}`, { ...QUICK_SESSION, HTTP_PORT: String(port), ADMIN_TOKEN: TOKEN })
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/ready`).catch(() => null))?.status === 200
  await until('it is ready', isReady, { describe: member.tail })
}
beforeAll(async () => {
  world = await openArena(1)
  await begin()
  await write([CUP, 'Red cup'], [null, 'red cup!'], [null, 'RED cup'], ['LAMP', 'Desk lamp'])
  await write(['VASE', 'Blue vase', 'u-2'])
})
afterAll(() => world.close())

const CUP = 'CUP'
const write = async (...lines: readonly (readonly [sku: string | null, description: string, userId?: string])[]) => {
  const vendorItem = (sku: string | null, description: string) =>
    sku === null ? { description } : { sku, description }
  await world.send(
    lines.map(([sku, description, userId = 'u-1']) =>
      recordOf(event({ userId, vendorItem: vendorItem(sku, description), quantity: '2' }), 0),
    ),
  )
  await world.drained()
}

type Answer = { status: number; body: Record<string, unknown> & { error?: { code: string; message: string } } }
const post = async (path: string, body: object, headers: Record<string, string> = bearer): Promise<Answer> => {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, init)
  const text = await response.text()
  answers.push({ method: 'POST', path: `/api/${path}`, status: response.status, text })
  return { status: response.status, body: JSON.parse(text) as Answer['body'] }
}
const answers: Answered[] = []
type Ended = { state: string; done: number; result: Record<string, unknown>; error: { message: string } | null }
const over = ({ status, body }: Answer): Promise<Ended> => {
  expect(status).toBe(202)
  return until('the job is over', async () => {
    const job = await fetch(`http://127.0.0.1:${port}/api/jobs/${String(body['id'])}`, { headers: bearer })
    const found = (await job.json()) as Ended
    return found.state !== 'running' && found
  })
}
const itemOf = async (vendorKey: string) => {
  const sql = 'SELECT item_id FROM item_mapping WHERE vendor_key = $1'
  return Number((await world.query<{ item_id: string }>(sql, [vendorKey]))[0]!.item_id)
}
/** How many ledger rows are at each item; fails when what is on hand of any item is not the sum of them. */
const rowsAt = async (...items: number[]) => {
  const rows = await world.query<{ item: string; rows: string; sum: string; hand: string }>(`
    SELECT v.item_id AS item, count(l.item_id) AS rows, coalesce(sum(l.quantity), 0) AS sum, v.quantity AS hand
    FROM inventory v LEFT JOIN ledger_entry l USING (item_id) GROUP BY v.item_id, v.quantity`)
  for (const { sum, hand } of rows) expect(Number(hand)).toBe(Number(sum))
  const found = new Map(rows.map(({ item, rows }) => [Number(item), Number(rows)]))
  return items.map((item) => found.get(item))
}
const everything = () => world.query('SELECT item_id, mapping_id, event_id FROM ledger_entry ORDER BY event_id')

test('what is malformed, foreign, unknown or somebody else’s is refused, and nothing is changed', async () => {
  const [cup, vase] = [await itemOf('text:red cup'), await itemOf('sku:VASE')]
  const before = await everything()
  const asked = { user: 'u-1', key: 'text:red cup', from: cup, to: { item: vase }, dryRun: true }
  expect((await post('mappings/assign', asked, {})).status).toBe(401)
  expect((await post('mappings/undo', { user: 'u-1', key: 'text:red cup' }, {})).status).toBe(401)
  expect((await post('mappings/assign', asked, { ...bearer, origin: 'https://evil.example' })).status).toBe(403)
  for (const wrong of [
    { to: {} },
    { to: { item: 0 } },
    { to: { item: 1.5 } },
    { from: undefined },
    { reason: ' ' },
    { also: 1 },
  ])
    expect((await post('mappings/assign', { ...asked, ...wrong })).status).toBe(400)
  expect((await post('mappings/undo', { user: 'u-1', key: 'text:red cup' })).status).toBe(400)

  const refused = async (path: string, body: object) => (await post(`mappings/${path}`, body)).body.error
  const code = 'REFUSED'
  expect(await refused('assign', asked)).toMatchObject({ code, message: `user u-1 has no item ${vase}` })
  expect(await refused('assign', { ...asked, key: 'text:none' })).toMatchObject({
    code,
    message: 'user u-1 has no mapping of text:none',
  })
  expect(await refused('assign', { ...asked, to: { item: cup } })).toMatchObject({
    code,
    message: `text:red cup of user u-1 stands for item ${cup} "Red cup" already`,
  })
  expect(await refused('assign', { ...asked, from: 999 })).toMatchObject({
    code,
    message: `text:red cup stands for item ${cup} now, not 999; it was not moved`,
  })
  expect(await refused('undo', { user: 'u-1', key: 'text:red cup', dryRun: true })).toMatchObject({
    code,
    message: 'user u-1 has no correction to undo',
  })
  // The same without a dry run: by the end of the job.
  for (const [wrong, message] of [
    [{}, `user u-1 has no item ${vase}`],
    [{ from: 999, to: { name: null } }, `text:red cup stands for item ${cup} now, not 999; it was not moved`],
  ] as const)
    expect(await over(await post('mappings/assign', { ...asked, dryRun: false, ...wrong }))).toMatchObject({
      state: 'failed',
      error: { message },
    })
  expect(await everything()).toEqual(before)
  expect(await world.query('SELECT FROM mapping_change')).toEqual([])
})

test('an assign: counted, made by a job, on record; a second one is refused meanwhile; and undone', async () => {
  const [cup, lamp] = [await itemOf('text:red cup'), await itemOf('sku:LAMP')]
  const before = await everything()
  const asked = { user: 'u-1', key: 'text:red cup', from: cup, to: { item: lamp } }
  expect((await post('mappings/assign', { ...asked, dryRun: true })).body).toEqual({
    ...{ dryRun: true, userId: 'u-1', fromItem: cup, toItem: lamp, rows: 2, quantity: '4', notes: [] },
    what: `text:red cup of user u-1 from item ${cup} "Red cup" to item ${lamp} "Desk lamp"`,
  })
  expect(await everything()).toEqual(before)

  const holder = await world.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM ledger_entry WHERE item_id = $1 FOR UPDATE', [cup])
  const begun = await post('mappings/assign', { ...asked, reason: 'it stands on the lamp' })
  expect(begun.body).toMatchObject({ kind: 'assign', state: 'running' })
  for (const path of ['mappings/assign', 'mappings/undo', 'dead-letters/discard']) {
    const other =
      path === 'mappings/assign'
        ? asked
        : path === 'mappings/undo'
          ? { user: 'u-1', key: 'text:red cup', change: 1 }
          : { ids: ['000000'], reason: 'x' }
    expect(await post(path, other)).toMatchObject({ status: 409, body: { error: { code: 'JOB_RUNNING' } } })
  }
  expect(await post(`jobs/${String(begun.body['id'])}/stop`, {})).toMatchObject({ status: 409 })
  await holder.query('COMMIT')
  holder.release()
  expect(await over(begun)).toMatchObject({
    ...{ state: 'done', done: 2, error: null },
    result: {
      fromItem: cup,
      toItem: lamp,
      movedRows: 2,
      quantity: '4',
      mapping: { vendorKey: 'text:red cup', itemId: lamp, method: 'manual' },
    },
  })
  await write([null, 'Red CUP'])
  expect(await rowsAt(cup, lamp)).toEqual([1, 4])
  const [audited] = await world.query('SELECT actor, action, detail FROM audit_entry ORDER BY id DESC LIMIT 1')
  expect(audited).toMatchObject({
    actor: 'http 127.0.0.1',
    action: 'mapping.assign',
    detail: { rows: 2, reason: 'it stands on the lamp' },
  })
  const stale = await over(await post('mappings/assign', { ...asked, to: { name: null } }))
  expect(stale.error?.message).toBe(`text:red cup stands for item ${lamp} now, not ${cup}; it was not moved`)

  const ofOther = await post('mappings/undo', { user: 'u-1', key: 'sku:CUP', dryRun: true })
  expect(ofOther.body.error?.message).toMatch(
    /^the last correction of user u-1 is of another key: change \d+ \(assign: 1 key, item/,
  )
  const undo = { user: 'u-1', key: 'text:red cup' }
  const dry = await post('mappings/undo', { ...undo, dryRun: true })
  expect(dry.body).toMatchObject({ fromItem: lamp, toItem: cup, rows: 3, quantity: '6' })
  const ofOtherKey = await over(await post('mappings/undo', { ...undo, key: 'sku:CUP', change: dry.body['change'] }))
  expect(ofOtherKey.error?.message).toMatch(/is of another key: change \d+$/)
  const undone = await over(await post('mappings/undo', { ...undo, change: dry.body['change'] }))
  expect(undone).toMatchObject({ state: 'done', result: { movedRows: 3, mapping: { itemId: cup, method: 'created' } } })
  expect(await rowsAt(cup, lamp)).toEqual([4, 1])
  const again = await over(await post('mappings/undo', { ...undo, change: dry.body['change'] }))
  expect(again).toMatchObject({ state: 'failed', error: { message: 'user u-1 has no correction to undo' } })
})

test('to a new item; and what the stock cannot take is taken back, and said', async () => {
  const cup = await itemOf('text:red cup')
  const made = await over(
    await post('mappings/assign', { user: 'u-1', key: 'text:red cup', from: cup, to: { name: 'Red mug' } }),
  )
  const mug = await itemOf('text:red cup')
  expect(made).toMatchObject({ state: 'done', result: { toItem: mug, movedRows: 3, mapping: { itemName: 'Red mug' } } })
  const before = await everything()
  await world.query(`ALTER TABLE inventory ADD CONSTRAINT not_too_many CHECK (item_id <> ${cup} OR quantity < 5)`)
  const back = await over(
    await post('mappings/assign', { user: 'u-1', key: 'text:red cup', from: mug, to: { item: cup } }),
  )
  expect(back.state).toBe('failed')
  expect(back.error?.message).toMatch(
    new RegExp(`item ${cup} has 2 on hand and would have 8.*"not_too_many".*all is as it was$`),
  )
  await world.query('ALTER TABLE inventory DROP CONSTRAINT not_too_many')
  expect(await everything()).toEqual(before)
  expect(await rowsAt(cup, mug)).toEqual([1, 3])
})

test('when the member ends in the middle it is half done, and the next correction finishes it', async () => {
  const [mug, lamp] = [await itemOf('text:red cup'), await itemOf('sku:LAMP')]
  const holder = await world.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM ledger_entry WHERE item_id = $1 FOR UPDATE', [mug])
  await post('mappings/assign', { user: 'u-1', key: 'text:red cup', from: mug, to: { item: lamp } })
  await until('the move waits for the rows', async () => (await itemOf('text:red cup')) === lamp)
  member.kill('SIGTERM')
  expect((await member.ended).code).toBe(0)
  await holder.query('COMMIT')
  holder.release()
  await begin()
  const pending = () => world.query('SELECT FROM mapping_change WHERE moved_at IS NULL')
  expect(await pending()).toHaveLength(1)
  const asked = { user: 'u-1', key: 'text:red cup', from: lamp, dryRun: true }
  // The three are still at the mug, and would move twice.
  expect((await post('mappings/assign', { ...asked, to: { name: null } })).body).toMatchObject({
    ...{ rows: 3, quantity: '6', notes: [expect.stringMatching(/^change \d+ is half done/)] },
  })
  expect((await post('mappings/assign', { ...asked, to: { item: lamp } })).body.error).toMatchObject({
    remedy: expect.stringContaining('sluice mapping finish u-1') as string,
  })
  const next = await over(
    await post('mappings/assign', { user: 'u-1', key: 'sku:CUP', from: await itemOf('sku:CUP'), to: { item: lamp } }),
  )
  expect(next).toMatchObject({ state: 'done', result: { movedRows: 1 } })
  expect(await pending()).toHaveLength(0)
  expect(await rowsAt(mug, lamp)).toEqual([0, 5])
})

test('every answer above is as the member’s description says', async () => {
  const described = (await (await fetch(`http://127.0.0.1:${port}/api/openapi.json`)).json()) as Description
  expect(answers.flatMap((each) => faultsOf(described, each))).toEqual([])
  const good = answers.filter(({ status }) => status < 300).map(({ path, status }) => `${path} ${status}`)
  expect([...new Set(good)].sort()).toEqual([
    '/api/mappings/assign 200',
    '/api/mappings/assign 202',
    '/api/mappings/undo 200',
    '/api/mappings/undo 202',
  ])
})
