// HTTP ends within its time, whatever PostgreSQL does.
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Reporting } from '../../../src/reporting.ts'
import { serveMember } from '../../../src/serve-member.ts'
import { logTo } from '../../../src/telemetry/log.ts'
import { until } from '../../support/until.ts'

/** Lets in whoever comes (AuthenticationOk, ReadyForQuery), and answers nothing. */
const LET_IN = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])

test('a statement under way is not waited for', async () => {
  let asked = false
  const open: Socket[] = []
  const silent = createServer((socket) => {
    open.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(LET_IN)
      socket.on('data', () => (asked = true))
    })
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as { port: number }
  const url = `postgresql://u:p@127.0.0.1:${port}/sluice`
  const config = loadConfig({ KAFKA_BROKERS: '127.0.0.1:1', DATABASE_URL: url })
  const reporting = { memberId: 'm', tally: {}, report: {}, lag: {}, admitted: () => 0 } as unknown as Reporting
  const health = () => ({ live: true, ready: true, reasons: [] })
  const log = logTo({ write: () => {} }, 'silent')
  const http = await serveMember(config, { host: '127.0.0.1', port: 0 }, { reporting, health, faults: () => 0, clock: systemClock, log }) // prettier-ignore
  const answer = fetch(`http://127.0.0.1:${http.port}/api/state`).catch(() => null)
  await until('a statement is under way', () => asked)

  const began = performance.now()
  await http.close()
  expect(performance.now() - began).toBeLessThan(2_900)
  await answer
  for (const socket of open) socket.destroy()
  silent.close()
}, 20_000)
