// What a member answers beside its probes.
import { fileURLToPath } from 'node:url'
import swagger from '@fastify/swagger'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { version } from '../lib/version.ts'
import { invoiceResults } from '../line-items/invoice-result.ts'
import { lettersIn } from '../letter-jobs.ts'
import { readInvoice } from '../sink/invoice-report.ts'
import { readSamples } from '../sink/member-store.ts'
import * as answers from './answers.ts'
import { type Answer, answered } from './answers.ts'
import * as asked from './asked.ts'
import { historyOf } from './history.ts'
import { createJobs } from './jobs.ts'
import { kept, type Kept } from './kept.ts'
import { parsed, type RouteDeps, type Routes } from './route.ts'
import { adminRoutes } from './routes-admin.ts'
import { letterRoutes } from './routes-letters.ts'
import { mappingRoutes } from './routes-mappings.ts'

/** The same path from src/http (tsx) and from dist/http. */
const DASHBOARD = fileURLToPath(new URL('./dashboard', import.meta.url))
/** Of a large group it takes part of a second, in which nothing else goes on. */
const HISTORY = { ms: 5_000, share: 5 }
const UPLOT = fileURLToPath(new URL('.', import.meta.resolve('uplot/dist/uPlot.min.css')))

/** What JSON makes of it. */
const ofJson = (type: string) =>
  type === 'date' ? { type: 'string', format: 'date-time' } : type === 'bigint' ? { type: 'integer' } : {}

const schemaOf = (schema: unknown) =>
  schema instanceof z.ZodType
    ? z.toJSONSchema(schema, {
        ...{ io: 'input', unrepresentable: 'any' },
        override: ({ zodSchema, jsonSchema }) => void Object.assign(jsonSchema, ofJson(zodSchema._zod.def.type)),
      })
    : schema

const described = (part: string, schema: unknown) =>
  part === 'response'
    ? Object.fromEntries(Object.entries(schema as object).map(([status, each]) => [status, schemaOf(each)]))
    : schemaOf(schema)

export async function addRoutes(app: FastifyInstance, given: Omit<RouteDeps, 'jobs'>): Promise<void> {
  const { clock, explain, fault, ending } = given
  const deps = { ...given, jobs: createJobs({ wall: clock.wall, explain, fault }) }
  ending(() => deps.jobs.end())
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'sluice',
        version,
        description: 'One member of a consumer group, which answers for all of it. See docs/api.md.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url }) => ({
      url,
      schema: Object.fromEntries(Object.entries(schema ?? {}).map(([name, each]) => [name, described(name, each)])),
    }),
  })
  stateRoutes(app, deps)
  letterRoutes(app, deps)
  adminRoutes(app, deps)
  mappingRoutes(app, deps)
  app.get('/api/openapi.json', { schema: { summary: 'This description' } }, () => app.swagger())
  await app.register(fastifyStatic, { root: UPLOT, prefix: '/uplot/', allowedPath: (path) => /\.(js|css)$/.test(path) })
  await app.register(fastifyStatic, {
    ...{ root: DASHBOARD, prefix: '/', decorateReply: false, cacheControl: false },
    allowedPath: (path) => path === '/' || /\.(html|js|css|svg|png)$/.test(path),
  })
}

const stateRoutes: Routes = (app, { config, reads, group, batches, metrics, memberId, token, clock }) => {
  const { groupId, topic, dlqTopic } = config

  const text = { summary: 'This member, for Prometheus', produces: ['text/plain'], response: { 200: z.string() } }
  app.get('/metrics', { schema: text }, async (_, reply) => {
    const text = await metrics.text()
    return reply
      .type(metrics.contentType)
      .serializer((value: unknown) => value as string)
      .send(text)
  })
  const now = { summary: 'The group now', querystring: asked.none, response: answered(answers.state) }
  app.get('/api/state', { schema: now }, async (): Promise<Answer<typeof answers.state>> => {
    const { error, unansweredMs, ...state } = await group.state()
    return {
      ...{ version, memberId, group: groupId, topic, dlqTopic, admin: token !== null },
      database: { ok: error === null, error: error === null ? null : 'PostgreSQL does not answer', unansweredMs },
      ...state,
    }
  })
  const histories = new Map<string, Kept<ReturnType<typeof historyOf>>>()
  const historyFor = async ({ minutes, points }: z.output<typeof asked.history>) => {
    const { now, rows } = await reads(async (database) => {
      const now = await lettersIn(config, database).store.now()
      return { now, rows: await readSamples(database, { groupId, topic }, new Date(now.getTime() - minutes * 60_000)) }
    })
    return historyOf(rows, { now, minutes, points })
  }
  app.get(
    '/api/history',
    {
      schema: {
        summary: 'The group over time',
        querystring: asked.history,
        response: answered(answers.history),
      },
    },
    async (request): Promise<Answer<typeof answers.history>> => {
      const wanted = parsed(asked.history, request.query)
      const size = JSON.stringify(wanted)
      const history = histories.get(size) ?? kept(() => historyFor(wanted), HISTORY, clock)
      histories.set(size, history)
      return history.get()
    },
  )
  const last = { summary: 'The last batches of this member', response: answered(answers.batches) }
  app.get('/api/batches', { schema: last }, (): Answer<typeof answers.batches> => ({ memberId, batches: batches() }))
  app.get(
    '/api/invoices/:id',
    {
      schema: {
        summary: 'What became of an invoice',
        params: asked.invoiceId,
        querystring: asked.invoice,
        response: answered(answers.invoice),
      },
    },
    async (request): Promise<Answer<typeof answers.invoice>> => {
      const { id: invoiceId } = parsed(asked.invoiceId, request.params)
      const { user, limit } = parsed(asked.invoice, request.query)
      // Of many users, not a thousand lines of each.
      const which = { invoiceId, userId: user ?? null, limit: user === undefined ? Math.min(limit, 100) : limit }
      const found = await reads((database) => readInvoice(database, which))
      return { invoiceId, results: invoiceResults(which, found), more: found.more }
    },
  )
}
