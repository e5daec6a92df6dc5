import { Command } from 'commander'
import type { ExitCode } from '../lib/operator-error.ts'
import type { Io } from './io.ts'
import { mappingAssign } from './mapping-assign.ts'
import { mappingList } from './mapping-list.ts'
import { mappingMerge } from './mapping-merge.ts'
import { mappingShow } from './mapping-show.ts'
import { mappingFinish, mappingUndo } from './mapping-undo.ts'

export const mappingCommand = (io: Io, exit: (code: ExitCode) => void): Command => {
  const command = new Command('mapping').description('which item a vendor line stands for: look at it, and correct it')
  for (const subcommand of [mappingList, mappingShow, mappingAssign, mappingMerge, mappingUndo, mappingFinish])
    command.addCommand(subcommand(io, exit))
  return command
}
