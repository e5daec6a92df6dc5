// Looking at dead letters and clearing them away, as a person does it: the commands on letters of real records.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event } from '../support/events.ts'
import type { World } from '../support/world.ts'

const SECRET = 'secret-of-a-person'
const ESCAPES = '\u001b[31mred\u001b[0m \u202eevil'

let world: World
beforeAll(async () => {
  world = await openArena(1)
  await world.query('ALTER TABLE ledger_entry ADD CONSTRAINT small CHECK (quantity < 1000) NOT VALID')
  const member = world.start('member')
  await member.logged('starting position')
  const of = (value: object, userId = 'u-1') => Buffer.from(JSON.stringify({ ...event({ userId }), ...value }))
  const values: (Buffer | string)[] = [
    of({ quantity: '1000' }),
    of({ quantity: '0', invoiceId: 'I-2' }, 'u-2'),
    `{"broken": "${SECRET} ${ESCAPES}`,
    Buffer.from([0xff, 0xfe, 0x00]),
    of({ invoiceId: `I 2${ESCAPES}` }, 'u-2'),
  ]
  const headers = [['plain', Buffer.from(ESCAPES)], ['bytes', Buffer.from([0xff])], ['none', null]] as const // prettier-ignore
  await world.send(values.map((value, n) => ({ key: n === 3 ? Buffer.from([0xfe]) : 'I-9', value: Buffer.from(value), headers }))) // prettier-ignore
  await world.drained()
  member.kill('SIGTERM')
  await member.ended
})
afterAll(() => world.close())

const dlq = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await world.sluice(['dlq', ...args])
  return { exitCode, stdout: String(stdout), stderr: String(stderr) }
}
type Json = Record<string, unknown>
const ndjson = (text: string) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Json) // prettier-ignore
const idOf = async (code: string) => (await world.query<{ id: string }>('SELECT id FROM dead_letter WHERE code = $1', [code]))[0]!.id // prettier-ignore

describe('list', () => {
  test('is a table, newest first, and holds nothing that a record wrote but ids', async () => {
    const { exitCode, stdout } = await dlq('list')
    expect(exitCode).toBe(0)
    for (const code of ['ROW_REJECTED', 'QUANTITY_ZERO', 'JSON_INVALID', 'ENCODING_INVALID', 'IDENTIFIER_INVALID'])
      expect(stdout).toContain(code)
    expect(stdout).toMatch(/│ ROW_REJECTED +│ write +│ 0@0 +│ u-1 +│ I-1 \/ 1 +│ +1 │ +0 │ open +│ yes +│/)
    expect(stdout).not.toContain(SECRET)
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u001b\u202e]/)
  })

  test('pages: all letters once, and a hint while there are more', async () => {
    const seen: string[] = []
    let after: string[] = []
    for (let page = 0; page < 3; page++) {
      const { stdout } = await dlq('list', '--limit', '2', ...after)
      seen.push(...[...stdout.matchAll(/^│ ([0-9a-f]{12}) /gm)].map(([, id]) => id!))
      const hint = /--after ([0-9a-f]{12})$/.exec(stdout)?.[1]
      expect(hint !== undefined).toBe(page < 2)
      if (hint !== undefined) after = ['--after', hint]
    }
    expect([seen.length, new Set(seen).size]).toEqual([5, 5])
  })

  test('--json is one object a line, all of them, and filters cut it down', async () => {
    const all = ndjson((await dlq('list', '--json')).stdout)
    expect(all).toHaveLength(5)
    expect(all.find(({ code }) => code === 'ROW_REJECTED')).toMatchObject({ sqlstate: '23514', userId: 'u-1', seen: 1, replays: 0, offset: 0, status: 'open', stored: true }) // prettier-ignore
    const codes = async (...filters: string[]) => ndjson((await dlq('list', '--json', ...filters)).stdout).map(({ code }) => code) // prettier-ignore
    expect(await codes('--stage', 'decode', '--since', '1h')).toHaveLength(2)
    expect(await codes('--user', 'u-2', '--code', 'quantity_zero')).toEqual(['QUANTITY_ZERO'])
    expect(await codes('--until', '1h')).toEqual([])
    expect(await codes('--invoice', 'I-9', '--stage', 'decode')).toEqual(['JSON_INVALID'])
  })

  test('none is no fault', async () => {
    const { exitCode, stdout } = await dlq('list', '--status', 'parked')
    expect([exitCode, stdout]).toEqual([0, `group ${world.config.groupId} has no dead letters that fit`])
  })

  test.each([
    [['list', '--code', 'NO_SUCH'], /known are: RECORD_TOO_LARGE, /],
    [['list', '--limit', '5000'], /--json/],
    [['purge'], /--older-than/],
    [['replay', '--status', 'resolved'], /never replayed/],
    [['show', 'ffffffffffffffff'], /has no dead letter ffffffffffffffff/],
  ])('%j is told what is wrong, with exit code 2', async (args, says) => {
    const { exitCode, stderr } = await dlq(...args)
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(says)])
  })
})

