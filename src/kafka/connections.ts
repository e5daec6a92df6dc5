import { internal, wallClock } from './kafkajs-internals.ts'
import { shared } from './shared.ts'

// One connection of kafkajs and its queue of requests: no idle timers, no wall clock that somebody may set, and no second request
// over a connection that did not answer the first.

type Request = { requestTimeout: number; timeoutRequest(): void }
type RequestQueue = {
  pending: unknown[]
  inflight: Map<number, Request>
  enforceRequestTimeout: boolean
  requestTimeout: number
  requestTimeoutIntervalId: unknown
  throttledUntil: number
  isConnected(): boolean
  destroy(): void
  scheduleCheckPendingRequests: (this: RequestQueue) => void
  scheduleRequestTimeoutCheck: (this: RequestQueue) => void
  canSendSocketRequestImmediately: (this: RequestQueue) => boolean
}

/** Brokers throttle by seconds. Longer, and the clock was set back meanwhile. */
const MAX_THROTTLE_MS = 120_000
const LOOK_MS = 100

/** Unpatched, every connection re-arms a timer of about 1 ms for ever: 5 % of a core while idle. */
const patchTimerSpin = (queue: RequestQueue): void => {
  const { scheduleCheckPendingRequests } = queue
  queue.scheduleCheckPendingRequests = function () {
    // Nothing waits, so nothing is to be checked; a request that has to wait schedules the check itself.
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
}

/** A request that is not answered would wait for as long as the clock was set back; set forward, all would time out. */
const patchTimeouts = (queue: RequestQueue): void => {
  queue.scheduleRequestTimeoutCheck = function () {
    if (!this.enforceRequestTimeout) return
    this.destroy()
    const seen = new WeakMap<Request, number>()
    const look = () => {
      const now = performance.now()
      for (const request of this.inflight.values()) {
        const since = seen.get(request)
        if (since === undefined) seen.set(request, now)
        else if (now - since > request.requestTimeout) request.timeoutRequest()
      }
      if (!this.isConnected()) this.destroy()
    }
    this.requestTimeoutIntervalId = setInterval(look, Math.min(this.requestTimeout, LOOK_MS))
  }
}

const patchThrottle = (queue: RequestQueue): void => {
  const { canSendSocketRequestImmediately } = queue
  queue.canSendSocketRequestImmediately = function () {
    if (this.throttledUntil - wallClock() > MAX_THROTTLE_MS) this.throttledUntil = -1
    return canSendSocketRequestImmediately.call(this)
  }
}

type Socket = { destroy(error?: Error): void; once(event: 'close', listener: () => void): void }
type Connection = {
  socket: Socket | null
  broker: string
  connect: (this: Connection) => Promise<unknown>
  send: (this: Connection, request: unknown) => Promise<unknown>
}

/**
 * A firewall forgot the connection, or the other end is gone without a word: TCP notices after a quarter of an hour, and kafkajs
 * sends each retry down the same hole. The next request connects again.
 */
const patchSend = (connection: Connection): void => {
  const { send } = connection
  connection.send = async function (request) {
    try {
      return await send.call(this, request)
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') this.socket?.destroy(error)
      throw error
    }
  }
}

const { KafkaJSConnectionError: ConnectionError } = internal('src/errors.js') as {
  KafkaJSConnectionError: new (message: string, details: { broker: string }) => Error
}

/**
 * Two that want a connection at the same time would open two, and both would read into one buffer. And of an attempt that failed
 * the socket lives on, half closed, for as long as the other end says nothing: in an outage they add up.
 */
const patchConnect = (connection: Connection): void => {
  const { connect } = connection
  connection.connect = shared(async (connection) => {
    const connected = connect.call(connection)
    const { socket } = connection // kafkajs puts it there before its first await
    // Ended by the other side before it was up, kafkajs would say nothing, for ever.
    const closed = new Promise<never>((_, reject) =>
      socket?.once('close', () => reject(new ConnectionError('Connection closed', { broker: connection.broker }))),
    )
    try {
      return await Promise.race([connected, closed])
    } catch (error) {
      socket?.destroy()
      throw error
    }
  })
}

export const patchConnections = (): void => {
  const { prototype } = internal('src/network/requestQueue/index.js') as { prototype: RequestQueue }
  patchTimerSpin(prototype)
  patchTimeouts(prototype)
  patchThrottle(prototype)
  const connection = internal('src/network/connection.js') as { prototype: Connection }
  patchSend(connection.prototype)
  patchConnect(connection.prototype)
}
