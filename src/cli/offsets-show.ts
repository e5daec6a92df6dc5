import Table from 'cli-table3'
import { closureText } from './gate.ts'
import type { Io } from './io.ts'
import type { Connected } from './offsets-connect.ts'
import { toJson } from '../lib/json.ts'

export async function showOffsets(io: Io, { config, admin, store, gate }: Connected, json: boolean): Promise<void> {
  const { groupId, topic } = config
  // Database first, Kafka second: a lag is never shown as negative.
  const closure = await gate.closure()
  const rows = new Map((await store.show()).map((row) => [row.partition, row]))
  const [ends, committed] = await Promise.all([admin.endOffsets(topic), admin.committedOffsets(groupId, topic)])
  const lines = [...ends]
    .sort(([a], [b]) => a - b)
    .map(([partition, { low, high }]) => {
      const row = rows.get(partition)
      const position = row?.nextOffset ?? null
      const { inserted = 0n, duplicate = 0n, deadLettered = 0n, ignored = 0n, skipped = 0n } = row ?? {}
      const lag = high - (position ?? low)
      return {
        partition,
        position,
        committed: committed.get(partition) ?? null,
        end: high,
        lag,
        written: inserted,
        duplicates: duplicate,
        deadLetters: deadLettered,
        ignored,
        skipped,
      }
    })
  if (json) {
    io.stdout.write(`${toJson({ groupId, topic, gate: closure, partitions: lines })}\n`)
    return
  }
  const counts = ['written', 'duplicates', 'dead letters', 'ignored', 'skipped']
  const head = ['partition', 'position', 'committed', 'end', 'lag', ...counts]
  const table = new Table({ head, style: { head: [], border: [], compact: true }, colAligns: head.map(() => 'right') })
  for (const line of lines) table.push(Object.values(line).map((value) => value?.toLocaleString('en-US') ?? '–'))
  io.stdout.write(`group ${groupId}, topic ${topic} (counts since the last reset)\n${table.toString()}\n`)
  if (closure) io.stdout.write(`the gate is ${closureText(closure)}\n  → mend the cause, then \`sluice resume\`\n`)
}
