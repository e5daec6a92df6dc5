// `kill -9` of a random member, again and again, while records keep coming. Each victim is replaced at once. In the end
// everything drains, and ledger, inventory, offsets and dead letters must be exactly what the topic says.
import { setTimeout as sleep } from 'node:timers/promises'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { ProofLine } from '../../src/demo/proof.ts'
import { generateEvents } from '../../src/publish/generate.ts'
import { ending, proveEndings } from './endings.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

export type KillNineOptions = {
  readonly kills: number
  readonly seed: number
  readonly members: number
  /** `sluice consume` itself, whose group gives a killed member up after 30 s only. */
  readonly realSession: boolean
  readonly say: (line: string) => void
  /** Called when the killing begins. */
  readonly struck?: () => void
}

/** Records a second, in steps of so many. */
const RATE = 3_000
const STEP = 300
/** One kill in so many does not wait for the group to recover from the one before. */
const HASTY = 4
const LATEST_MS = 1_500
const RECOVERY_MS = 120_000

export const killNine = async (
  world: World,
  { kills, seed, members, ...options }: KillNineOptions,
): Promise<ProofLine[]> => {
  const random = xoroshiro128plus(seed)
  const upTo = (limit: number): number => uniformInt(random, 0, limit - 1)
  const began = performance.now()
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1)
  if (!(kills > 0 && members > 0)) throw new Error(`${kills} kills of ${members} members would prove nothing`)
  let started = 0
  let killed = 0
  const start = () => world.start(`member-${++started}`, options.realSession ? {} : QUICK_SESSION)
  const alive: Member[] = Array.from({ length: members }, start)
  const enough = new AbortController()
  const load = keepSending(world, seed, enough.signal)
  try {
    let newest = alive[0]!
    options.struck?.()
    for (let kill = 1; kill <= kills; kill++) {
      const hasty = kill > 1 && upTo(HASTY) === 0
      const recovered = () => newest.lines('flushed').length > 0
      if (!hasty) await until(`${newest.name} flushes`, recovered, { timeoutMs: RECOVERY_MS, describe: newest.tail })
      await sleep(upTo(LATEST_MS))
      const index = upTo(alive.length)
      const victim = alive[index]!
      const doing = await activity(world, victim)
      victim.kill('SIGKILL')
      const { code, signal } = await ending(victim)
      // One that was gone already was not killed: something else has ended it.
      if (signal === 'SIGKILL') killed += 1
      else options.say(`${victim.name} had ended by itself (${code ?? signal}). ${victim.tail()}`)
      newest = alive[index] = start()
      const settled = await world.settled()
      const said = `${victim.name} (${doing})${hasty ? ', before the group had recovered' : ''}`
      options.say(`kill ${kill}/${kills} at ${seconds()} s: ${said}; ${settled.toLocaleString('en')} records settled`)
    }
  } finally {
    enough.abort()
  }
  const sent = await load
  await world.drained(RECOVERY_MS)
  options.say(`all ${sent.toLocaleString('en')} records settled at ${seconds()} s; stopping the members (SIGTERM)`)
  for (const member of alive) member.kill('SIGTERM')
  const endings = await Promise.all(alive.map(ending))
  const clean = endings.filter(({ code }) => code === 0).length
  const { lines, records } = await proveWorld(world)
  return [
    proofLine('members killed', kills, killed),
    await proveEndings(world, options.say),
    ...lines,
    proofLine('records sent = records in the topic', sent, records.length),
    proofLine('members that ended with exit code 0 in the end', members, clean),
  ]
}

const proofLine = (what: string, expected: number, found: number): ProofLine => ({
  what,
  expected: expected.toLocaleString('en'),
  found: found.toLocaleString('en'),
  ok: expected === found,
})

/** Returns how many were sent. */
const keepSending = async (world: World, seed: number, enough: AbortSignal): Promise<number> => {
  let step: { key: Buffer | null; value: Buffer | null }[] = []
  let sent = 0
  for (const { key, value } of generateEvents({ count: 5_000_000, seed, bad: 5_000 })) {
    step.push({ key, value })
    if (step.length < STEP) continue
    await world.send(step)
    sent += step.length
    step = []
    if (enough.aborted) break
    await sleep((STEP * 1000) / RATE)
  }
  return sent
}

/** What PostgreSQL sees of it: for the reader of the report. */
const activity = async ({ query }: World, member: Member): Promise<string> => {
  const sessions = await query<{ writing: boolean }>(
    `SELECT backend_xid IS NOT NULL AS writing FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = $1`,
    [member.name],
  )
  if (sessions.some(({ writing }) => writing)) return 'in the middle of a flush'
  if (member.lines('flushed').length > 0) return 'between two flushes'
  return sessions.length === 0 ? 'starting' : 'joining the group'
}
