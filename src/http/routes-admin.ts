import { ALL_LETTERS, givenOf, type LetterFilter } from '../dead-letters/letter-filter.ts'
import { sweep } from '../dead-letters/sweep.ts'
import {
  foundOf,
  hintFor,
  type Letters,
  lettersIn,
  resolveId,
  sendFault,
  sendReplays,
  toDiscard,
} from '../letter-jobs.ts'
import { createLetterChanges } from '../sink/letter-change.ts'
import { createReplayLetters } from '../sink/letter-replay.ts'
import { type Answer, answered, discardCounted, replayCounted } from './answers.ts'
import { discardBody, type filter as filterAsked, filterOf, jobId, replayBody } from './asked.ts'
import { type Ended, job } from './jobs.ts'
import { Refusal } from './refusal.ts'
import { guardedBy, parsed, type Routes } from './route.ts'

type Which = { ids?: string[] | undefined; filter?: ReturnType<typeof filterAsked.parse> | undefined }

/** What changes something, and what became of it. Not there at all without a token; each is on record in audit_entry. */
export const adminRoutes: Routes = (app, { config, database, clock, token, jobs }) => {
  if (token === null) return
  const { groupId } = config
  const lettersOf = () => lettersIn(config, database())
  const chosen = async (letters: Letters, asked: Which) => {
    if (asked.ids === undefined) return filterOf(asked.filter ?? {}, clock.wall())
    const ids = []
    for (const prefix of asked.ids) ids.push(await resolveId(letters, prefix))
    return { ...ALL_LETTERS, ids: [...new Set(ids)] } satisfies LetterFilter
  }
  const guarded = (summary: string, schema: object) => guardedBy(token, summary, schema)

  app.post(
    '/api/dead-letters/replay',
    guarded('Send dead letters again', { body: replayBody, response: answered(replayCounted, { 202: job }) }),
    async (request, reply) => {
      const { rate = null, limit = null, again, dryRun, ...which } = parsed(replayBody, request.body)
      jobs.refuseSecond()
      const letters = lettersOf()
      const filter = await chosen(letters, which)
      const selection = { filter, again, began: await letters.store.now(), edit: null }
      const store = createReplayLetters({ database: database(), groupId, selection })
      const counts = await store.count()
      const { ready, lost } = foundOf(counts)
      const wanted = Math.min(ready, limit ?? Infinity)
      if (dryRun) {
        const until = filter.until ?? selection.began
        return { dryRun, found: wanted, lost, until } satisfies Answer<typeof replayCounted>
      }
      const audited = { ...givenOf(filter), again, rate, limit, edited: false, found: wanted }
      const work = async (signal: AbortSignal, onProgress: (done: number) => void): Promise<Ended> => {
        if (wanted === 0) return { state: 'done', result: { sent: 0, tooLarge: 0, unsent: 0, lost, note: 'none fit' } }
        const actor = `http ${request.ip}`
        const sending = { store, counts, wanted, edit: null, rate, actor, audited, signal, onProgress }
        const { outcome, around } = await sendReplays(letters, sending)
        const { ending: how, ...told } = outcome
        const result = { ...told, lost, note: hintFor({ groupId, ...around }) }
        if (how.kind === 'send-failed') return { state: 'failed', result, cause: sendFault(how.error) }
        if (how.kind === 'stopped') return { state: 'stopped', result }
        return { state: told.sent < wanted ? 'partial' : 'done', result }
      }
      return reply.code(202).send(jobs.start('replay', wanted, work))
    },
  )

  app.post(
    '/api/dead-letters/discard',
    guarded('Decide that dead letters are not wanted', {
      body: discardBody,
      response: answered(discardCounted, { 202: job }),
    }),
    async (request, reply) => {
      const { reason, dryRun, ...which } = parsed(discardBody, request.body)
      jobs.refuseSecond()
      const letters = lettersOf()
      const filter = toDiscard(await chosen(letters, which), await letters.store.now())
      const changes = createLetterChanges({ database: database(), groupId })
      const found = await changes.countToDiscard(filter)
      if (dryRun) return { dryRun, found, until: filter.until } satisfies Answer<typeof discardCounted>
      const actor = `http ${request.ip}`
      const work = async (signal: AbortSignal, onProgress: (done: number) => void): Promise<Ended> => {
        const { count, left, stopped } = await sweep({
          ...{ clock, signal, onProgress },
          batch: (after) => changes.discard(filter, reason, actor, after),
          remaining: () => changes.countToDiscard(filter),
        })
        return { state: stopped ? 'stopped' : left > 0 ? 'partial' : 'done', result: { discarded: count, left } }
      }
      return reply.code(202).send(jobs.start('discard', found, work))
    },
  )

  const known = (job: ReturnType<typeof jobs.get>) => {
    if (!job)
      throw new Refusal(
        404,
        'NO_SUCH_JOB',
        'this member knows no such job',
        'only the member that began it does, until it ends: ask that one',
      )
    return job
  }
  const one = { params: jobId, response: answered(job) }
  app.get('/api/jobs/:id', guarded('How far a job of this member is', one), async (request) =>
    known(jobs.get(parsed(jobId, request.params).id)),
  )
  app.post('/api/jobs/:id/stop', guarded('Stop a job of this member', one), async (request) =>
    known(jobs.stop(parsed(jobId, request.params).id)),
  )
}
