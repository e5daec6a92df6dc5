import type { Config } from './config.ts'
import { explainKafkaError } from './kafka/explain.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'
import { FatalFault } from './pipeline/settle.ts'
import { sqlstateOf } from './sink/classify.ts'
import { explainDatabaseError } from './sink/explain.ts'

/** Why a consumer ends: one line that says what to do, where we know it. */
export function explainEnding(error: unknown, { databaseUrl, kafka, topic, groupId }: Config): unknown {
  // A fault without an SQLSTATE is fatal only on a database that answers: not to be explained as one that does not.
  const explicable = !(error instanceof FatalFault) || sqlstateOf(error) !== null
  const known =
    (explicable ? explainDatabaseError(error, databaseUrl) : null) ??
    explainKafkaError(error, kafka, { topic, group: groupId })
  if (known || !(error instanceof FatalFault)) return known ?? error
  return new OperatorError(
    `stopped: PostgreSQL failed with ${error.code}, which is neither a fault of a record nor one that passes`,
    'nothing of the batch was committed, and nothing is lost; mend the schema or report the code, then start again',
    ExitCode.fatal,
    { cause: error },
  )
}
