// The description says what is answered, and takes nothing away from it. (Against real answers of all routes: integration/http.test.ts.)
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addRoutes } from '../../../src/http/routes.ts'
import type { RouteDeps } from '../../../src/http/route.ts'
import { type HttpServer, serveHttp } from '../../../src/http/server.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { toJson } from '../../../src/lib/json.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { type Description, faultsOf } from '../../support/openapi.ts'

const failed = { partition: 0, offset: 9_007_199_254_740_991n, line: null, code: 'X', error: '', deadLetterId: 'a', traceId: null } // prettier-ignore
const batch = {
  ...{ at: new Date(0), lane: 0, reason: 'age', records: 1, bytes: 2, attempts: 1, limits: { records: 1, ageMs: 2 } },
  ...{ status: 'failed' as const, itemsProcessed: 0, itemsFailed: 1, processingTimeMs: 0.1 + 0.2, failedItems: [failed] }, // prettier-ignore
}
/** As a newer release may have it. */
const newer = { ...batch, note: { 'of a newer release': [1, null] } }
let batches = [batch]

let server: HttpServer
beforeAll(async () => {
  const deps = {
    ...{ config: { groupId: 'g', topic: 't', dlqTopic: 'd' }, memberId: 'm', token: 'token', clock: systemClock },
    ...{ batches: () => batches, ending: () => {} },
  } as unknown as RouteDeps
  const routes = (app: Parameters<typeof addRoutes>[0]) => addRoutes(app, deps)
  const health = () => ({ live: true, ready: true, reasons: [] })
  const parts = { health, clock: systemClock, log: createLog('silent') }
  server = await serveHttp({ host: '127.0.0.1', port: 0 }, { ...parts, routes })
})
afterAll(() => server.close())

const ask = async (path: string) => (await fetch(`http://127.0.0.1:${server.port}${path}`)).text()
const description = async () => JSON.parse(await ask('/api/openapi.json')) as Description

test('what is described is answered to the byte, and so is what is not', async () => {
  for (const each of [batch, newer]) {
    batches = [each]
    expect(await ask('/api/batches')).toBe(`${toJson({ memberId: 'm', batches })}\n`)
  }
})

test('each route has its answers described, with units, and its refusals', async () => {
  const { openapi, paths } = await description()
  expect(openapi).toBe('3.1.0')
  const routes = Object.entries(paths).filter(([path]) => /^\/(api\/(?!openapi)|health$|ready$)/.test(path))
  expect(routes).toHaveLength(16)
  for (const [path, operations] of routes)
    for (const [method, { responses }] of Object.entries(operations)) {
      expect(Object.keys(responses), `${method} ${path}`).toEqual(expect.arrayContaining(['200', 'default']))
      for (const [status, { content }] of Object.entries(responses))
        expect(content?.['application/json']?.schema, `${method} ${path} ${status}`).toMatchObject({ type: 'object' })
    }
  expect(Object.keys(paths['/ready']?.['get']?.responses ?? {})).toEqual(['200', '503', 'default'])
  expect(JSON.stringify(paths['/api/state'])).toContain('Age of the oldest record that PostgreSQL does not hold')
})

test('an answer that is not as described is found out', async () => {
  const described = await description()
  const faults = (value: object) =>
    faultsOf(described, { method: 'GET', path: '/api/batches', status: 200, text: toJson(value) })
  expect(faults({ memberId: 'm', batches: [batch] })).toEqual([])
  expect(faults({ memberId: 'm', batches: [newer] })).toHaveLength(1)
  expect(faults({ memberId: 'm', batches: [{ ...batch, at: 0 }] })).toHaveLength(1)
  expect(faults({ memberId: 'm' })).toHaveLength(1)
})
