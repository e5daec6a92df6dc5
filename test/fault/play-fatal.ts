// Plays a fault that must end the member, and looks at what it left behind.
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import { proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import { stop } from './endings.ts'
import { exactly, matches } from './play.ts'
import type { FatalScenario, Heal } from './scenario.ts'
import type { Stage } from './stage.ts'

export type FatalOutcome = { readonly lines: ProofLine[]; readonly stderr: string[]; readonly ms: number }

const ENDS_MS = 30_000

/** Under load. In the end the cause is mended, whatever came of it; what is unsettled is left to the next member. */
export const playFatal = async (stage: Stage, scenario: FatalScenario): Promise<FatalOutcome> => {
  const { member, ms } = await (scenario.when === 'start' ? beforeIt : underIt)(stage, scenario)
  const ending = await member.ended
  const stderr = member
    .output()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  const [said = '', remedy = ''] = stderr
  const lines = [
    exactly('exit code', scenario.exitCode, ending.code ?? -1),
    exactly('lines on stderr', 2, stderr.length),
    matches('what it says', scenario.says, said.replace(/^sluice: /, '')),
    matches('what to do', scenario.remedy, remedy.replace(/^ {2}→ /, '')),
    ...(await halfDone(stage)),
  ]
  return { lines, stderr, ms }
}

type Ended = { member: Member; ms: number }

const beforeIt = async (stage: Stage, { name, strike }: FatalScenario): Promise<Ended> => {
  const heal = await strike(stage)
  return ends(stage.start(name), heal)
}

const underIt = async (stage: Stage, { name, strike }: FatalScenario): Promise<Ended> => {
  const member = stage.start(name)
  await until(`${name} flushes`, () => member.lines('flushed').length > 2, { describe: member.tail })
  return ends(member, await strike(stage))
}

/** One that does not end must not be there when the next fault is played. */
const ends = async (member: Member, heal: Heal): Promise<Ended> => {
  const began = performance.now()
  try {
    await until(`${member.name} ends`, () => !member.running(), { timeoutMs: ENDS_MS, describe: member.tail })
    return { member, ms: performance.now() - began }
  } finally {
    member.kill('SIGKILL')
    await heal()
  }
}

/** Nothing of a batch may be there without its offset, and no dead letter be made of it. */
const halfDone = async ({ query }: Stage): Promise<ProofLine[]> => {
  const [row] = await query<{ beyond: number; unbalanced: number; miscounted: number; letters: number }>(`
    SELECT
      (SELECT count(*)::int FROM ledger_entry l JOIN consumer_offset o USING (topic, partition)
        WHERE l.record_offset >= o.next_offset) AS beyond,
      (SELECT count(*)::int FROM inventory FULL JOIN
        (SELECT item_id, sum(quantity) AS total FROM ledger_entry GROUP BY item_id) sums USING (item_id)
        WHERE coalesce(quantity, 0) <> coalesce(total, 0)) AS unbalanced,
      (SELECT (count(*) - (SELECT coalesce(sum(inserted), 0) FROM consumer_offset))::int FROM ledger_entry) AS miscounted,
      (SELECT count(*)::int FROM dead_letter) AS letters`)
  return [
    exactly('ledger rows at or beyond the position of their partition', 0, row!.beyond),
    exactly('items with inventory ≠ Σ ledger', 0, row!.unbalanced),
    exactly('ledger rows more than counted', 0, row!.miscounted),
    exactly('dead letters', 0, row!.letters),
  ]
}

/** Afterwards: a member without a fault settles everything that the others left. */
export const proveAftermath = async (stage: Stage): Promise<ProofLine[]> => {
  const member = stage.start('after')
  await stage.world.drained(300_000)
  const { code } = await stop(member)
  const { lines } = await proveWorld(stage.world)
  return [exactly('exit code of the member that came after', 0, code ?? -1), ...lines]
}
