// The short form of `npm run test:fault`: one member under a steady load meets one fault of PostgreSQL after the other, on
// a PostgreSQL of its own. A fault that lasts longer than the session time-out is in outage.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { play, proveEnd, proveFault, warm } from '../fault/play.ts'
import { playFatal, proveAftermath } from '../fault/play-fatal.ts'
import { fatalScenarios } from '../fault/scenarios-fatal.ts'
import { scenarioCalled } from '../fault/scenarios.ts'
import { type Load, openStage, type Server, type Stage, startLoad, startServer } from '../fault/stage.ts'
import type { Member } from '../support/member.ts'
import { notOk } from '../support/oracle.ts'
import { NotPossibleHere } from '../support/small-disk.ts'
import { stack } from '../support/stack.ts'

const SEED = 20_261_125
const RATE = 500
const say = (line: string): void => console.log(line)

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

describe('a fault that passes, or whose outcome is unknown, is survived: working again within 5 s', () => {
  const names = [
    ...['outage', 'outage-silent', 'flapping', 'restart-immediate', 'restart-kill'],
    ...['kill-idle', 'kill-statement', 'kill-at-commit', 'kill-committed', 'answer-lost', 'commit-lost'],
    ...['connections', 'disk-full', 'read-only', 'idle-session', 'lock-offset', 'lock-inventory', 'deadlock'],
    ...['serialization', 'idle-in-transaction', 'transaction-timeout'],
  ]
  let stage: Stage
  let load: Load
  let member: Member
  let noDisk: string | null = null
  beforeAll(async () => {
    // Time-outs for which nobody waits half a minute.
    const parameters = Object.assign({}, ...names.map((name) => scenarioCalled(name).parameters)) as Record<
      string,
      string
    >
    stage = await openStage({ brokers: stack().brokers, server, seed: SEED, parameters, say })
    await scenarioCalled('disk-full')
      .prepare?.(stage)
      .catch((error: unknown) => {
        if (!(error instanceof NotPossibleHere)) throw error
        noDisk = error.message
      })
    load = startLoad(stage, RATE)
    member = stage.start()
    await warm(stage, member, 2 * RATE)
  })
  afterAll(async () => {
    await load.stop()
    await stage.close()
  })

  // What one fault left behind would only be told again by all that follow.
  let failed: string | null = null
  test.for(names)('%s', async (name, { skip, onTestFailed }) => {
    if (failed !== null) skip(`after the failure of ${failed}`)
    if (name === 'disk-full' && noDisk !== null) skip(`NOT RUN: ${noDisk}`)
    onTestFailed(() => void (failed = name))
    const scenario = scenarioCalled(name)
    const figures = await play(stage, member, { scenario, holdMs: scenario.holdMs?.[1] ?? 0, rate: RATE })
    expect(notOk(proveFault(scenario, figures))).toEqual([])
  })

  test(`and after all of them: membership kept, 0 dead letters, nothing lost or doubled (seed ${SEED})`, async ({
    skip,
  }) => {
    if (failed !== null) skip(`after the failure of ${failed}`)
    expect(notOk(await proveEnd(stage, member, load))).toEqual([])
  })
})

describe('a fault that a person must mend ends the member: exit code, two lines, nothing committed', () => {
  const names = ['table-missing', 'permission-revoked', 'password-changed', 'unknown-ZZ001']
  let stage: Stage
  let load: Load
  beforeAll(async () => {
    stage = await openStage({ brokers: stack().brokers, server, seed: SEED, say })
    load = startLoad(stage, RATE)
  })
  afterAll(async () => {
    await load.stop()
    await stage.close()
  })

  test.each(fatalScenarios.filter(({ name }) => names.includes(name)))('$name: $what', async (scenario) => {
    expect(notOk((await playFatal(stage, scenario)).lines)).toEqual([])
  })

  test('and the next member settles what they left', async () => {
    await load.stop()
    expect(notOk(await proveAftermath(stage))).toEqual([])
  })
})
