import { systemClock } from '../../src/lib/clock.ts'
import { createThreadedProducer } from '../../src/kafka/threaded-producer.ts'
import { publish } from '../../src/publish/publish.ts'
import type { Row } from '../../src/publish/row.ts'
import { validEvents } from '../support/backlog.ts'
import type { Ground } from '../support/ground.ts'

const PER_SEED = 100_000
const PER_TURN = 500

/** Events without end, none of them twice. */
async function* rows(): AsyncGenerator<Row[]> {
  let line = 0
  for (let seed = 1; ; seed++) {
    let some: Row[] = []
    for (const event of validEvents({ records: PER_SEED, seed })) {
      const record = { key: Buffer.from(event.invoiceId), value: Buffer.from(JSON.stringify(event)) }
      some.push({ line: ++line, record })
      if (some.length < PER_TURN) continue
      yield some
      some = []
      await new Promise(setImmediate)
    }
  }
}

/** Publishes as fast as it can; `stop` says how many records Kafka has taken. */
export async function startEndlessLoad(ground: Ground, topic: string): Promise<{ stop: () => Promise<number> }> {
  const producer = createThreadedProducer(ground.kafka)
  await producer.connect()
  const stopping = new AbortController()
  const running = publish({
    ...{ rows: rows(), send: (some) => producer.send(topic, some), clock: systemClock, signal: stopping.signal },
    ...{ rate: null, onFault: () => {}, onProgress: () => {} },
  })
  return {
    async stop() {
      stopping.abort()
      const { published, ending } = await running
      await producer.disconnect()
      if (ending.kind !== 'stopped') throw new Error(`the load ended by itself: ${ending.kind}`)
      return published
    },
  }
}
