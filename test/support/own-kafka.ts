// Three brokers of one's own, each to be stopped, killed, suspended and started again on its data: for faults that nobody
// else may feel. The listener that clients are told of is a proxy; the tests themselves have one past it.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import kafkajs, { type Admin } from 'kafkajs'
import { newClusterId, planBroker, votersOf } from '../../src/local-stack/embedded-kafka.ts'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { findJava } from '../../src/local-stack/java.ts'
import { fetchJars, locateJars } from '../../src/local-stack/kafka-jars.ts'
import { exitOf, startKeeper } from '../../src/local-stack/keeper.ts'
import type { Plan } from '../../src/local-stack/start-service.ts'
import { standsStill } from './processes.ts'
import { openToxicProxy } from './toxic-proxy.ts'
import { until } from './until.ts'

export type OwnKafka = Awaited<ReturnType<typeof startOwnKafka>>
export type OwnBroker = Awaited<ReturnType<typeof startBroker>>
export type JavaTool = (main: string, ...args: string[]) => Promise<void>

const BROKERS = 3
const READY_MS = 120_000
const never = new AbortController().signal

export const startOwnKafka = async ({ random = () => 0.5 }: { random?: () => number } = {}) => {
  // They start more often than they work long enough for the second compiler to pay: a third less of two cores.
  const env = { ...process.env, JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1' }
  const [java, jars] = [await findJava(env), await locateJars(env)]
  await fetchJars(jars, { env, log: () => {}, signal: never })
  const ports = await freePorts(BROKERS * 4)
  const nodes = Array.from({ length: BROKERS }, (_, index) => {
    const [client = 0, broker = 0, controller = 0, direct = 0] = ports.slice(index * 4, index * 4 + 4)
    return { id: index + 1, client, broker, controller, direct }
  })
  const clusterId = newClusterId()
  const proxies = await Promise.all(nodes.map(({ client }) => openToxicProxy('127.0.0.1', client, random)))
  const started = await Promise.allSettled(
    nodes.map((node, index) => {
      const own = { client: node.client, broker: node.broker, direct: node.direct }
      const more = { ...listeners(own, proxies[index]!.port, node.controller), ...SETTINGS }
      const plan = planBroker({ env, java, jars: jars.folder, brokers: BROKERS }, node, {
        ...{ clusterId, voters: votersOf(nodes), more },
      })
      return startBroker(plan, { id: node.id, proxy: proxies[index]!, direct: `127.0.0.1:${node.direct}` })
    }),
  )
  const brokers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const direct = nodes.map((node) => `127.0.0.1:${node.direct}`)
  const client = new kafkajs.Kafka({
    ...{ brokers: direct, clientId: `own-kafka-${randomUUID().slice(0, 8)}`, logLevel: kafkajs.logLevel.NOTHING },
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
  })
  const end = async () => {
    await Promise.all(brokers.map((broker) => broker.end()))
    await Promise.all(proxies.map((proxy) => proxy.close()))
  }
  if (brokers.length < BROKERS) {
    await end()
    throw started.find((each) => each.status === 'rejected')?.reason
  }

  const cluster = {
    brokers,
    client,
    /** What members are told. */
    behindProxies: proxies.map(({ port }) => `127.0.0.1:${port}`),
    /** For the oracle, the load and the tests. */
    direct,
    broker: (id: number): OwnBroker => brokers.find((each) => each.id === id)!,
    /** A connection for each look: the one of before may lead to a broker that is gone. */
    async asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
      const admin = client.admin()
      await admin.connect()
      try {
        return await work(admin)
      } finally {
        await admin.disconnect().catch(() => {})
      }
    },
    /** One of Kafka's own command lines, at a broker that runs. */
    async tool(main: string, ...args: string[]): Promise<void> {
      const { execa } = await import('execa')
      const at = brokers.find((each) => each.running())!.direct
      const flags = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:-UsePerfData', '-XX:TieredStopAtLevel=1']
      await execa(java, [...flags, '-cp', join(jars.folder, '*'), main, '--bootstrap-server', at, ...args])
    },
    /** Until every broker is there and every replica of every partition is in sync. */
    async healthy(): Promise<void> {
      let last = ''
      const look = async () => {
        const { known, partitions } = await cluster.asAdmin(async (admin) => ({
          known: (await admin.describeCluster()).brokers.length,
          partitions: (await admin.fetchTopicMetadata()).topics.flatMap((topic) => topic.partitions),
        }))
        const behind = partitions.filter((each) => each.isr.length < each.replicas.length || each.leader < 0).length
        last = `${known} brokers, ${behind} of ${partitions.length} partitions not in sync`
        return known === BROKERS && behind === 0
      }
      const lookOrNot = () =>
        look().catch((error: unknown) => {
          last = String(error)
          return false
        })
      await until('all brokers and replicas are there', lookOrNot, { timeoutMs: READY_MS, describe: () => last })
    },
    /** Undoes whatever a scenario left. */
    async mend(): Promise<void> {
      for (const broker of brokers) {
        broker.proxy.heal()
        broker.proxy.reset()
        broker.resume()
      }
      await Promise.all(brokers.filter((broker) => !broker.running()).map((broker) => broker.start()))
      await cluster.healthy()
    },
    end,
  }
  await cluster.healthy().catch(async (error: unknown) => {
    await end()
    throw error
  })
  return cluster
}

