import { cursorOf, cursorText, parseCursor } from '../line-items/mapping-filter.ts'
import type { Named } from '../line-items/mapping-name.ts'
import { checkKeyOf, planAssign, planUndo } from '../mapping-jobs.ts'
import { createMappingReads } from '../sink/mapping-reads.ts'
import * as answers from './answers.ts'
import { type Answer, answered } from './answers.ts'
import { assignBody, mappingList, undoBody } from './asked.ts'
import { createCorrecting } from './correcting.ts'
import { job } from './jobs.ts'
import { guardedBy, parsed, type Routes } from './route.ts'

/** Which vendor texts stand for which item. They are what records say: not there without a token. */
export const mappingRoutes: Routes = (app, deps) => {
  const { database, token } = deps
  if (token === null) return
  app.get(
    '/api/mappings',
    guardedBy(token, 'Mappings, newest or least certain first', {
      querystring: mappingList,
      response: answered(answers.mappings),
    }),
    async (request): Promise<Answer<typeof answers.mappings>> => {
      const { user, method, scoreBelow, text, limit, after } = parsed(mappingList, request.query)
      const filter = {
        userId: user ?? null,
        methods: method ?? null,
        scoreBelow: scoreBelow ?? null,
        text: text ?? null,
        itemId: null,
      }
      const behind = after === undefined ? null : parseCursor(after)
      const page = await createMappingReads(database()).page(filter, behind, limit + 1)
      const mappings = page.slice(0, limit)
      const last = mappings.at(-1)
      return { mappings, next: last && page.length > limit ? cursorText(cursorOf(filter, last)) : null }
    },
  )

  const correcting = createCorrecting(deps)
  app.post(
    '/api/mappings/assign',
    guardedBy(token, 'Let a vendor key stand for another item', {
      body: assignBody,
      response: answered(answers.assignCounted, { 202: job }),
    }),
    async (request, reply) => {
      const { user: userId, key, from, to, reason = null, dryRun } = parsed(assignBody, request.body)
      const itemId = 'item' in to ? BigInt(to.item) : null
      const name = 'name' in to ? to.name : null
      const seen = BigInt(from)
      if (dryRun) {
        const assigning = {
          userId,
          key: named(key),
          to: itemId === null ? null : ({ kind: 'item', itemId } as const),
          name,
          seen,
        }
        return correcting.count((reads) => planAssign(reads, assigning))
      }
      const started = correcting.start({
        ...{ kind: 'assign', userId, vendorKey: key, actor: `http ${request.ip}`, reason },
        make: (corrections) => corrections.assign(userId, key, itemId === null ? { name } : { itemId }, seen),
      })
      return reply.code(202).send(started)
    },
  )
  app.post(
    '/api/mappings/undo',
    guardedBy(token, 'Undo the last correction of a user, of this key', {
      body: undoBody,
      response: answered(answers.undoCounted, { 202: job }),
    }),
    async (request, reply) => {
      const { user: userId, key, change, reason = null, dryRun } = parsed(undoBody, request.body)
      if (dryRun || change === undefined) return correcting.count((reads) => planUndo(reads, userId, named(key)))
      const started = correcting.start({
        ...{ kind: 'undo', userId, vendorKey: key, actor: `http ${request.ip}`, reason },
        async make(corrections, reads) {
          await checkKeyOf(reads, { userId, changeId: BigInt(change), of: named(key) })
          return corrections.undo(userId, BigInt(change))
        },
      })
      return reply.code(202).send(started)
    },
  )
}

const named = (key: string): Named => ({ kind: 'key', keys: [key] })
