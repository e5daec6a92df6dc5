import process from 'node:process'
import { version } from '../../src/lib/version.ts'
import { locateJars } from '../../src/local-stack/kafka-jars.ts'
import { findBinaries } from '../../src/local-stack/postgres-binaries.ts'

/** What it was played with, for the report. */
export const versions = async (): Promise<string> => {
  const [postgres, kafka] = [await findBinaries(), await locateJars(process.env)]
  const given = process.env['KAFKA_BROKERS'] ? ' (KAFKA_BROKERS was set: that one for faults that are not its own)' : ''
  return `sluice ${version}, Node ${process.versions.node}, PostgreSQL ${postgres.version}, Kafka ${kafka.version}${given}`
}