/** Leaders move when a test says so; what may be compacted is compacted soon. */
const SETTINGS = { 'auto.leader.rebalance.enable': 'false', 'log.cleaner.backoff.ms': '1000' }

const listeners = (own: { client: number; broker: number; direct: number }, proxy: number, controller: number) => {
  const bound = { CLIENT: own.client, BROKER: own.broker, DIRECT: own.direct }
  const text = (ports: Record<string, number>) =>
    Object.entries(ports)
      .map(([name, port]) => `${name}://127.0.0.1:${port}`)
      .join(',')
  return {
    listeners: text({ ...bound, CONTROLLER: controller }),
    'advertised.listeners': text({ ...bound, CLIENT: proxy }),
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,BROKER:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  }
}

type BrokerFacts = { id: number; proxy: Awaited<ReturnType<typeof openToxicProxy>>; direct: string }

const startBroker = async (plan: Plan, facts: BrokerFacts) => {
  let keeper = startKeeper({ ...plan, command: plan.prepare, stopSignal: 'TERM' })
  if ((await exitOf(keeper, never)) !== 0) {
    const log = await keeper.log()
    await keeper.end()
    throw new Error(`broker ${facts.id} could not format its folder:\n${log}`)
  }
  let running = false
  const starts = async () => (await keeper.log()).split(plan.readyLine).length
  const tail = async () => (await keeper.log()).trimEnd().split('\n').slice(-20).join('\n')
  const pid = async () => Number(await readFile(join(plan.folder, 'pid'), 'utf8'))
  const signal = async (name: NodeJS.Signals) => process.kill(await pid(), name)
  let suspended = false

  const start = async () => {
    const before = await starts()
    // The next keeper starts before the last lets go: somebody answers for the folder at any moment.
    const next = startKeeper({ ...plan, command: ['/bin/sh', '-c', 'echo $$ >pid; exec "$@"', 'sh', ...plan.serve] })
    await keeper.release()
    keeper = next
    running = true
    void next.exited.then(() => keeper === next && (running = false))
    await until(
      `broker ${facts.id} is ready`,
      async () => {
        if (!running) throw new Error(`broker ${facts.id} ended during its start:\n${await tail()}`)
        return (await starts()) > before
      },
      { timeoutMs: READY_MS },
    )
  }
  const broker = {
    ...facts,
    start,
    running: () => running,
    log: () => keeper.log(),
    /** Resolves when its process is gone. SIGTERM hands its leaders over first. */
    async stop(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
      await signal(how)
      await keeper.exited
      running = false
    },
    /** It answers nothing and closes nothing, until resumed. */
    async suspend(): Promise<void> {
      await signal('SIGSTOP')
      suspended = true
    },
    standsStill: async () => standsStill(await pid()),
    resume(): void {
      if (suspended) void signal('SIGCONT')
      suspended = false
    },
    end: () => keeper.end(),
  }
  try {
    await start()
  } catch (error) {
    await keeper.end()
    throw error
  }
  return broker
}
