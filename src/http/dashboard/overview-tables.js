// The tables of the overview, from GET /api/state and GET /api/batches.
import { h, table } from './dom.js'
import { ago, bytes, count, duration, millis, namesOf, short, shortId, time } from './format.js'
import { memberVerdict } from './verdict.js'

/** @param {any} state */
export function partitionsOf({ partitions, members, now }) {
  const names = namesOf(members)
  return table(
    'Per partition: where PostgreSQL is, what Kafka knows, and what waits',
    [
      'partition',
      'member',
      ['position', 'n'],
      ['end', 'n'],
      ['Kafka’s commit', 'n'],
      ['lag', 'n'],
      ['oldest waits', 'n'],
      ['inserted', 'n'],
      ['duplicates', 'n'],
      ['dead letters', 'n'],
      'as of',
    ],
    partitions.map((/** @type {any} */ each) => [
      each.partition,
      each.memberId ? (names.get(each.memberId) ?? each.memberId.slice(0, 8)) : h('span', { class: 'bad' }, 'nobody'),
      ...[each.position, each.end, each.committed, each.lagRecords].map(count),
      duration(each.lagSeconds),
      ...[each.inserted, each.duplicates, each.deadLettered].map(count),
      ago(each.asOf, now),
    ]),
    'No partition is known yet: no member has been in the group.',
  )
}

/** @param {any} state */
export function membersOf({ members, now, memberId: asked }) {
  const names = namesOf(members)
  /** What a member that says nothing had is not its own any more. @param {any} member */
  const partitions = ({ alive, state }) => {
    const owned = state.partitions.map((/** @type {any} */ { partition }) => partition).join(', ')
    return owned === '' ? 'none' : alive ? owned : `had ${owned}`
  }
  return table(
    'Members of the group, also those that ended lately',
    [
      'member',
      'host, process',
      'state',
      'partitions',
      ['buffer', 'n'],
      ['flush at records', 'n'],
      ['or at age', 'n'],
      ['settled/s', 'n'],
      ['retries', 'n'],
      ['rebalances', 'n'],
      'version',
      'started',
      ['why', 'wrap'],
    ],
    members.map((/** @type {any} */ member) => {
      const { word, level, why } = memberVerdict(member)
      const { state } = member
      return [
        `${names.get(member.memberId)}${member.memberId === asked ? ', serves this page' : ''}`,
        `${member.host}, ${member.pid}`,
        h('span', { class: `pill ${level}` }, word),
        partitions(member),
        `${short(state.buffer.records)} (${bytes(state.buffer.bytes)})`,
        count(Math.max(0, ...state.limits.map((/** @type {any} */ { records }) => records))),
        millis(Math.max(0, ...state.limits.map((/** @type {any} */ { ageMs }) => ageMs))),
        short(state.rate.settledPerSecond),
        count(state.totals.retries),
        count(state.totals.rebalances),
        member.version,
        ago(member.startedAt, now),
        why,
      ]
    }),
    'No member has been seen. Start one: sluice consume',
  )
}

/** @param {any} deadLetters null: not counted @param {readonly any[]} newest @param {string | null} now */
export const lettersOf = (deadLetters, newest, now) => [
  table(
    'By code',
    ['code', ['unresolved', 'n'], ['last hour', 'n'], ['hour before', 'n'], ['ever', 'n'], 'oldest'],
    (deadLetters?.byCode ?? []).map((/** @type {any} */ row) => [
      h('a', { href: `#/dead-letters?code=${encodeURIComponent(row.code)}` }, row.code),
      ...[row.unresolved, row.lastHour, row.hourBefore, row.total].map(count),
      ago(row.oldestUnresolvedAt, now),
    ]),
    deadLetters ? 'No dead letters.' : 'They could not be counted yet.',
  ),
  newest.length === 0
    ? null
    : table(
        'The newest',
        ['code', 'letter', 'invoice / line', 'failed', 'status'],
        newest.map((letter) => [
          letter.code,
          h('a', { class: 'mono', href: `#/dead-letters/${letter.id}` }, shortId(letter.id)),
          `${letter.invoiceId ?? '–'} / ${letter.lineNumber ?? '–'}`,
          ago(letter.createdAt, now),
          letter.status,
        ]),
      ),
]

/** @param {any} answer */
export const batchesOf = ({ batches }) =>
  table(
    'The newest batches of the member that serves this page',
    ['settled', 'why then', ['records', 'n'], ['took', 'n'], ['tries', 'n'], 'result', ['failed', 'n']],
    batches
      .slice(0, 12)
      .map((/** @type {any} */ batch) => [
        time(batch.at),
        batch.reason,
        count(batch.records),
        millis(batch.processingTimeMs),
        count(batch.attempts),
        h(
          'span',
          { class: { success: 'good', partial_success: 'warn', failed: 'bad' }[/** @type {string} */ (batch.status)] },
          batch.status.replace('_', ' '),
        ),
        batch.itemsFailed === 0
          ? '0'
          : h('a', { href: `#/dead-letters/${batch.failedItems[0].deadLetterId}` }, count(batch.itemsFailed)),
      ]),
    'This member has not settled a batch yet.',
  )
