// What members say of themselves, on real PostgreSQL.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMemberStore, readMembers, readSamples } from '../../src/sink/member-store.ts'
import type { MemberState } from '../../src/telemetry/member-state.ts'
import { GROUP, openSink, type OpenSink, openTestDatabase, type TestDatabase } from '../support/sink.ts'

let db: TestDatabase
let open: OpenSink
beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
})
afterAll(async () => {
  await open.close()
  await db.close()
})

test('two topics under one group id are two views', async () => {
  const tell = async (topic: string) => {
    const memberId = randomUUID()
    const self = { groupId: GROUP, topic, memberId, clientId: 'c', version: '1', startedAt: new Date() }
    const store = createMemberStore(open.database, self)
    await store.write({ phase: 'running' } as MemberState)
    await store.sample({ ms: 5_000 })
    return memberId
  }
  const [one, other] = [await tell('one'), await tell('other')]
  const since = new Date(Date.now() - 3_600_000)
  for (const [topic, memberId] of [
    ['one', one],
    ['other', other],
  ] as const) {
    // prettier-ignore
    const owner = { groupId: GROUP, topic }
    expect((await readMembers(open.database, owner)).map((row) => row.memberId)).toEqual([memberId])
    expect((await readSamples(open.database, owner, since)).map((row) => row.memberId)).toEqual([memberId])
  }
})
