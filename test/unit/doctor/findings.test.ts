import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import type { Config } from '../../../src/config.ts'
import { ok, runChecks, told } from '../../../src/doctor/check.ts'
import { connectionsFinding } from '../../../src/doctor/database.ts'
import { relayFinding } from '../../../src/doctor/group.ts'
import { machineChecks, nodeFinding } from '../../../src/doctor/machine.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { OperatorError } from '../../../src/lib/operator-error.ts'

test.each([
  ['18.20.0', 'fail'],
  ['20.18.9', 'fail'],
  ['20.19.0', 'warn'],
  ['22.11.0', 'ok'],
  ['24.1.0', 'ok'],
])('Node %s: %s', (version, status) => {
  expect(nodeFinding(version).status).toBe(status)
})

test.each([
  [{ maxConnections: 100, reserved: 3, connections: 10 }, 6, 3, 'ok'],
  [{ maxConnections: 100, reserved: 3, connections: 10 }, 6, 14, 'warn'],
  [{ maxConnections: 100, reserved: 3, connections: 95 }, 6, 1, 'warn'],
  [{ maxConnections: 100, reserved: 3, connections: 10 }, 6, 17, 'fail'],
  // Nobody runs yet: one member is to come.
  [{ maxConnections: 10, reserved: 3, connections: 1 }, 8, 0, 'fail'],
] as const)('connections: %j, pool %i, members %i: %s', (facts, pool, members, status) => {
  expect(connectionsFinding(facts, { databasePoolSize: pool, http: null }, members).status).toBe(status)
})

test('who answers over HTTP needs two connections more', () => {
  const facts = { maxConnections: 100, reserved: 3, connections: 10 }
  const http = { host: '127.0.0.1', port: 8080 }
  expect(connectionsFinding(facts, { databasePoolSize: 6, http: null }, 13).status).toBe('warn')
  expect(connectionsFinding(facts, { databasePoolSize: 6, http }, 13)).toMatchObject({ status: 'fail', found: expect.stringMatching(/^13 members × 8 \(DATABASE_POOL_SIZE 6, 2 for HTTP\) = 104 of the 97/) as string }) // prettier-ignore
})

test('letters wait for the relay now and then; not for long', () => {
  expect(relayFinding({ count: 0, oldestAgeMs: 0 }).status).toBe('ok')
  expect(relayFinding({ count: 5, oldestAgeMs: 9_000 }).status).toBe('ok')
  expect(relayFinding({ count: 5_000, oldestAgeMs: 130_000 })).toMatchObject({ status: 'warn', found: '5,000 wait in PostgreSQL, the oldest for 2 min 10 s' }) // prettier-ignore
})

test('a check that throws is told, and the next one is made; a fault’s own words are not repeated', async () => {
  const found = await runChecks(
    'area',
    {
      mendable: () => Promise.reject(new OperatorError('it is broken', 'mend it')),
      unexpected: () => {
        throw new TypeError('password "geheim" is wrong')
      },
      last: () => ok('fine'),
    },
    () => null,
    systemClock,
  )
  expect(found.map(({ status, found: what, remedy }) => [status, what, remedy])).toEqual([
    ['fail', 'it is broken', 'mend it'],
    ['fail', 'an unexpected fault (TypeError)', 'run it again; if it lasts, report it'],
    ['ok', 'fine', undefined],
  ])
})

test('a port that is taken is a warning, one that cannot be had a fault', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const finding = (host: string) => machineChecks({ http: { host, port } } as Config, '24.0.0')['HTTP port']?.()
  expect(await finding('127.0.0.1')).toMatchObject({ status: 'warn', found: expect.stringContaining('works without HTTP until it is free') as string }) // prettier-ignore
  expect(await finding('192.0.2.1')).toMatchObject({ status: 'fail', found: `cannot listen on 192.0.2.1:${port} (EADDRNOTAVAIL)` }) // prettier-ignore
  taken.close()
  await once(taken, 'close')
  expect(await finding('127.0.0.1')).toMatchObject({ status: 'ok' })
})

test('who can explain a fault is asked', () => {
  const explain = () => new OperatorError('no route', 'plug it in')
  expect(told(new Error('x'), explain)).toEqual({ status: 'fail', found: 'no route', remedy: 'plug it in' })
})
