import { actor } from '../lib/actor.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Io } from './io.ts'
import { type Connected, counted, refuseMembers, tellKafka } from './offsets-connect.ts'

export type SkipOptions = {
  partition: number
  offset: bigint
  /** The last one, when a whole record batch cannot be read. */
  through?: bigint
  reason: string
  yes?: true
  dryRun?: true
}

/**
 * Passes by what no member can get over. Only at the very position: offsets between would be lost without anybody having
 * said so, and are for members to read first.
 */
export async function skipOffsets(io: Io, { config, admin, store }: Connected, options: SkipOptions): Promise<void> {
  const { groupId, topic } = config
  const { partition, offset, through = offset } = options
  const end = (await admin.endOffsets(topic)).get(partition)?.high
  if (end === undefined) throw usage(`the topic has no partition ${partition}`, 'see `sluice offsets show`')
  if (through < offset)
    throw usage(`--through ${through} is below --offset ${offset}`, 'give the last offset to pass by')
  if (through >= end) throw usage(`offset ${through} is not in the topic`, `partition ${partition} ends at ${end}`)
  const position = (await store.load([partition])).get(partition)?.nextOffset
  // Inside of a batch that cannot be read: what is below was settled when it still could.
  if (position === undefined || position < offset || position > through) throw elsewhere(options, position)
  const part = { partition, from: position, to: through + 1n }
  io.stdout.write(`partition ${partition}: ${part.from} → ${part.to}   ${counted(part.to - part.from)} never read\n`)
  if (!options.yes || options.dryRun) {
    io.stdout.write('nothing was changed; add --yes to do it\n')
    return
  }
  refuseMembers(
    groupId,
    await admin.groupMembers(groupId),
    'stop them first; one that was killed counts until its session time-out',
  )
  // Compared again under the row's lock: a member may have come meanwhile.
  const moved = await store.skip(part, options.reason, actor())
  if (moved) throw elsewhere(options, moved.position)
  await tellKafka({ config, admin }, new Map([[partition, part.to]]))
  io.stdout.write(`group ${groupId} goes on behind it; written to audit_entry\n`)
}

const usage = (message: string, mend: string) => new OperatorError(message, mend, ExitCode.usage)

function elsewhere({ partition, offset }: SkipOptions, position: bigint | undefined) {
  const message = `the position of partition ${partition} is ${position ?? 'not set'}, not ${offset}; nothing was changed`
  if (position === undefined) return usage(message, 'start a member: it sets the position')
  if (position > offset) return usage(message, 'that is settled already: see `sluice offsets show`')
  return usage(
    message,
    `let a member settle ${position} to ${offset - 1n} first, or set the position: sluice offsets reset`,
  )
}