describe('show', () => {
  test('says why, what to do, where from, and the record: laid out and in hex', async () => {
    const id = await idOf('ROW_REJECTED')
    const { exitCode, stdout } = await dlq('show', id.slice(0, 12))
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`dead letter ${id}`)
    expect(stdout).toMatch(/code +ROW_REJECTED \(stage write\)[^]*sqlstate +23514/)
    expect(stdout).toContain('sluice dlq replay --code ROW_REJECTED')
    expect(stdout).toContain(`${world.config.topic}, partition 0, offset 0`)
    expect(stdout).toMatch(/\n {4}"quantity": "1000",\n|\n {2} {2}"quantity": "1000",\n/)
    expect(stdout).toMatch(/00000000 {2}7b 22/)
    expect(stdout).toMatch(/headers \(3\)\n {2}plain: .*\n {2}bytes: 0xff\n {2}none: \(null\)/)
  })

  test.each(['JSON_INVALID', 'IDENTIFIER_INVALID'])('nothing of the record repaints the terminal: %s', async (code) => {
    const { stdout } = await dlq('show', await idOf(code))
    expect(stdout).toContain('evil')
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u001b\u009b\u202e]/)
  })

  test('bytes that are no text are hex, key and value', async () => {
    const { stdout } = await dlq('show', await idOf('ENCODING_INVALID'))
    expect(stdout).toMatch(/key \(1 byte, not UTF-8: as hex\)\n {2}fe\n/)
    expect(stdout).toMatch(/value \(3 bytes, not UTF-8: as hex\)\n {2}fffe00\n/)
  })

  test('--raw gives the bytes, --json all of it', async () => {
    const id = await idOf('ENCODING_INVALID')
    const raw = await world.sluice(['dlq', 'show', id, '--raw'], { encoding: 'buffer' })
    expect(Buffer.from(raw.stdout as Uint8Array)).toEqual(Buffer.from([0xff, 0xfe, 0x00]))
    const [json] = ndjson((await dlq('show', id, '--json')).stdout)
    expect(json).toMatchObject({ id, code: 'ENCODING_INVALID', key: '/g==', value: '//4A', headers: [['plain', Buffer.from(ESCAPES).toString('base64')], ['bytes', '/w=='], ['none', null]] }) // prettier-ignore
  })

  test('a beginning that fits two letters is told so', async () => {
    const [a, b] = ['a'.repeat(63) + '1', 'a'.repeat(63) + '2']
    for (const id of [a, b])
      await world.query(`INSERT INTO dead_letter SELECT (jsonb_populate_record(d, jsonb_build_object('id', $1::text))).* FROM dead_letter d LIMIT 1`, [id]) // prettier-ignore
    const { exitCode, stderr } = await dlq('show', 'aaaaaa')
    await world.query('DELETE FROM dead_letter WHERE id = ANY ($1)', [[a, b]])
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^sluice: aaaaaa is the beginning of more than one id.*\n {2}→ give more/)]) // prettier-ignore
  })
})

