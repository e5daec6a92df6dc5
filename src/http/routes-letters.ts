import { statusesThatTake } from '../dead-letters/life-cycle.ts'
import { type Letters, lettersIn, resolveId } from '../letter-jobs.ts'
import { adviceFor, statsJson, summaryJson, totalOf } from '../sink/letter-json.ts'
import type { LetterDetail } from '../sink/letter-store.ts'
import * as answers from './answers.ts'
import { type Answer, answered } from './answers.ts'
import { filterOf, letterId, letterList, letterStats } from './asked.ts'
import { accessOf } from './guard.ts'
import { recordView } from './record-view.ts'
import { Refusal } from './refusal.ts'
import { parsed, type Routes } from './route.ts'

/** Reading dead letters. What is in a record is shown to whoever has the token. */
export const letterRoutes: Routes = (app, { config, group, reads, clock, token }) => {
  const reading = <R>(work: (letters: Letters) => Promise<R>) => reads((database) => work(lettersIn(config, database)))

  app.get(
    '/api/dead-letters',
    {
      schema: {
        summary: 'Dead letters, the newest first',
        querystring: letterList,
        response: answered(answers.letters),
      },
    },
    async (request): Promise<Answer<typeof answers.letters>> => {
      const { limit, after, ...asked } = parsed(letterList, request.query)
      const filter = filterOf(asked, clock.wall())
      const found = await reading(async (letters) => {
        const cursor = after === undefined ? null : await letters.store.get(await resolveId(letters, after))
        return letters.store.page(filter, cursor, limit + 1)
      })
      const page = found.slice(0, limit)
      return { letters: page.map(summaryJson), next: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )

  app.get(
    '/api/dead-letters/stats',
    {
      schema: {
        summary: 'How many, of which code or topic',
        querystring: letterStats,
        response: answered(answers.letterStats),
      },
    },
    async (request): Promise<Answer<typeof answers.letterStats>> => {
      const { by, ...asked } = parsed(letterStats, request.query)
      const isAll = by === 'code' && Object.values(asked).every((value) => value === undefined)
      const rows = isAll
        ? await group.letterStats()
        : await reading(({ store }) => store.stats(filterOf(asked, clock.wall()), by))
      return { by, rows: rows.map((row) => statsJson(row, by)), total: statsJson(totalOf(rows), 'total') }
    },
  )

  app.get(
    '/api/dead-letters/:id',
    {
      schema: {
        summary: 'One dead letter; its record with the token',
        security: [{}, { token: [] }],
        params: letterId,
        response: answered(answers.letterDetail),
      },
    },
    async (request): Promise<Answer<typeof answers.letterDetail>> => {
      const access = accessOf(request.headers, token)
      if (access === 'refused') throw new Refusal(401, 'TOKEN', 'the token is wrong')
      const { id } = parsed(letterId, request.params)
      const letter = await reading(async (letters) => letters.store.get(await resolveId(letters, id)))
      if (!letter) throw new Refusal(404, 'NOT_FOUND', 'the dead letter is gone')
      const detail = detailOf(letter)
      const withheld = detail.stored && access !== 'granted'
      return {
        ...detail,
        advice: adviceFor(letter.code, letter.id),
        actions: {
          replay: statusesThatTake('replay').includes(letter.status),
          discard: statusesThatTake('discard').includes(letter.status),
        },
        record: detail.stored && !withheld ? recordView(letter) : null,
        withheld,
      }
    },
  )
}

const detailOf = ({
  key: _,
  value,
  headers: __,
  valueSha256,
  replayHash: ___,
  claimedUntil: ____,
  ...rest
}: LetterDetail) => ({
  ...summaryJson(rest),
  valueBytes: value?.length ?? null,
  stored: valueSha256 === null,
})
