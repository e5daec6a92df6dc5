// A person corrects mappings: a vendor key is assigned to another item, or an item is merged into another, with the ledger rows
// that came by it. Two transactions:
//   1 redirect, of milliseconds, while nobody writes lines: from here on every line goes to the new item. Its change has a higher
//     id than all before: a member that mapped a batch earlier sees that at the end of its transaction, and maps it again.
//   2 move (mapping-move.ts): the rows that are at the old item, and the stock. If it does not come to that, as the process was
//     killed, the change is pending: the next correction of the user moves them first.
import type { Clock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { shellWord } from '../lib/shell-word.ts'
import { classifyError, databaseMessage, SinkError } from './classify.ts'
import type { Database } from './database.ts'
import {
  closeChange,
  CORRECTION_RUNS,
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
import { hasItem, movedMeanwhile, refused, type Target, targetOf } from './mapping-target.ts'
import type { Tx } from './writer.ts'

export type Corrections = {
  /** Refused when the key does not stand for `seen` any more. */
  assign(userId: string, vendorKey: string, to: Target, seen?: bigint): Promise<MappingChange>
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
const BUSY = 'another correction of this user is being made'

export function createCorrections(deps: Deps): Corrections {
  const { database, actor, reason } = deps
  const by = { actor, reason, undoes: null, adoptedSku: null }

  async function finish(userId: string): Promise<MappingChange | null> {
    const pending = await pendingChange(database.client(), userId)
    return pending && (await move(userId, pending.id))
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

  /** What the database refuses to move is taken back, with all that came by it since. */
  async function move(userId: string, id: bigint): Promise<MappingChange> {
    const moved = (each: bigint) => patiently(deps, () => database.transaction((tx) => moveRows(tx, each)))
    try {
      return await moved(id)
    } catch (error) {
      if (classifyError(error).fate !== 'row') throw error
      const refusedChange = await getChange(database.client(), id)
      const back = await redirect(userId, async (tx) => {
        if ((await pendingChange(tx, userId))?.id !== id) throw refused(BUSY, 'look again')
        return reverse(tx, refusedChange, { actor, reason: `change ${id} was refused` })
      })
      const { undoes } = refusedChange
      const what = `${undoes === null ? `change ${id}` : `the undo of change ${undoes}`} cannot be made: ${whyOf(error)}`
      try {
        await moved(back)
      } catch (again) {
        if (classifyError(again).fate !== 'row') throw again
        const mend = `make room on hand for one of the two, then: sluice mapping finish ${shellWord(userId)}`
        throw refused(`${what}; nor can it be taken back: ${whyOf(again)}`, mend, again)
      }
      throw refused(`${what}; all is as it was`, 'mend the rule of the database that refuses it, or the stock', error)
    }
  }

  async function change(userId: string, decide: (tx: Tx) => Promise<bigint>): Promise<MappingChange> {
    await finish(userId)
    const id = await redirect(userId, async (tx) => {
      if (await pendingChange(tx, userId)) throw refused(BUSY, 'try again')
      return decide(tx)
    })
    return move(userId, id)
  }

  async function undo(userId: string, expected: bigint): Promise<MappingChange> {
    // One that was cut short itself: its rows have to be back before those of the one before it can follow.
    if ((await pendingChange(database.client(), userId))?.action === 'undo') await finish(userId)
    const id = await redirect(userId, async (tx) => {
      const last = await lastChange(tx, userId)
      const pending = await pendingChange(tx, userId)
      if (pending && pending.id !== last?.id) throw refused(BUSY, 'try again')
      if (!last)
        throw refused(`user ${userId} has no correction to undo`, '`sluice mapping show` has the history of an item')
      if (last.id !== expected)
        throw refused(`change ${last.id} is the last one now, not ${expected}; nothing was undone`, 'look again')
      return reverse(tx, last, { actor, reason })
    })
    return move(userId, id)
  }

  return {
    finish,
    undo,
    assign: (userId, vendorKey, to, seen) =>
      change(userId, async (tx) => {
        const { mapping, itemId } = await targetOf(tx, userId, vendorKey, to)
        if (seen !== undefined && mapping.itemId !== seen) throw movedMeanwhile(vendorKey, mapping.itemId, seen)
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

/** The mappings as they were before the change, by a change of its own: an undo; or, of an undo, what it undid once more. */
async function reverse(tx: Tx, change: MappingChange, by: Pick<NewChange, 'actor' | 'reason'>): Promise<bigint> {
  const { id, userId, fromItem, toItem, keys, adoptedSku } = change
  const again = change.undoes === null ? null : await getChange(tx, change.undoes)
  if (!(await hasItem(tx, userId, fromItem)))
    throw refused(`change ${id} cannot be undone: item ${fromItem} is not there any more`, 'assign its keys')
  const back = await insertChange(tx, {
    ...{ ...by, userId, fromItem: toItem, toItem: fromItem },
    ...(again
      ? { action: again.action, undoes: null, adoptedSku: await giveSku(tx, fromItem, again.adoptedSku) }
      : { action: 'undo', undoes: id, adoptedSku: null }),
  })
  const ofChange = 'm.id IN (SELECT mapping_id FROM mapping_change_key WHERE change_id = $2::bigint)'
  const kept = await keepMappings(tx, back, ofChange, id)
  if (kept !== keys || (await restoreMappings(tx, change)) !== keys)
    throw refused(
      `change ${id} cannot be undone: not all of its ${keys} keys stand for item ${toItem} any more`,
      'somebody changed item_mapping by SQL; assign the keys one by one',
    )
  await takeSku(tx, toItem, adoptedSku)
  await closeChange(tx, id)
  return back
}

/** What was being moved, and what PostgreSQL said to that: it names the table and the rule. */
const whyOf = (error: unknown): string =>
  [
    ...(error instanceof SinkError ? [error.message] : []),
    `${databaseMessage(error)} (SQLSTATE ${classifyError(error).sqlstate})`,
  ].join(': ')

/** What somebody holds for a moment is waited for, in a new transaction each time: members must not queue behind us for long. */
async function patiently<R>({ clock }: Deps, work: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const { code } = classifyError(error)
      if (!['55P03', '40P01', CORRECTION_RUNS].includes(code)) throw error
      if (tries < TRIES) await clock.sleep(PAUSE_MS * tries)
      else if (code === CORRECTION_RUNS)
        throw new OperatorError(`${BUSY}, and moves its rows still`, 'try again when it has ended', ExitCode.unavailable, { cause: error }) // prettier-ignore
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
