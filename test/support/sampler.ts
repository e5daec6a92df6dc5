// The invariants that must hold at every instant, looked at all the time while faults go on, over connections of its own:
// I5 inventory = Σ ledger in any snapshot, I6 Kafka's commit ≤ the position, I7 the position never decreases, I11 memory
// and buffer of every member are bounded (the memory as the system sees it, the buffer as /metrics tells it). What cannot be
// looked at for now (PostgreSQL or Kafka are down) is no finding. That no commit went back is read from Kafka's log, at the end.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { ProofLine } from '../../src/demo/proof.ts'
import { createAdmin, type KafkaAdmin } from '../../src/kafka/admin.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { bufferOf, type Held } from './asked.ts'
import { type Commit, commitsOf, commitsThatWentBack } from './commit-log.ts'
import type { Member } from './member.ts'
import { residentMib } from './memory.ts'
import type { World } from './world.ts'

export type SamplerOptions = {
  readonly everyMs?: number
  readonly maxRssMib?: number
  /** Of the whole database, which gets dearer as the ledger grows: at most this share of the time goes into it. */
  readonly share?: number
  /** Hears of each finding as it is made. */
  readonly say?: (line: string) => void
}
export type Sampler = Awaited<ReturnType<typeof startSampler>>

/** A member that catches up at full speed has 650 MiB. */
const MAX_RSS_MIB = 800
const ANSWER_MS = 10_000
/** The share of the time in which members are asked for their buffers: each answer costs them some work. */
const ASKING = 0.2
const SLOW_MS = 500

/** One statement sees one snapshot. */
const UNBALANCED = `
  SELECT count(*)::int AS wrong FROM inventory i
    FULL JOIN (SELECT item_id, sum(quantity) AS total FROM ledger_entry GROUP BY item_id) l USING (item_id)
    WHERE coalesce(i.quantity, 0) <> coalesce(l.total, 0)`
const POSITIONS = 'SELECT partition, next_offset AS next FROM consumer_offset WHERE group_id = $1'

export const startSampler = async (world: World, options: SamplerOptions = {}) => {
  const { everyMs = 200, maxRssMib = MAX_RSS_MIB, share = 0.1, say = () => {} } = options
  const { databaseUrl } = world.config
  const counts = createCounts(say)
  const ended = new AbortController()
  const database = createLook(() => connectTo(databaseUrl), ended.signal)
  const again = createLook(() => connectTo(databaseUrl), ended.signal)
  const kafka = createLook(() => connectAdmin(world), ended.signal)

  /** When positions were moved back. */
  const rewinds: number[] = []
  let era = 0
  let rewinding = false
  const rewound = () => {
    rewinds.push(Date.now())
    counts.rewound()
  }

  const balance = () =>
    database.look(async ({ client }) => {
      const { rows } = await client.query<{ wrong: number }>(UNBALANCED)
      counts.snapshot(rows[0]!.wrong)
    })
  // Kafka first: what is read of it later may have moved on.
  const offsets = () =>
    kafka.look(async ({ admin }) => {
      const began = era
      const committed = await admin.committedOffsets(world.config.groupId, world.config.topic)
      await again.look(async ({ client }) => {
        const { rows } = await client.query<{ partition: number; next: string }>(POSITIONS, [world.config.groupId])
        if (!rewinding && began === era)
          counts.positions(committed, new Map(rows.map(({ partition, next }) => [partition, BigInt(next)])))
      })
    })
  const ofAll = (look: (member: Member) => Promise<void>) => () =>
    Promise.all(world.members.filter((member) => member.running()).map(look))
  const memory = ofAll(async (member) => {
    const mib = await residentMib(member.pid)
    if (mib !== null) counts.resident(mib)
  })
  const asked = new Set<Member>()
  const buffers = ofAll(async (member) => {
    if (asked.has(member)) return
    asked.add(member)
    const answered = bufferOf(member).then((held) => {
      asked.delete(member)
      if (held !== null) counts.buffered(held)
    })
    // One that stands still does not keep the others from being asked.
    await Promise.race([answered, sleep(SLOW_MS)])
  })
  const loop = async (look: () => Promise<unknown>, part = 1) => {
    while (!ended.signal.aborted) {
      const from = performance.now()
      await look()
      const tookMs = performance.now() - from
      await sleep(Math.max(everyMs - tookMs, tookMs * (1 / part - 1), 20), null, { signal: ended.signal }).catch(
        () => {},
      )
    }
  }
  const loops = [loop(balance, share), loop(offsets), loop(memory), loop(buffers, ASKING)]
  const began = Date.now()
  const commits = async () => {
    const { kafka, groupId, topic } = world.config
    return commitsOf(kafka, groupId, topic).catch(() => null)
  }

  return {
    /** A fail-over or an operator has moved positions back: from here on they count anew. */
    rewound,
    /** The same, of positions that can be looked at meanwhile: no look that has begun by then, or that ends before, counts. */
    rewind: async <T>(work: () => Promise<T>): Promise<T> => {
      rewinding = true
      rewound()
      try {
        return await work()
      } finally {
        era += 1
        rewinding = false
      }
    },
    /** At everything that it has to look at, so far. */
    looks: () => counts.looks(),
    /** The fault begins: only looks from here on prove anything. What was found before stays found. */
    struck: () => counts.struck(),
    /** Ends it. What it found. */
    async stop(): Promise<ProofLine[]> {
      ended.abort()
      await Promise.all(loops)
      await Promise.all([database.close(), again.close(), kafka.close()])
      const back = went(await commits(), { began, rewinds }, say)
      const { bufferMaxRecords: records, bufferMaxBytes: bytes } = world.config
      return counts.lines({ maxRssMib, most: { records, bytes }, back })
    },
  }
}

