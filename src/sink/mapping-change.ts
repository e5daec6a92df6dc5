// A person corrects mappings: a vendor key is assigned to another item, or an item is merged into another, with the ledger rows
// that came by it. Two transactions:
//   1 redirect, of milliseconds, while nobody writes lines: from here on every line goes to the new item. Its change has a higher
//     id than all before: a member that mapped a batch earlier sees that at the end of its transaction, and maps it again.
//   2 move (mapping-move.ts): the rows that are at the old item, and the stock. If it does not come to that, as the process was
//     killed, the change is pending: the next correction of the user moves them first.
import type { Clock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { classifyError } from './classify.ts'
import type { Database } from './database.ts'
import {
  getChange,
  insertChange,
  keepMappings,
  lastChange,
  lockCorrections,
  lockMappings,
  type MappingChange,
  type NewChange,
  pendingChange,
  redirectMappings,
  restoreMappings,
  giveSku,
  takeSku,
} from './mapping-change-statements.ts'
import { moveRows } from './mapping-move.ts'
import { lockUsers } from './mapping-statements.ts'
import { hasItem, refused, type Target, targetOf } from './mapping-target.ts'
import type { Tx } from './writer.ts'

export type Corrections = {
  assign(userId: string, vendorKey: string, to: Target): Promise<MappingChange>
  merge(userId: string, from: bigint, into: bigint): Promise<MappingChange>
  /** The last assign or merge of the user that is not undone; refused when that is not `expected`. */
  undo(userId: string, expected: bigint): Promise<MappingChange>
  /** Moves what a correction that was cut short left behind. Null: there is none. */
  finish(userId: string): Promise<MappingChange | null>
}

type Deps = {
  readonly database: Database
  readonly clock: Pick<Clock, 'sleep'>
  readonly actor: string
  readonly reason: string | null
}

const PATIENCE_MS = 4_000
const TRIES = 6
const PAUSE_MS = 500

export function createCorrections(deps: Deps): Corrections {
  const { database, actor, reason } = deps
  const by = { actor, reason, undoes: null, adoptedSku: null }

  async function finish(userId: string): Promise<MappingChange | null> {
    const pending = await pendingChange(database.client(), userId)
    try {
      return pending && (await patiently(deps, () => database.transaction((tx) => moveRows(tx, pending.id))))
    } catch (error) {
      if (classifyError(error).fate !== 'row') throw error
      const what = `the rows of change ${pending?.id} cannot be moved: the quantity on hand does not take it`
      throw refused(what, `sluice mapping undo ${userId}`, error)
    }
  }

  /** `decide` runs while nobody writes lines or creates mappings of the user. */
  const redirect = (userId: string, decide: (tx: Tx) => Promise<bigint>) =>
    patiently(deps, () =>
      database.transaction(async (tx) => {
        await lockCorrections(tx, userId)
        await lockUsers(tx, [userId])
        await lockMappings(tx, PATIENCE_MS)
        return decide(tx)
      }),
    )

  async function change(userId: string, decide: (tx: Tx) => Promise<bigint>): Promise<MappingChange> {
    await finish(userId)
    const id = await redirect(userId, async (tx) => {
      if (await pendingChange(tx, userId)) throw refused('another correction of this user is being made', 'try again')
      return decide(tx)
    })
    try {
      return await patiently(deps, () => database.transaction((tx) => moveRows(tx, id)))
    } catch (error) {
      const { fate, sqlstate } = classifyError(error)
      if (fate !== 'row') throw error
      await undo(userId, id)
      const { fromItem, toItem } = await getChange(database.client(), id)
      const what = `the quantity on hand of item ${fromItem} or ${toItem} cannot take it (SQLSTATE ${sqlstate})`
      throw refused(
        `${what}; all is as it was`,
        'a rule on the inventory refuses it, or the sum is out of range',
        error,
      )
    }
  }

  async function undo(userId: string, expected: bigint): Promise<MappingChange> {
    const id = await redirect(userId, async (tx) => {
      const last = await lastChange(tx, userId)
      if (!last)
        throw refused(`user ${userId} has no correction to undo`, '`sluice mapping show` has the history of an item')
      if (last.id !== expected)
        throw refused(`change ${last.id} is the last one now, not ${expected}; nothing was undone`, 'look again')
      if (!(await hasItem(tx, userId, last.fromItem)))
        throw refused(
          `change ${last.id} cannot be undone: item ${last.fromItem} is not there any more`,
          'assign its keys',
        )
      const undone = { ...last, actor, reason, action: 'undo', undoes: last.id, adoptedSku: null } as const
      const changeId = await insertChange(tx, { ...undone, fromItem: last.toItem, toItem: last.fromItem })
      const kept = await keepMappings(
        tx,
        changeId,
        'm.id IN (SELECT mapping_id FROM mapping_change_key WHERE change_id = $2::bigint)',
        last.id,
      )
      if (kept !== last.keys || (await restoreMappings(tx, last)) !== last.keys)
        throw refused(
          `change ${last.id} cannot be undone: not all of its ${last.keys} keys stand for item ${last.toItem} any more`,
          'somebody changed item_mapping by SQL; assign the keys one by one',
        )
      await takeSku(tx, last.toItem, last.adoptedSku)
      // It was cut short: its rows never moved, and those that came since go back like the others.
      await tx.$executeRawUnsafe(
        'UPDATE mapping_change SET moved_at = now(), moved_rows = 0, quantity = 0 WHERE id = $1::bigint AND moved_at IS NULL',
        last.id,
      )
      return changeId
    })
    return patiently(deps, () => database.transaction((tx) => moveRows(tx, id)))
  }

  return {
    finish,
    undo,
    assign: (userId, vendorKey, to) =>
      change(userId, async (tx) => {
        const { mapping, itemId } = await targetOf(tx, userId, vendorKey, to)
        const adoptedSku = await giveSku(tx, itemId, mapping.vendorKey.startsWith('sku') ? mapping.sourceText : null)
        const made = { ...by, userId, action: 'assign', fromItem: mapping.itemId, toItem: itemId, adoptedSku } as const
        return keep(tx, made, 'm.id = $2::bigint', mapping.id)
      }),
    merge: (userId, from, into) =>
      change(userId, async (tx) => {
        const sql = 'SELECT id, sku FROM item WHERE user_id = $1 AND id IN ($2::bigint, $3::bigint)'
        const items = await tx.$queryRawUnsafe<{ id: bigint; sku: string | null }[]>(sql, userId, from, into)
        for (const id of [from, into])
          if (!items.some((item) => item.id === id))
            throw refused(`user ${userId} has no item ${id}`, 'see `sluice mapping list`')
        const adoptedSku = await giveSku(tx, into, items.find(({ id }) => id === from)?.sku ?? null)
        const made = { ...by, userId, action: 'merge', fromItem: from, toItem: into, adoptedSku } as const
        return keep(tx, made, `m.item_id = $2::bigint`, from)
      }),
  }
}

async function keep(tx: Tx, change: NewChange, which: string, value: unknown): Promise<bigint> {
  if (change.fromItem === change.toItem) throw refused(`that is item ${change.toItem} already`, '')
  const id = await insertChange(tx, change)
  await keepMappings(tx, id, which, value)
  await redirectMappings(tx, id, change.toItem, change.action === 'assign')
  return id
}

/** What somebody holds for a moment is waited for, in a new transaction each time: members must not queue behind us for long. */
async function patiently<R>({ clock }: Deps, work: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!['55P03', '40P01'].includes(classifyError(error).code)) throw error
      if (tries < TRIES) await clock.sleep(PAUSE_MS * tries)
      else
        throw new OperatorError(
          'a transaction of a member, or a lock that somebody holds, did not end; nothing was moved',
          'try again; `SELECT * FROM pg_locks` shows who waits for whom',
          ExitCode.unavailable,
          { cause: error },
        )
    }
  }
}
