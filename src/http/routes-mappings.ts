import { cursorOf, cursorText, parseCursor } from '../line-items/mapping-filter.ts'
import { createMappingReads } from '../sink/mapping-reads.ts'
import * as answers from './answers.ts'
import { type Answer, answered } from './answers.ts'
import { mappingList } from './asked.ts'
import { guardedBy, parsed, type Routes } from './route.ts'

/** Which vendor texts stand for which item. They are what records say: not there without a token. */
export const mappingRoutes: Routes = (app, { database, token }) => {
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
}