const createCounts = (say: (line: string) => void) => {
  const seen = {
    snapshots: 0,
    unbalanced: 0,
    positions: 0,
    ahead: 0,
    decreased: 0,
    rss: 0,
    rssLooks: 0,
    records: 0,
    bytes: 0,
    bufferLooks: 0,
  }
  /** Looks before the fault began. Null: it has not, and no look counts. */
  let before: typeof seen | null = null
  const since = (what: keyof typeof seen) => (before === null ? 0 : seen[what] - before[what])
  let last = new Map<number, bigint>()
  /** Partitions whose commit in Kafka is from before a rewind. */
  let stale = new Set<number>()
  let everyStale = false
  return {
    snapshot(wrong: number): void {
      seen.snapshots += 1
      if (wrong === 0) return
      seen.unbalanced += 1
      say(`I5: ${wrong} items`)
    },
    positions(committed: ReadonlyMap<number, bigint | null>, next: Map<number, bigint>): void {
      if (everyStale) stale = new Set(next.keys())
      everyStale = false
      seen.positions += 1
      for (const [partition, position] of next) {
        const told = committed.get(partition) ?? 0n
        const before = last.get(partition) ?? 0n
        const where = `partition ${partition}: position ${before} → ${position}, Kafka ${told}`
        if (position < before) {
          seen.decreased += 1
          say(`I7: ${where}`)
        }
        // A rewind: Kafka's commit is brought back too, sooner or later.
        if (told <= position) stale.delete(partition)
        else if (!stale.has(partition)) {
          seen.ahead += 1
          say(`I6, ahead: ${where}`)
        }
      }
      last = next
    },
    resident(mib: number): void {
      seen.rssLooks += 1
      seen.rss = Math.max(seen.rss, mib)
    },
    buffered({ records, bytes }: Held): void {
      seen.bufferLooks += 1
      seen.records = Math.max(seen.records, records)
      seen.bytes = Math.max(seen.bytes, bytes)
    },
    looks: () => Math.min(seen.positions, seen.snapshots),
    struck(): void {
      before ??= { ...seen }
    },
    rewound(): void {
      last = new Map()
      everyStale = true
    },
    lines({ maxRssMib, most: limit, back }: { maxRssMib: number; most: Held; back: Back }): ProofLine[] {
      const [snapshots, positions, rssLooks, looks] = [since('snapshots'), since('positions'), since('rssLooks'), since('bufferLooks')] // prettier-ignore
      return [
        none(`I5 snapshots in which inventory ≠ Σ ledger (of ${snapshots} since the fault began)`, seen.unbalanced, snapshots), // prettier-ignore
        none(`I6 partitions that Kafka had ahead of PostgreSQL (${positions} looks)`, seen.ahead, positions),
        none(`I6 commits in Kafka that went back (of ${back.commits})`, back.found, before === null ? 0 : back.looks),
        none(`I7 positions that decreased (${positions} looks)`, seen.decreased, positions),
        most(`I11 largest RSS of a member in MiB (${rssLooks} looks)`, seen.rss, { limit: maxRssMib, looks: rssLooks }),
        most(`I11 most records in a buffer (${looks} looks)`, seen.records, { limit: limit.records, looks }),
        most(`I11 most bytes in a buffer (${looks} looks)`, seen.bytes, { limit: limit.bytes, looks }),
      ]
    },
  }
}

type Back = { readonly commits: number; readonly found: number; readonly looks: number }

type Span = { readonly began: number; readonly rewinds: readonly number[] }

const went = (commits: readonly Commit[] | null, { began, rewinds }: Span, say: (line: string) => void): Back => {
  if (!commits) return { commits: 0, found: 0, looks: 0 }
  const back = commitsThatWentBack(commits, rewinds).filter(({ at }) => at >= began)
  for (const { partition, position, at } of back)
    say(`I6, back: partition ${partition}, ${position} at ${new Date(at).toISOString()}`)
  return { commits: commits.length, found: back.length, looks: 1 }
}

/** Who has not looked has proved nothing. */
const none = (what: string, found: number, looks: number): ProofLine => ({
  ...{ what, expected: '0', found: String(found), ok: found === 0 && looks > 0 },
})
const most = (what: string, found: number, { limit, looks }: { limit: number; looks: number }): ProofLine => ({
  ...{ what, expected: `at most ${limit.toLocaleString('en')}`, found: found.toLocaleString('en') },
  ok: found <= limit && looks > 0,
})

type Closable = { close(): Promise<unknown> }

/** Connects at need; what fails is thrown away, and the next look connects anew. */
const createLook = <T extends Closable>(connect: () => Promise<T>, signal: AbortSignal) => {
  let open: T | null = null
  const drop = async () => {
    const old = open
    open = null
    await old?.close().catch(() => {})
  }
  return {
    async look(work: (on: T) => Promise<void>): Promise<void> {
      if (signal.aborted) return
      try {
        open ??= await connect()
        await work(open)
      } catch {
        await drop()
      }
    },
    close: drop,
  }
}

const connectTo = async (connectionString: string) => {
  const options = { application_name: 'sampler', connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS }
  const client = new pg.Client({ connectionString, ...options, lock_timeout: 1_000, statement_timeout: ANSWER_MS })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.end() }
}

const connectAdmin = async ({ config }: World): Promise<{ admin: KafkaAdmin; close: () => Promise<void> }> => {
  const admin = createAdmin(config.kafka, createLog('silent'))
  await admin.connect()
  return { admin, close: () => admin.disconnect() }
}
