// What the members of a group say of themselves: each writes its own row, everybody reads all of them.
import { hostname } from 'node:os'
import { pid } from 'node:process'
import type { MemberStore } from '../telemetry/member-report.ts'
import type { MemberState, Sample } from '../telemetry/member-state.ts'
import type { Database } from './database.ts'
import type { Owner } from './statements.ts'

export type Self = {
  readonly groupId: string
  readonly topic: string
  readonly memberId: string
  readonly clientId: string
  readonly version: string
  readonly startedAt: Date
}

const WRITE = `
  INSERT INTO member (group_id, member_id, topic, host, pid, client_id, version, started_at, seen_at, state)
  VALUES ($1, $2::uuid, $3, $4, $5::integer, $6, $7, $8::timestamptz, now(), $9::jsonb)
  ON CONFLICT (group_id, member_id) DO UPDATE SET seen_at = now(), state = excluded.state`
const SAMPLE = `
  INSERT INTO member_sample (group_id, at, member_id, sample) VALUES ($1, now(), $2::uuid, $3::jsonb)
  ON CONFLICT DO NOTHING`
const FORGET_SAMPLES = `DELETE FROM member_sample WHERE group_id = $1 AND at < now() - interval '2 hours'`
const FORGET_MEMBERS = `DELETE FROM member WHERE group_id = $1 AND seen_at < now() - interval '1 day'`

export function createMemberStore(database: Database, self: Self): MemberStore {
  const { groupId, memberId, topic, clientId, version, startedAt } = self
  const run = async (sql: string, ...values: unknown[]) => {
    await database.client().$executeRawUnsafe(sql, ...values)
  }
  const known = [groupId, memberId, topic, hostname(), pid, clientId, version, startedAt]
  return {
    write: (state) => run(WRITE, ...known, JSON.stringify(state)),
    sample: (sample) => run(SAMPLE, groupId, memberId, JSON.stringify(sample)),
    async clean() {
      await run(FORGET_SAMPLES, groupId)
      await run(FORGET_MEMBERS, groupId)
    },
  }
}

export type MemberRow = {
  readonly memberId: string
  readonly host: string
  readonly pid: number
  readonly clientId: string
  readonly version: string
  readonly startedAt: Date
  readonly seenAt: Date
  /** By PostgreSQL's clock. */
  readonly seenMsAgo: number
  readonly state: MemberState
}

/** Not seen for so long: gone, or cut off from PostgreSQL. */
export const GONE_MS = 10_000
export const isAlive = ({ seenMsAgo, state }: Pick<MemberRow, 'seenMsAgo' | 'state'>) =>
  seenMsAgo <= GONE_MS && state.phase !== 'stopped'

/** Of one topic: two may be worked on under one group id. The one that was seen last first. */
export const readMembers = (database: Database, { groupId, topic }: Owner): Promise<MemberRow[]> =>
  database.client().$queryRawUnsafe<MemberRow[]>(
    `SELECT member_id::text AS "memberId", host, pid, client_id AS "clientId", version, started_at AS "startedAt",
       seen_at AS "seenAt", (extract(epoch FROM now() - seen_at) * 1000)::float8 AS "seenMsAgo", state
     FROM member WHERE group_id = $1 AND topic = $2 ORDER BY seen_at DESC, member_id`,
    groupId,
    topic,
  )

export type SampleRow = { readonly at: Date; readonly memberId: string; readonly sample: Sample }

/** In order of time. */
export const readSamples = (database: Database, { groupId, topic }: Owner, since: Date): Promise<SampleRow[]> =>
  database.client().$queryRawUnsafe<SampleRow[]>(
    `SELECT at, member_id::text AS "memberId", sample FROM member_sample JOIN member USING (group_id, member_id)
     WHERE group_id = $1 AND topic = $2 AND at >= $3::timestamptz ORDER BY at, member_id`,
    groupId,
    topic,
    since,
  )
