import { Command } from 'commander'
import { ADVICE } from '../dead-letters/advice.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { printable } from '../lib/printable.ts'
import { createDecode, type Decoded } from '../line-items/decode.ts'
import { messageOf } from '../line-items/fault.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { recordTime } from '../sink/letter.ts'
import { sourceRecord } from '../source/source-record.ts'
import { jsonLine, time, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { offset, partition } from './offsets-connect.ts'
import {
  bytesJson,
  headersSection,
  indented,
  keySection,
  pathText,
  refuseRawAndJson,
  section,
  valueSection,
  wrapped,
} from './record-text.ts'

type Flags = { partition: number; offset: bigint; raw?: true; json?: true }
type Ask = <T>(work: (asked: { admin: KafkaAdmin; topic: string }) => Promise<T>) => Promise<T>

/** Of a record that is no dead letter (yet): the one that closed the gate, or at which members stop. */
export const topicsRecord = (io: Io, exit: (code: ExitCode) => void, ask: Ask): Command =>
  new Command('record')
    .description('one record as it is in the topic, and what sluice makes of it; nothing is changed')
    .requiredOption('--partition <n>', 'its partition', partition)
    .requiredOption('--offset <n>', 'its offset; where there is no record, the next one is shown', offset)
    .option('--raw', 'the bytes of the value alone, to standard output')
    .option('--json', 'one JSON object; key, value and headers as base64')
    .addHelpText(
      'after',
      `
Also a record of a transaction that was aborted or is still open, which members do not take.

Example:
  sluice topics record --partition 2 --offset 48210`,
    )
    .action(async (flags: Flags) => {
      refuseRawAndJson(flags)
      const { record, topic } = await ask(async ({ admin, topic }) => ({ topic, record: await find(admin, topic, flags) })) // prettier-ignore
      const decoded = createDecode({ now: systemClock.wall })(record)
      if (flags.raw) await writeOut(io, record.value ?? Buffer.alloc(0))
      else await writeOut(io, flags.json ? jsonLine(io, json(topic, record, decoded)) : text(topic, record, decoded, flags)) // prettier-ignore
      exit(ExitCode.ok)
    })

async function find(admin: KafkaAdmin, topic: string, { partition, offset }: Flags): Promise<SourceRecord> {
  const ends = await admin.endOffsets(topic)
  const log = ends.get(partition)
  if (!log)
    throw new OperatorError(`${topic} has no partition ${partition}`, `it has ${ends.size}: 0 to ${ends.size - 1}`, ExitCode.usage) // prettier-ignore
  if (offset < log.low)
    throw new OperatorError(`the record is gone: partition ${partition} begins at offset ${log.low}`, 'what retention deleted is nowhere, but for dead letters: `sluice dlq list`', ExitCode.usage) // prettier-ignore
  const found = offset < log.high ? await admin.recordAt({ topic, partition, offset, end: log.high }) : null
  if (!found)
    throw new OperatorError(`there is no record at offset ${offset} or behind it`, `partition ${partition} ends at ${log.high}`, ExitCode.usage) // prettier-ignore
  return sourceRecord(partition, found)
}

const json = (topic: string, { key, value, headers, ...record }: SourceRecord, decoded: Decoded): object => ({
  ...{ topic, ...record, timestamp: recordTime(record.timestamp) },
  ...bytesJson({ key, value, headers }),
  outcome: decoded.kind,
  ...(decoded.kind === 'rejected' && { code: decoded.fault.code, path: decoded.fault.path }),
})

function text(topic: string, record: SourceRecord, decoded: Decoded, asked: Flags): string {
  const { partition, offset, timestamp, key, headers, value } = record
  const instead = offset === asked.offset ? '' : ` (there is none at ${asked.offset}: the next one)`
  const whole = `sluice topics record --partition ${partition} --offset ${offset} --raw`
  const lines = [
    `${printable(topic)}, partition ${partition}, offset ${offset}${instead}`,
    `written ${time(recordTime(timestamp))} (time of the record, UTC)`,
    '',
    ...verdict(decoded),
    ...keySection(key),
    ...headersSection(headers),
    ...valueSection(value, whole),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function verdict(decoded: Decoded): string[] {
  if (decoded.kind === 'ignored') return ['a tombstone: it is ignored', '']
  if (decoded.kind === 'rejected') {
    const { code, path } = decoded.fault
    return [
      ...section('it becomes a dead letter', [
        ['code', code],
        ['message', messageOf(code)],
        ['path', pathText(path)],
      ]),
      'what to do, once it is one (`sluice dlq list` has the ID)',
      ...indented(wrapped(ADVICE[code], 100)),
      '',
    ]
  }
  const { userId, invoiceId, lineNumber, sku, description, quantity, unitPrice, currency } = decoded.lineItem
  return section('it is a line item; only the database can still refuse it', [
    ['user', printable(userId)],
    ['invoice', `${printable(invoiceId)}, line ${lineNumber}`],
    ['sku', sku === null ? null : printable(sku)],
    ['description', description === null ? null : printable(description)],
    ['quantity', quantity],
    ['unit price', `${unitPrice} ${currency}`],
  ])
}
