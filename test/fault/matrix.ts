// The 42 faults of the matrix (reliability.md, A.4): what must hold, and where it is shown. Scenarios of this lane say the number
// themselves, or are named here; what other tests show is named by file, with what those assert. The lane runs those files too.
import type { Invariant } from './invariants.ts'
import { kafkaScenarios, kafkaStories } from './scenarios-kafka.ts'
import { stories } from './stories.ts'

/** A file of tests, and what it asserts of the fault. `name`: of its scenario. */
export type Shown = { readonly name: string; readonly file: string; readonly holds: readonly Invariant[] }
export type Fault = {
  readonly number: number
  readonly what: string
  readonly proves: string
  readonly scenarios: readonly string[]
  readonly shown: readonly Shown[]
}

type Row = { what: string; proves: string; scenarios?: string; shown?: Record<string, string> }

/** Scenarios with a numbering of their own, in the order of the list that PostgreSQL's faults came from. */
const rows: Readonly<Record<number, Row>> = {
  1: { what: 'kill -9 of a member: in fetch, buffered, in the middle of a statement, all committed', proves: 'what was only in memory is read again, what was half written rolls back', scenarios: 'kill-nine' }, // prettier-ignore
  2: { what: 'kill -9 after COMMIT, before the commit to Kafka', proves: 'redelivered records meet their position: 0 new rows' },
  3: { what: 'COMMIT sent, answer lost', proves: 'the outcome is found by the position, under its lock', scenarios: 'answer-lost commit-lost' },
  4: { what: 'kill -9 after the DLQ ack, before the mark', proves: 'sent again under the same dlq.id; one letter' },
  5: { what: 'zombie: SIGSTOP beyond the session, partitions move, SIGCONT', proves: 'fenced by the offset row, no commit to Kafka, the others go on' },
  6: { what: 'SIGSTOP inside an open transaction', proves: '55P03, then the server ends it (25P03), and the others go on', scenarios: 'idle-in-transaction' },
  7: { what: 'a flush slower than the session', proves: 'valid or fenced, never double' },
  8: { what: 'rebalance storm', proves: 'totals exact, never a standstill of more than 15 s' },
  9: { what: '1 → 6 → 2 members on 4 partitions', proves: 'those without a partition are ready, and take over' },
  10: { what: 'partitions added live', proves: 'read from their beginning' },
  11: { what: 'brokers restarted, SIGTERM and SIGKILL, rolling', proves: 'nothing lost, 0 dead letters' },
  12: { what: 'leader change', proves: 'nothing lost, 0 dead letters' },
  13: { what: 'the group coordinator moves, or is killed', proves: 'commits are tried again' },
  14: { what: 'all brokers down', proves: 'live and not ready; catches up, and is ready' },
  15: { what: 'the DLQ topic below min.insync.replicas', proves: 'letters wait in the outbox, nothing else waits' },
  16: { what: 'black hole between member and broker', proves: 'time-outs fire, it reconnects' },
  17: { what: 'RST, half-close, packets of one byte, latency, a narrow pipe', proves: 'nothing lost' },
  18: { what: 'brokers reachable and PostgreSQL not; and the reverse', proves: 'buffer fills, heartbeats go on, no rebalance, 0 dead letters', scenarios: 'outage outage-silent flapping' },
  19: { what: 'PostgreSQL: SIGTERM, -m immediate, kill -9, killed sessions', proves: 'retried until it works', scenarios: 'restart-fast restart-immediate restart-kill kill-idle kill-statement kill-at-commit kill-committed idle-session passing-codes' },
  20: { what: 'fail-over to an asynchronous standby that lost the tail', proves: 'reads again from its position; offsets in Kafka alone would have lost the records' },
  21: { what: 'disk full, too many connections, read-only', proves: 'pause and retry, 0 dead letters', scenarios: 'disk-full wal-full connections read-only' },
  22: { what: 'slow database, locks held by others', proves: 'time-outs, smaller batches, back-pressure', scenarios: 'slow lock-offset lock-inventory lock-table transaction-timeout' },
  23: { what: 'deadlock 40P01, serialization failure 40001', proves: 'retried, 0 dead letters', scenarios: 'deadlock serialization' },
  24: { what: 'schema missing, older, newer; permission denied; migrated mid-run', proves: 'stops with one clear line, never a dead letter; a newer schema disturbs nobody', scenarios: 'no-tables older-schema no-permission table-missing column-missing permission-revoked password-changed login-revoked unknown-XX999 unknown-ZZ001 fatal' },
  25: { what: 'PostgreSQL killed under synchronous_commit = off', proves: 'reads again from the position that survived' },
  26: { what: 'one bad row in a batch (first, middle, last, two, all)', proves: 'N − 1 rows, 1 dead letter, few attempts', shown: { 'test/contract/isolation.test.ts': 'I1 I4 I8 I13', 'test/integration/refused-rows.test.ts': 'I1 I2 I4 I8' } },
  27: { what: 'poison, 100 % bad traffic', proves: 'the gate closes; no flood of dead letters', shown: { 'test/integration/gate.test.ts': 'I2 I8', 'test/contract/breaker.test.ts': 'I2 I8', 'test/integration/hostile-input.test.ts': 'I1 I3 I8' } },
  28: { what: 'DLQ topic missing or not allowed', proves: 'refused at the start; at run time letters wait', shown: { 'test/contract/relay-faults.test.ts': 'I8', 'test/security/kafka.test.ts': 'I9' } },
  29: { what: 'a dead letter too large for its topic', proves: 'cut down to coordinates and hash, never dropped', shown: { 'test/contract/relay.test.ts': 'I8', 'test/contract/relay-faults.test.ts': 'I8' } },
  30: { what: 'retention deletes unread records', proves: 'stops and says so, never in silence', shown: { 'test/contract/source-start.test.ts': 'I2' } },
  31: { what: 'topic deleted and made again', proves: 'found by the topic id; stops, never skips', shown: { 'test/contract/source-start.test.ts': 'I2' } },
  32: { what: 'committed offsets lost (group deleted)', proves: 'goes on from PostgreSQL', shown: { 'test/contract/source-start.test.ts': 'I1 I2' } },
  33: { what: 'an operator sets the offsets back', proves: 'all duplicates, sums unchanged', shown: { 'test/integration/offsets.test.ts': 'I1 I2 I4' } },
  34: { what: 'the same event id twice, with the same or other content', proves: 'a duplicate; EVENT_ID_CONFLICT', shown: { 'test/integration/same-event.test.ts': 'I1 I4 I8' } },
  35: { what: 'aborted transactions, control records, gaps of compaction', proves: 'passed over, no stuck partition', shown: { 'test/contract/source-records.test.ts': 'I1 I2' } },
  36: { what: 'clock ± 1 h', proves: 'heartbeats and flushes go on' },
  37: { what: 'event loop blocked 20 s; a broker that hangs; the least heap that is documented, and a backlog', proves: 'others take over, it joins again; it lives and drains' },
  38: { what: 'header bomb, gzip bomb, unknown codec', proves: 'bounded; stops naming topic, partition, offset; skip passes it', shown: { 'test/integration/hostile-batches.test.ts': 'I1 I11', 'test/unit/kafka/hostile-batches.test.ts': 'I11' } },
  39: { what: 'password rotated, token expires mid-run', proves: 'authenticates again, or ends with a clear line', shown: { 'test/security/kafka-sessions.test.ts': 'I1 I9' } },
  40: { what: 'SIGTERM during flush, isolation, DLQ send; twice', proves: 'exit code 0, nothing read again; the second ends at once', shown: { 'test/integration/second-signal.test.ts': 'I1 I2 I12' } },
  41: { what: 'replay: cause persists, killed, twice', proves: 'counted and parked; no duplicates; goes on where it was', shown: { 'test/integration/dlq-replay.test.ts': 'I1 I4 I8' } },
  42: { what: 'two versions side by side', proves: 'a rolling deploy, and back' },
} // prettier-ignore

