// A relay in a process of its own, for a test that kills it: it sends the letters it leased, says so, and then never gets
// to mark them. Arguments: database URL, brokers, group, topic, milliseconds of the lease.
import { createRelay } from '../../src/dead-letters/relay.ts'
import { loadConfig } from '../../src/config.ts'
import { createProducer } from '../../src/kafka/producer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import { createLog } from '../../src/telemetry/log.ts'

const [url = '', brokers = '', groupId = '', topic = '', leaseMs = ''] = process.argv.slice(2)
const { kafka } = loadConfig({ KAFKA_BROKERS: brokers }, ['kafka'])
const producer = createProducer(kafka, createLog('silent'))
await producer.connect()
const outbox = createOutbox({ database: createDatabase({ url, poolSize: 2, writer: 'fast' }), groupId })
process.once('disconnect', () => process.exit(0)) // the test is gone
if (!process.connected) process.exit(0)

const relay = createRelay({
  ...{ appVersion: '1', headerCompat: 'none', clock: systemClock, emit: () => {}, leaseMs: Number(leaseMs) },
  send: (records) => producer.sendEach(topic, records),
  outbox: {
    ...outbox,
    markPublished: async (ids) => {
      process.send?.({ sent: ids.length })
      await new Promise(() => {})
    },
  },
})
await relay.run()
