import { Command } from 'commander'
import type { ExitCode } from '../lib/operator-error.ts'
import { dlqDiscard } from './dlq-discard.ts'
import { dlqList } from './dlq-list.ts'
import { dlqPurge } from './dlq-purge.ts'
import { dlqReplay } from './dlq-replay.ts'
import { dlqShow } from './dlq-show.ts'
import { dlqStats } from './dlq-stats.ts'
import type { Io } from './io.ts'

export const dlqCommand = (io: Io, exit: (code: ExitCode) => void): Command => {
  const command = new Command('dlq').description(
    'dead letters of the group: look at them, replay, discard or purge them',
  )
  for (const subcommand of [dlqList, dlqShow, dlqStats, dlqReplay, dlqDiscard, dlqPurge])
    command.addCommand(subcommand(io, exit))
  return command
}
