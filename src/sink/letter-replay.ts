// Marking dead letters for their replay. The lease is a column, not a lock: a lock held during the send would block the
// sink, and die with the session.
import { hash } from 'node:crypto'
import type { DeadLetterRow } from '../dead-letters/dead-letter.ts'
import type { LetterFilter } from '../dead-letters/letter-filter.ts'
import { MAX_REPLAYS, statusesThatTake } from '../dead-letters/life-cycle.ts'
import type { ReplayStore } from '../dead-letters/replay.ts'
import { numberArray, textArray } from './array-literal.ts'
import { AUDIT } from './audit-entry.ts'
import type { Database } from './database.ts'
import { beyond, createParams, type Params, statusAfter, statusList, whereOf } from './letter-where.ts'
import { LETTER, letterFromRow, type StoredLetter } from './outbox.ts'

export type ReplaySelection = {
  readonly filter: LetterFilter
  /** Also letters that were replayed and whose outcome never came. */
  readonly again: boolean
  /** The database's time when the command began. What failed later is not this run's, nor what it has sent itself. */
  readonly began: Date
  /** Sent in the place of the value. */
  readonly edit: Buffer | null
}

export type ReplayCount = {
  readonly topic: string
  readonly code: string
  readonly ready: number
  /** Their value could not be stored. */
  readonly lost: number
}

export type ReplayLetters = ReplayStore & {
  /** What `mark` will find, by topic and code. */
  count(): Promise<ReplayCount[]>
  audit(actor: string, action: 'dlq.replay' | 'dlq.replay.end', detail: object): Promise<void>
}

/** A chunk holds at most so many bytes of letters, or one letter. */
const CHUNK_BYTES = 8 * 1024 * 1024
const LEASE = `interval '1 minute'`

/** Marked by a replay that ended before the brokers had acknowledged it. */
const UNSENT = `(d.status = 'replayed' AND d.replay_sent_at IS NULL)`
const CLAIM_ENDED = `(d.replay_claimed_until IS NULL OR d.replay_claimed_until <= now())`
/** Of an edited replay only the hash is here. A replay by filters would send the old value: that one must be named. */
const UNEDITED = `d.replay_hash = sha256(coalesce(d.value, ''))`

function selected(params: Params, groupId: string, { filter, again, began }: ReplaySelection): string {
  const named = filter.ids !== null
  const chosen =
    filter.statuses ?? (named ? (['open', 'parked', 'replayed'] as const) : (['open', 'replayed'] as const))
  const resumes = chosen.includes('replayed')
  const statuses = statusesThatTake('replay').filter(
    (status) => chosen.includes(status) && (status !== 'replayed' || again),
  )
  const unsent = resumes ? `OR (${UNSENT} AND ${CLAIM_ENDED}${named ? '' : ` AND ${UNEDITED}`})` : ''
  const start = params.add(began, 'timestamptz')
  return `${whereOf(params, groupId, filter, false)}
    AND ((d.status IN ${statusList(statuses)} AND NOT ${UNSENT}) ${unsent})
    AND d.created_at <= ${start} AND (d.replay_sent_at IS NULL OR d.replay_sent_at < ${start})`
}

/** Ids with the number of the replay: an acknowledgement that comes late must not speak for the next replay. */
const MINE = `(SELECT id FROM dead_letter
  WHERE (id, replay_count) IN (SELECT * FROM unnest($1::text[], $2::integer[])) ORDER BY id FOR UPDATE)`

type Options = { database: Database; groupId: string; selection: ReplaySelection }

export function createReplayLetters({ database, groupId, selection }: Options): ReplayLetters {
  const { edit } = selection
  const usable = edit === null ? 'd.value_sha256 IS NULL' : 'true'

  const change = async (assignments: string, letters: readonly DeadLetterRow[], also = '') => {
    if (letters.length === 0) return
    const sql = `WITH mine AS MATERIALIZED ${MINE}
      UPDATE dead_letter d SET ${assignments} FROM mine WHERE d.id = mine.id ${also}`
    const ids = textArray(letters.map(({ id }) => id))
    const counts = numberArray(letters.map(({ replayCount }) => replayCount))
    await database.client().$executeRawUnsafe(sql, ids, counts)
  }
  /** Not of a letter that its copy has meanwhile resolved. */
  const stillUnsent = `AND ${UNSENT}`

  return {
    async count() {
      const params = createParams()
      const where = selected(params, groupId, selection)
      const sql = `SELECT d.topic, d.code, count(*) FILTER (WHERE ${usable})::integer AS ready,
          count(*) FILTER (WHERE NOT (${usable}))::integer AS lost
        FROM dead_letter d WHERE ${where} GROUP BY d.topic, d.code ORDER BY ready DESC, d.topic, d.code`
      return database.client().$queryRawUnsafe<ReplayCount[]>(sql, ...params.values)
    },
    async mark(after, limit) {
      const params = createParams()
      const where = selected(params, groupId, selection) + beyond(params, after, '>')
      const size = `octet_length(d.headers) + coalesce(octet_length(d.key), 0) + coalesce(octet_length(d.value), 0)`
      const replayHash =
        edit === null
          ? `sha256(coalesce(d.value, ''))`
          : `decode(${params.add(hash('sha256', edit, 'hex'), 'text')}, 'hex')`
      const sql = `
        WITH next AS MATERIALIZED (
          SELECT d.id, d.created_at, (${size})::bigint AS size FROM dead_letter d WHERE ${where} AND ${usable}
          ORDER BY d.created_at, d.id LIMIT ${params.add(limit, 'integer')} FOR UPDATE SKIP LOCKED
        ), fits AS (
          SELECT id, sum(size) OVER (ORDER BY created_at, id) - size AS before FROM next
        )
        UPDATE dead_letter d SET status = ${statusAfter('replay')},
          replay_count = d.replay_count + CASE WHEN ${UNSENT} THEN 0 ELSE 1 END,
          replay_hash = ${replayHash}, replay_sent_at = NULL, replay_claimed_until = now() + ${LEASE}
        FROM fits WHERE d.id = fits.id AND fits.before < ${CHUNK_BYTES}
        RETURNING ${LETTER}`
      const rows = await database.client().$queryRawUnsafe<StoredLetter[]>(sql, ...params.values)
      return rows.map(letterFromRow).sort(byAge)
    },
    markSent: (letters) => change('replay_sent_at = now(), replay_claimed_until = NULL', letters),
    release: (letters) => change('replay_claimed_until = now()', letters, stillUnsent),
    refuse: (letters) =>
      change(
        `status = CASE WHEN d.replay_count >= ${MAX_REPLAYS} THEN ${statusAfter('refused-finally')}
           ELSE ${statusAfter('refused')} END, replay_sent_at = now(), replay_claimed_until = NULL`,
        letters,
        stillUnsent,
      ),
    async audit(actor, action, detail) {
      await database.client().$executeRawUnsafe(AUDIT, actor, action, JSON.stringify({ group: groupId, ...detail }))
    },
  }
}

const byAge = (a: DeadLetterRow, b: DeadLetterRow) =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1)