describe('stats', () => {
  test('a line for each code, a line for all, and who waits for the DLQ topic', async () => {
    const { stdout } = await dlq('stats')
    expect(stdout).toMatch(/│ JSON_INVALID +│ decode +│ +1 │ +0 │ +0 │ +0 │ +0 │ +1 │ +\d+\w.*│ +1 │ +0 │ ↑ /)
    expect(stdout).toMatch(/│ all +│ +│ +5 │ +0 │ +0 │ +0 │ +0 │ +5 │/)
    expect(stdout).toContain(`all of them are on ${world.config.dlqTopic}`)
  })

  test('--json, and by topic', async () => {
    const [json] = ndjson((await dlq('stats', '--json', '--by', 'topic')).stdout)
    expect(json).toMatchObject({ by: 'topic', rows: [{ topic: world.config.topic, total: 5, open: 5 }], total: { total: 5, unpublished: 0, lastHour: 5, hourBefore: 0 } }) // prettier-ignore
  })
})

describe('discard and purge', () => {
  test('discard: looked at first, then done, kept with its reason, and on record', async () => {
    const filter = ['--code', 'QUANTITY_ZERO', '--reason', 'zero lines are not booked']
    expect((await dlq('discard', ...filter, '--dry-run')).stdout).toBe('would discard 1 dead letter; nothing was changed') // prettier-ignore
    expect((await dlq('discard', ...filter)).stdout).toBe('discarded 1 dead letter')
    expect((await dlq('discard', ...filter)).stdout).toBe('no dead letters to discard fit')
    const shown = await dlq('show', await idOf('QUANTITY_ZERO'))
    expect(shown.stdout).toMatch(/status +discarded[^]*because: zero lines are not booked/)
    const audited = await world.query(`SELECT detail->>'count' AS count, detail->>'reason' AS reason FROM audit_entry WHERE action = 'dlq.discard'`) // prettier-ignore
    expect(audited).toEqual([{ count: '1', reason: 'zero lines are not booked' }])
  })

  test('purge: by age what is done with; of a person everything; and says what it cannot reach', async () => {
    expect((await dlq('purge', '--older-than', '1d')).stdout).toBe('no dead letters to purge fit')
    await world.query(`UPDATE dead_letter SET created_at = created_at - interval '2 days'`)
    const aged = await dlq('purge', '--older-than', '1d')
    expect(aged.stdout).toBe(`purged 1 dead letter\ncopies on ${world.config.dlqTopic} end with the retention of that topic`) // prettier-ignore
    await world.query('UPDATE dead_letter SET published_at = NULL')
    expect(ndjson((await dlq('purge', '--user', 'u-1', '--json')).stdout)).toEqual([{ found: 1, purged: 1, left: 0, stopped: false }]) // prettier-ignore
    expect(await world.query('SELECT 1 FROM dead_letter WHERE user_id = $1', ['u-1'])).toEqual([])
    const left = await world.query<{ code: string }>('SELECT code FROM dead_letter ORDER BY code')
    expect(left.map(({ code }) => code)).toEqual(['ENCODING_INVALID', 'IDENTIFIER_INVALID', 'JSON_INVALID'])
  })

  test('more than 100 without a terminal: refused without --yes', async () => {
    await world.query(`INSERT INTO dead_letter
      SELECT (jsonb_populate_record(d, jsonb_build_object('id', 'bulk' || i, 'user_id', 'bulk'))).*
      FROM dead_letter d, generate_series(1, 101) i WHERE d.code = 'JSON_INVALID'`)
    const refused = await dlq('discard', '--user', 'bulk', '--reason', 'r')
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/no terminal to ask on; nothing was changed\n {2}→ .*--yes/)]) // prettier-ignore
    expect((await dlq('discard', '--user', 'bulk', '--reason', 'r', '--yes')).stdout).toBe('discarded 101 dead letters')
    expect((await dlq('purge', '--user', 'bulk', '--yes')).stdout).toMatch(/^purged 101 dead letters/)
  })
})
