import { Command } from 'commander'
import { cell } from '../lib/cell.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { printable } from '../lib/printable.ts'
import type { LetterDetail } from '../sink/letter-store.ts'
import { resolveId } from '../letter-jobs.ts'
import { adviceFor, summaryJson } from '../sink/letter-json.ts'
import { connected } from './dlq-connect.ts'
import { idPrefix } from './dlq-options.ts'
import { count, jsonLine, shortId, time, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
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

type Flags = { raw?: true; json?: true }

export const dlqShow = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('show')
    .description('one dead letter: why it failed, what to do, and the record itself')
    .argument('<id>', 'its id, or the beginning of it', idPrefix)
    .option('--raw', 'the bytes of the value alone, to standard output')
    .option('--json', 'one JSON object; key, value and headers as base64')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice dlq show 3f2a90c1be44\n  sluice dlq show 3f2a90c1be44 --raw > event.json',
    )
    .action(async (prefix: string, flags: Flags) => {
      refuseRawAndJson(flags)
      const { letter, topic } = await connected(io, async (all) => {
        const id = await resolveId(all, prefix)
        return { letter: await all.store.get(id), topic: all.config.dlqTopic }
      })
      // Purged in this moment.
      if (!letter) throw new OperatorError(`the dead letter ${prefix} is gone`, 'see `sluice dlq list`', ExitCode.usage)
      await writeOut(
        io,
        flags.raw ? rawOf(letter) : flags.json ? jsonLine(io, letterJson(letter)) : text(letter, topic),
      )
      exit(ExitCode.ok)
    })

function rawOf({ value, valueSha256 }: LetterDetail): Buffer {
  if (value !== null) return value
  throw new OperatorError(
    valueSha256 === null ? 'the record has no value' : 'the value could not be stored; only its hash is known',
    'it may still be in its topic: `sluice dlq show` says where',
    ExitCode.partial,
  )
}

const letterJson = ({ key, value, headers, valueSha256, replayHash, ...rest }: LetterDetail): object => ({
  ...summaryJson(rest),
  advice: adviceFor(rest.code, rest.id),
  ...bytesJson({ key, value, headers }),
  valueSha256: valueSha256?.toString('hex') ?? null,
  replayHash: replayHash?.toString('hex') ?? null,
})

function text(letter: LetterDetail, dlqTopic: string): string {
  const { id, publishedAt, replayCount, status } = letter
  const published = publishedAt === null ? `waits for ${dlqTopic}` : `on ${dlqTopic} since ${time(publishedAt)}`
  const lines = [
    `dead letter ${id}`,
    '',
    ...section('why', [
      ['code', `${letter.code} (stage ${letter.stage})`],
      ['message', printable(letter.message)],
      ['path', pathText(letter.path)],
      ['sqlstate', letter.sqlstate],
    ]),
    'what to do',
    ...indented(wrapped(adviceFor(letter.code, id), 100)),
    '',
    ...section('where it came from', [
      ['origin', `${printable(letter.topic)}, partition ${letter.partition}, offset ${letter.recordOffset}`],
      ['written', letter.recordTimestamp === null ? null : `${time(letter.recordTimestamp)} (time of the record)`],
      ['user', letter.userId === null ? null : cell(letter.userId, 255)],
      [
        'invoice',
        letter.invoiceId === null ? null : `${cell(letter.invoiceId, 255)}, line ${letter.lineNumber ?? '–'}`,
      ],
      ['group', printable(letter.groupId)],
    ]),
    ...section('what became of it (UTC)', [
      ['status', status],
      ['first failed', time(letter.createdAt)],
      // Of one that failed once the two are the beginning and the end of one transaction.
      ['last failed', letter.seenCount === 1 ? null : time(letter.failedAt)],
      ['seen', count(letter.seenCount)],
      ['DLQ topic', published],
      ['replays', replayCount === 0 ? '0' : `${replayCount}, ${sentText(letter)}`],
      ['resolved', letter.resolvedAt && time(letter.resolvedAt)],
      ['discarded', letter.discardReason === null ? null : `because: ${printable(letter.discardReason)}`],
    ]),
    ...keySection(letter.key),
    ...headersSection(letter.headers),
    ...valuePart(letter),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function sentText({ status, replaySentAt, replayClaimedUntil }: LetterDetail): string {
  if (replaySentAt !== null) return `the last sent ${time(replaySentAt)}`
  if (status !== 'replayed') return 'the last one broken off'
  return `not acknowledged by the brokers yet; after ${time(replayClaimedUntil)} the next replay sends it`
}

const valuePart = ({ value, valueSha256, id }: LetterDetail): string[] =>
  value === null && valueSha256 !== null
    ? [`value: could not be stored; its sha256 is ${valueSha256.toString('hex')}`, '']
    : valueSection(value, `sluice dlq show ${shortId(id)} --raw`)
