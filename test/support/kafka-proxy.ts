// A proxy in front of every broker that understands what goes through it: the brokers it names are itself, and one request
// of a kind can be refused, answered with another error, held back, or lost.
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  type Api,
  correlationOf,
  createFrames,
  mapPorts,
  refusal,
  type RequestHeader,
  requestHeader,
  setErrors,
} from './kafka-frames.ts'

/**
 * refuse: the broker does not hear of the request · error: it does what is asked, and the answer says that it failed · hold: the
 * answer waits · lose: there is no answer · cut: the connection ends instead of the answer · change: bytes of the answer, in place.
 */
export type Fault =
  | { refuse: number }
  | { error: number }
  | { hold: Promise<unknown> }
  | { lose: true }
  | { cut: true }
  | { change: (answer: Buffer) => void }
export type Rule = {
  api: Api
  /** Only of the n-th broker. */
  broker?: number
  /** How many pass before, and how many it hits (1). */
  after?: number
  times?: number
  /** The whole request, its length included. */
  when?: (request: Buffer) => boolean
  fault: Fault
}
type Active = Rule & { seen: number; hits: number }

export const ERROR = {
  offsetOutOfRange: 1,
  unknownTopic: 3,
  notLeader: 6,
  requestTimedOut: 7,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  groupAuthorization: 30,
  groupMaxSize: 81,
} as const

export type KafkaProxy = Awaited<ReturnType<typeof openKafkaProxy>>

/** open · down: connections end, new ones too · silent: they are taken, and nothing comes back. */
type Mode = 'open' | 'down' | 'silent'

export const openKafkaProxy = async (brokers: readonly string[]) => {
  const rules = new Set<Active>()
  const sockets = new Set<Socket>()
  const state = { mode: 'open' as Mode, counts: {} as Partial<Record<Api, number>> }
  const ports = new Map<number, number>()

  /** The fault for a request, if one is due. */
  const faultOf = ({ api }: RequestHeader, request: Buffer, broker: number): Fault | null => {
    for (const rule of rules) {
      if (rule.api !== api || (rule.broker ?? broker) !== broker || (rule.when && !rule.when(request))) continue
      rule.seen += 1
      if (rule.seen <= (rule.after ?? 0) || rule.hits >= (rule.times ?? 1)) continue
      rule.hits += 1
      return rule.fault
    }
    return null
  }

  const serve = (client: Socket, host: string, port: number, broker: number) => {
    if (state.mode === 'down') return client.destroy()
    const upstream = createConnection({ host, port })
    const asked = new Map<number, { header: RequestHeader; fault: Fault | null }>()
    const send = (to: Socket, bytes: Buffer) => void (state.mode === 'open' && !to.destroyed && to.write(bytes))
    const requested = (frame: Buffer) => {
      const header = requestHeader(frame)
      if (header.api) state.counts[header.api] = (state.counts[header.api] ?? 0) + 1
      const fault = faultOf(header, frame, broker)
      if (fault && 'refuse' in fault) return send(client, refusal(header, fault.refuse))
      asked.set(header.correlation, { header, fault })
      send(upstream, frame)
    }
    const answered = (frame: Buffer) => {
      const question = asked.get(correlationOf(frame))
      asked.delete(correlationOf(frame))
      if (!question) return send(client, frame)
      const { header, fault } = question
      mapPorts(header, frame, (port) => ports.get(port) ?? port)
      if (fault && 'error' in fault) setErrors(header, frame, fault.error)
      if (fault && 'change' in fault) fault.change(frame)
      if (fault && 'lose' in fault) return
      if (fault && 'cut' in fault) return client.destroy()
      if (fault && 'hold' in fault) return void fault.hold.then(() => send(client, frame))
      send(client, frame)
    }
    for (const [from, to, each] of [
      [client, upstream, requested],
      [upstream, client, answered],
    ] as const) {
      const frames = createFrames()
      sockets.add(from)
      from.on('data', (bytes: Buffer) => frames(bytes).forEach(each))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  }

  const servers = await Promise.all(
    brokers.map(async (address, broker) => {
      const [host = '', port = ''] = address.split(':')
      const server = createServer((client) => serve(client, host, Number(port), broker))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      ports.set(Number(port), (server.address() as { port: number }).port)
      return server
    }),
  )
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    brokers: [...ports.values()].map((port) => `127.0.0.1:${port}`),
    /** How often each kind was asked for. */
    counts: state.counts,
    /** In force until its hits are used up, or `end`. */
    rule(rule: Rule) {
      const active: Active = { ...rule, seen: 0, hits: 0 }
      rules.add(active)
      return { hits: () => active.hits, end: () => void rules.delete(active) }
    },
    set(mode: Mode) {
      state.mode = mode
      if (mode === 'down') cut()
    },
    /** What is open now hangs for ever, what comes later works: a firewall forgot our connections. */
    forget() {
      for (const socket of sockets) socket.pause().removeAllListeners('data')
    },
    cut,
    async close() {
      cut()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

/** Ends with the test. */
export const useKafkaProxy = async (brokers: readonly string[]) => {
  const proxy = await openKafkaProxy(brokers)
  onTestFinished(() => proxy.close())
  return proxy
}
