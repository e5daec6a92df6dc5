// HTTP of a member, wired. Loaded only with HTTP_PORT.
import * as prom from 'prom-client'
import { type Config, HTTP_POOL_SIZE } from './config.ts'
import { createGroup } from './http/group.ts'
import type { Health } from './http/health.ts'
import type { HttpOptions } from './http/listen.ts'
import { createReads } from './http/reads.ts'
import { addRoutes } from './http/routes.ts'
import { type HttpServer, serveHttp } from './http/server.ts'
import { limitTries } from './http/tries.ts'
import type { Clock } from './lib/clock.ts'
import { version } from './lib/version.ts'
import { ALL_LETTERS } from './dead-letters/letter-filter.ts'
import type { Reporting } from './reporting.ts'
import { createDatabase, type Database } from './sink/database.ts'
import { explainDatabaseError } from './sink/explain.ts'
import { createGateStore } from './sink/gate-store.ts'
import { createLetterStore } from './sink/letter-store.ts'
import { readMembers } from './sink/member-store.ts'
import { createOffsetStore } from './sink/offset-store.ts'
import type { Emit } from './telemetry/events.ts'
import type { Log } from './telemetry/log.ts'
import { createMetrics } from './telemetry/metrics.ts'

/** It observes also while its port is taken. */
export type HttpOfMember = HttpServer & { observe: Emit }
export type ServeDeps = { reporting: Reporting; health: () => Health; faults: () => number; clock: Clock; log: Log }

/** A job has as long as the commands have, and so has the count of all letters, which is kept. */
const STATEMENT_MS = 20_000
/** Each part of the end. */
const END_MS = 1_000

export async function serveMember(
  config: Config,
  options: HttpOptions,
  { reporting, health, faults, clock, log }: ServeDeps,
): Promise<HttpOfMember> {
  const { groupId, topic } = config
  const { memberId, tally, report, lag, admitted, full } = reporting
  let opened: Database | null = null
  const database = () =>
    (opened ??= createDatabase({
      ...{
        url: config.databaseUrl,
        poolSize: HTTP_POOL_SIZE,
        writer: 'fast',
        applicationName: `${config.kafka.clientId}-http`,
      },
      ...{ connectTimeoutMs: 3_000, statementTimeoutMs: STATEMENT_MS },
    }))
  const reads = createReads(database, clock)
  const group = createGroup(
    {
      members: () => readMembers(database(), { groupId, topic }),
      offsets: () => createOffsetStore({ groupId, topic, database: database() }).show(),
      gate: () => createGateStore({ groupId, database: database() }).state(),
      letters: () =>
        reads((one) => createLetterStore({ database: one, groupId }).stats(ALL_LETTERS, 'code'), STATEMENT_MS),
      now: () => createLetterStore({ database: database(), groupId }).now(),
      own() {
        const { partitions, database } = report.state()
        return { memberId, partitions, unansweredMs: database.unansweredMs }
      },
    },
    clock,
  )
  let figures: Awaited<ReturnType<typeof group.deadLetters>> = null
  const metrics = createMetrics(prom, {
    now: clock.wall,
    identity: { version, group: groupId, topic, member: memberId },
    ...{ state: report.state, lag: lag.view, admitted, full, faults, deadLetters: () => figures },
  })
  const explain = (error: unknown) => explainDatabaseError(error, config.databaseUrl)
  const fault = (error: unknown) =>
    log.warn({ err: error }, 'a request over HTTP failed; the pipeline is not concerned')
  const endings: (() => Promise<void>)[] = []
  const server = await serveHttp(options, {
    ...{ clock, log, health, explain, fault },
    routes: (app) => {
      limitTries(app, config.adminToken, clock)
      return addRoutes(app, {
        ...{ config, database, reads, group, memberId, clock, explain, fault },
        ...{ token: config.adminToken, batches: tally.batches },
        metrics: {
          contentType: metrics.contentType,
          async text() {
            figures = await group.deadLetters()
            return metrics.text()
          },
        },
        ending: (end) => void endings.push(end),
      })
    },
  })
  return {
    port: server.port,
    observe: metrics.observe,
    async close() {
      await Promise.race([Promise.all(endings.map((end) => end())), clock.sleep(END_MS)])
      await server.close()
      // Else it waits for statements under way, past the grace period.
      await Promise.race([opened?.close().catch(() => {}), clock.sleep(END_MS)])
    },
  }
}
