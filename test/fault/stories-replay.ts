// `sluice dlq replay` killed at its failpoints, and run again, and twice (fault 41).
import { withFailpoints } from '../support/failpoints/env.ts'
import { until } from '../support/until.ts'
import { exactly } from './play.ts'
import type { Stage } from './stage.ts'
import { type Story, works } from './story.ts'

const POINTS = ['replay_marked', 'replay_sent'] as const
const LETTERS = 25
/** Two of 256 beginnings of an event id. */
const CAUSE = `CHECK (substr(event_id::text, 1, 2) NOT IN ('0a', 'd5'))`

const countOf = async ({ query }: Stage, condition: string): Promise<number> => {
  const [row] = await query<{ count: number }>(`SELECT count(*)::int FROM dead_letter WHERE ${condition}`)
  return row!.count
}

const replayKilled: Story = {
  ...{ number: 41, name: 'replay-killed' },
  what: 'a replay of dead letters is killed (SIGKILL) between mark and send, and between send and its note of it; then run to the end, twice',
  proves: 'the next run sends the rest, also what was sent and not noted; every event is in the ledger once',
  // Each of these letters was an event that nothing is wrong with, and has come twice: the proof from the topic knows no cause.
  besides: /^(repeated events|dead letters|ledger rows unlike)/,
  async tell({ stage, load, sampler, times }) {
    const { world, query } = stage
    await works(stage.start('member'))
    await query(`ALTER TABLE ledger_entry ADD CONSTRAINT cause ${CAUSE} NOT VALID`)
    await until('there are dead letters', async () => (await countOf(stage, 'true')) >= LETTERS)
    await load.stop()
    await world.drained(120_000)
    await query('ALTER TABLE ledger_entry DROP CONSTRAINT cause')
    const letters = await countOf(stage, 'true')
    let killed = 0
    sampler.struck()
    for (let round = 1; round <= times; round++)
      for (const point of POINTS) {
        const env = { ...world.env, ...withFailpoints(`${point}:kill@${round}`) }
        const { signal } = await world.sluice(['dlq', 'replay', '--yes', '--rate', '10'], { env })
        if (signal === 'SIGKILL') killed += 1
        stage.say(
          `replay at ${point}, pass ${round}: ${signal ?? 'done before'}; ${await countOf(stage, "status = 'open'")} open`,
        )
        // The lease of the one that died ends.
        await query('UPDATE dead_letter SET replay_claimed_until = now() WHERE replay_claimed_until IS NOT NULL')
      }
    const runs = [await world.sluice(['dlq', 'replay', '--yes']), await world.sluice(['dlq', 'replay', '--yes'])]
    await world.drained(120_000)
    return [
      exactly('replays killed', times * POINTS.length, killed),
      exactly('replays that ended well afterwards', 2, runs.filter(({ exitCode }) => exitCode === 0).length),
      exactly('I8 dead letters that are resolved', letters, await countOf(stage, "status = 'resolved'")),
      exactly('I8 dead letters counted as replayed more than the runs that could', 0, await countOf(stage, `replay_count > ${times * POINTS.length + 1}`)), // prettier-ignore
    ]
  },
}

export const replayStories: readonly Story[] = [replayKilled]
