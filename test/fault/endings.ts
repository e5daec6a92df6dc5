// How members end: as they were told to, and soon. Whoever ends otherwise is a finding, whatever else the story is about.
import type { ProofLine } from '../../src/demo/proof.ts'
import { ExitCode } from '../../src/lib/operator-error.ts'
import type { Ending, Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

/** Beyond the time-out of the drain (25 s), with what the relay may take after it. A drain that hangs must not hang the lane. */
const ENDS_MS = 60_000

export const ending = async (member: Member): Promise<Ending> => {
  await until(`${member.name} ends`, () => !member.running(), { timeoutMs: ENDS_MS, describe: member.tail })
  return member.ended
}

/** Told to stop, and how it ended. */
export const stop = (member: Member): Promise<Ending> => {
  member.kill('SIGTERM')
  return ending(member)
}

/** `drained`: the codes that a drain may end with. */
export const asTold = (
  member: Pick<Member, 'told' | 'lines'>,
  { code, signal }: Ending,
  drained: readonly number[] = [ExitCode.ok],
): boolean => {
  const { told } = member
  if (signal === 'SIGKILL') return told.includes('SIGKILL') || member.lines('failpoint').length > 0
  const stops = told.filter((each) => each === 'SIGTERM').length
  // One that has not written its first line yet has nothing to drain: the signal ends it. (`resources` are of the test's preload.)
  if (signal === 'SIGTERM') return stops > 0 && member.lines().every(({ msg }) => msg === 'resources')
  if (code === ExitCode.aborted) return stops > 1
  return stops > 0 && code !== null && drained.includes(code)
}

/** Of all that have ended. */
export const proveEndings = async (world: Pick<World, 'members'>, say: (line: string) => void): Promise<ProofLine> => {
  let wrong = 0
  const over = world.members.filter((member) => !member.running())
  for (const member of over) {
    const how = await member.ended
    if (asTold(member, how)) continue
    wrong += 1
    say(
      `${member.name} was told ${member.told.join(', ') || 'nothing'} and ended with ${how.code ?? how.signal}. ${member.tail()}`,
    )
  }
  const found = String(wrong)
  return {
    what: `members that ended otherwise than they were told to (of ${over.length})`,
    expected: '0',
    found,
    ok: wrong === 0,
  }
}
