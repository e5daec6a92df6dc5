import { installCodecs } from './codecs.ts'
import { decodeBatches } from './decode-batches.ts'
import { encodeRecord, patchHeaderDecoding } from './headers.ts'
import { internal, kafkajsVersion, replaceModule } from './kafkajs-internals.ts'

export { headerPairs } from './headers.ts'

// kafkajs 2.2.4 is its last release; what would hurt us is mended here, once per process, for exactly that version.

const VERSION = '2.2.4'
const APPLIED = Symbol.for('sluice.kafkajsPatched')

type RequestQueue = { pending: unknown[]; scheduleCheckPendingRequests(): void }

/** Unpatched, every connection re-arms a timer of about 1 ms for ever: 5 % of a core while idle. */
const patchTimerSpin = (prototype: RequestQueue): void => {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const original = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function () {
    // Nothing waits, so nothing is to be checked; a request that has to wait schedules the check itself.
    if (this.pending.length === 0) return
    original.call(this)
  }
}

export const assertVersion = (version: string): void => {
  if (version !== VERSION)
    throw new Error(
      `kafkajs is ${version}, but src/kafka/patches.ts was written for ${VERSION}: check each patch, then raise it`,
    )
}

export const applyPatches = (): void => {
  assertVersion(kafkajsVersion)
  const { prototype } = internal('src/network/requestQueue/index.js') as {
    prototype: RequestQueue & { [APPLIED]?: true }
  }
  if (prototype[APPLIED]) return
  prototype[APPLIED] = true
  patchTimerSpin(prototype)
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
