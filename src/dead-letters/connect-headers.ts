// The headers that Kafka Connect's dead letter queue has (DeadLetterQueueReporter), for tools that read those: all ten, all
// UTF-8 text, with what is nearest to it here.
import type { Header } from '../pipeline/source-record.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import { text } from './header-text.ts'

/** Where Kafka Connect would have failed. */
const STAGES: Readonly<Record<string, string>> = {
  decode: 'VALUE_CONVERTER',
  validate: 'VALUE_CONVERTER',
  map: 'TRANSFORMATION',
  write: 'TASK_PUT',
}

export const connectHeaders = (letter: DeadLetterRow): Header[] =>
  [
    ['topic', letter.topic],
    ['partition', String(letter.partition)],
    ['offset', String(letter.recordOffset)],
    ['connector.name', letter.groupId],
    ['task.id', '0'],
    ['stage', STAGES[letter.stage] ?? 'TASK_PUT'],
    ['class.name', `sluice.${letter.stage}`],
    ['exception.class.name', `sluice.${letter.code}`],
    ['exception.message', letter.message],
    // A stack of ours tells nobody anything about the record, but a reader may take it for granted.
    ['exception.stacktrace', ''],
  ].map(([name, value]) => text(`__connect.errors.${name}`, value ?? ''))