const numbered: readonly { number: number; name: string }[] = [...stories, ...kafkaScenarios, ...kafkaStories]

/** test/contract/relay.test.ts is `contract-relay`. */
const nameOf = (file: string) => file.replace(/^test\/(.+)\.test\.ts$/, '$1').replaceAll('/', '-')

export const matrix: readonly Fault[] = Object.entries(rows).map(
  ([key, { what, proves, scenarios = '', shown = {} }]) => {
    const number = Number(key)
    const own = numbered.filter((each) => each.number === number).map(({ name }) => name)
    return {
      ...{ number, what, proves },
      scenarios: [...scenarios.split(' ').filter((name) => name !== ''), ...own],
      shown: Object.entries(shown).map(([file, holds]) => ({
        ...{ name: nameOf(file), file },
        holds: holds.split(' ').filter((each) => each !== '') as Invariant[],
      })),
    }
  },
)

/** What of a fault cannot be made here, or is made in another way, and why. */
export const notHere: readonly (readonly [number: number, what: string])[] = [
  [17, 'lost and reordered packets: `tc netem` needs the network namespace of root in a container engine; a TCP proxy delays, cuts and swallows instead'],
  [21, 'a full disk needs root to mount a tmpfs: where that is not, `disk-full` and `wal-full` say NOT RUN'],
  [36, 'libfaketime: the clock is moved inside the process by a preload that shifts `Date`; timers go by the monotonic clock, as they do under libfaketime'],
  [39, 'a certificate that expires mid-run: connections that are open go on, as TLS looks at it only when one is made; that the next one is refused with one clear line is shown with a certificate that has expired, at the start (security/kafka.test.ts)'],
  [42, 'two builds of different releases: there is no release yet; the older version is the last commit before the newest migration'],
] // prettier-ignore
