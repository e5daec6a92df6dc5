// The gate of a group: closed by the breaker or by an operator, opened by an operator only, and the same for all members,
// also after a restart, because it is a row.
import type { Closure, Gate } from '../pipeline/sink.ts'
import { AUDIT } from './audit-entry.ts'
import type { Database } from './database.ts'
import type { Statements } from './writer.ts'

export type ClosingReason = Omit<Closure, 'closedAt'> & { readonly actor: string }

/** Of the gate's row, which may not be there yet; another after each change. */
export type GateVersion = string | null

export type GateState = {
  readonly closure: Closure | null
  readonly actor: string | null
  /** Dead letters that may still pass although the breaker would close the gate. */
  readonly allowance: bigint
}

export type GateStore = Gate & {
  state(): Promise<GateState>
  /**
   * Leaves a gate that is closed already as it is, with the reason it has; and one that was changed since it was `seen`: an
   * operator opened it meanwhile, for what would close it now.
   */
  close(reason: ClosingReason, seen: GateVersion): Promise<boolean>
  /** An operator closes it: written to audit_entry. False: it was closed before. */
  pause(reason: string, actor: string): Promise<boolean>
  /** An operator opens it: written to audit_entry. Resolves to what it was closed for; null: it was open. */
  resume(allowance: bigint, actor: string): Promise<Closure | null>
}

const CLOSE = `
  INSERT INTO consumer_gate AS g (group_id, closed_at, code, reason, partition, record_offset, actor)
  VALUES ($1, now(), $2, $3, $4::integer, $5::bigint, $6)
  ON CONFLICT (group_id) DO UPDATE SET closed_at = now(), code = excluded.code, reason = excluded.reason,
    partition = excluded.partition, record_offset = excluded.record_offset, actor = excluded.actor, allowance = 0
  WHERE g.closed_at IS NULL`
const CLOSE_UNCHANGED = `${CLOSE} AND g.xmin::text = $7`
const SELECT = `
  SELECT closed_at AS "closedAt", code, reason, partition, record_offset AS "offset", actor, allowance
  FROM consumer_gate WHERE group_id = $1`
const OPEN = `
  INSERT INTO consumer_gate (group_id, closed_at, allowance, actor) VALUES ($1, NULL, $2::bigint, $3)
  ON CONFLICT (group_id) DO UPDATE SET closed_at = NULL, allowance = excluded.allowance, actor = excluded.actor`

type GateRow = {
  closedAt: Date | null
  code: string | null
  reason: string | null
  partition: number | null
  offset: bigint | null
  actor: string | null
  allowance: bigint
}

const closureOf = (row: GateRow | undefined): Closure | null =>
  row?.closedAt
    ? {
        closedAt: row.closedAt,
        code: row.code ?? '',
        reason: row.reason ?? '',
        partition: row.partition,
        offset: row.offset,
      }
    : null

export function createGateStore({ database, groupId }: { database: Database; groupId: string }): GateStore {
  const read = async (on: Statements, lock = '') =>
    (await on.$queryRawUnsafe<GateRow[]>(`${SELECT} ${lock}`, groupId))[0]
  const valuesOf = ({ code, reason, partition, offset, actor }: ClosingReason) =>
    [groupId, code, reason, partition, offset, actor] as const
  const audit = (on: Statements, actor: string, action: string, detail: object) =>
    on.$executeRawUnsafe(AUDIT, actor, action, JSON.stringify({ group: groupId, ...detail }))

  return {
    closure: async () => closureOf(await read(database.client())),
    async state() {
      const row = await read(database.client())
      return { closure: closureOf(row), actor: row?.actor ?? null, allowance: row?.allowance ?? 0n }
    },
    close: async (reason, seen) =>
      (await database.client().$executeRawUnsafe(CLOSE_UNCHANGED, ...valuesOf(reason), seen)) === 1,
    pause: (reason, actor) =>
      database.transaction(async (tx) => {
        const closing = { code: 'PAUSED', reason, actor, partition: null, offset: null }
        const closed = (await tx.$executeRawUnsafe(CLOSE, ...valuesOf(closing))) === 1
        if (closed) await audit(tx, actor, 'gate.pause', { reason })
        return closed
      }),
    resume: (allowance, actor) =>
      database.transaction(async (tx) => {
        const closure = closureOf(await read(tx, 'FOR UPDATE'))
        await tx.$executeRawUnsafe(OPEN, groupId, allowance, actor)
        await audit(tx, actor, 'gate.resume', {
          allow: Number(allowance),
          code: closure?.code,
          reason: closure?.reason,
        })
        return closure
      }),
  }
}

/**
 * Takes `count` from the allowance if it has as many; resolves to what it held before, and to which gate it was. In the
 * sink's transaction, after the offset rows are locked.
 */
export async function drawAllowance(
  tx: Statements,
  groupId: string,
  count: number,
): Promise<{ allowance: bigint; seen: GateVersion }> {
  const sql = 'SELECT allowance, xmin::text AS version FROM consumer_gate WHERE group_id = $1 FOR UPDATE'
  const [row] = await tx.$queryRawUnsafe<{ allowance: bigint; version: string }[]>(sql, groupId)
  const allowance = row?.allowance ?? 0n
  if (allowance >= BigInt(count))
    await tx.$executeRawUnsafe(
      'UPDATE consumer_gate SET allowance = allowance - $2::bigint WHERE group_id = $1',
      groupId,
      BigInt(count),
    )
  return { allowance, seen: row?.version ?? null }
}
