import { installCodecs } from './codecs.ts'
import { patchConnections } from './connections.ts'
import { patchConsumer } from './consumer-patches.ts'
import { decodeBatches } from './decode-batches.ts'
import { patchFetchOrder } from './fetch-order.ts'
import { assertKafkajs } from './guard.ts'
import { encodeRecord, patchHeaderDecoding } from './headers.ts'
import { internal, kafkajsVersion, replaceModule } from './kafkajs-internals.ts'

export { headerPairs } from './headers.ts'

// kafkajs 2.2.4 is its last release; what would hurt us is mended here, once per process, for exactly that version.

const APPLIED = Symbol.for('sluice.kafkajsPatched')

export const applyPatches = (): void => {
  const { prototype } = internal('src/network/requestQueue/index.js') as { prototype: { [APPLIED]?: true } }
  if (prototype[APPLIED]) return
  assertKafkajs(kafkajsVersion)
  prototype[APPLIED] = true
  patchConnections()
  patchConsumer()
  patchFetchOrder()
  patchHeaderDecoding()
  installCodecs()
  const fetch = (version: number) => `src/protocol/requests/fetch/v${version}/response.js`
  replaceModule('src/protocol/requests/fetch/v4/decodeMessages.js', [4, 5, 7, 8].map(fetch), decodeBatches)
  replaceModule(
    'src/protocol/recordBatch/record/v0/index.js',
    ['src/protocol/requests/produce/v3/request.js'],
    encodeRecord,
  )
}

applyPatches()
