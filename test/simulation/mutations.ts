// Faults planted in our own code, one at a time: each is a way to lose, double or miscount records that somebody could write.
// The simulation must notice every one (npm run test:mutations). `find` stands exactly once in its file. Where two guards stand
// behind one another, both are taken away: with one of them nothing breaks, which is what the second is there for.

import { type Law, LAWS } from './laws.ts'

export type Edit = { readonly file: string; readonly find: string; readonly put: string }
export type Mutation = {
  readonly name: string
  /** What it breaks first. Several: it depends on the seed which of them. */
  readonly laws: readonly Law[]
  readonly edits: readonly Edit[]
}

const mutation = (
  name: string,
  laws: Law | readonly Law[],
  ...[file, find, put, ...more]: readonly [file: string, find: string, put: string, ...more: readonly Edit[]]
): Mutation => ({ name, laws: [laws].flat(), edits: [{ file, find, put }, ...more] })
/** kafkajs hands over what it had asked for in an earlier generation. */
const staleFetches: Edit = {
  file: 'src/kafka/consumer-patches.ts',
  find: 'if (stale()) return []',
  put: '',
}
/** kafkajs goes on where it likes after a join. */
const unsought: Edit = {
  file: 'src/source/membership.ts',
  find: 'if (next !== null) deps.release(partition, next)',
  put: '',
}
/** Nobody looks at both sides after a join. */
const noCheckAtJoin: Edit = {
  file: 'src/source/membership.ts',
  find: 'check(intake).catch(deps.fail)',
  put: '',
}
/** Nobody looks at both sides by and by. */
const noCheck: Edit = {
  file: 'src/source/kafka-source.ts',
  find: 'membership.check(intake).catch(fail)',
  put: 'void 0',
}

export const MUTATIONS: readonly Mutation[] = [
  mutation(
    'commits before the write',
    LAWS.committed,
    'src/pipeline/lane.ts',
    'const settled = await settle(batch, deps.settling)',
    `deps.source.commit(new Map(batch.parts.map(({ partition, to }) => [partition, to])))
    const settled = await settle(batch, deps.settling)`,
  ),
  mutation(
    'never tells Kafka what was settled',
    LAWS.drains,
    'src/pipeline/lane.ts',
    'source.commit(result.positions)',
    '',
    noCheck,
  ),
  mutation(
    'writes without comparing with the offset row',
    LAWS.position,
    'src/sink/parts.ts',
    'const ours = n >= from && n < to',
    'const ours = true',
  ),
  mutation(
    'takes a batch whose beginning is missing in the database',
    LAWS.lost,
    'src/sink/parts.ts',
    'const ours = n >= from && n < to',
    'const ours = n < to',
  ),
  mutation(
    'writes records below the position again',
    [LAWS.letters, LAWS.counted],
    'src/sink/parts.ts',
    'return offset >= part.start',
    'return part.start < part.to',
  ),
  mutation(
    'stock from the lines that were sent, not from those that are new',
    LAWS.stock,
    'src/sink/transaction.ts',
    'moveInventory(tx, outcome.inserted,',
    'moveInventory(tx, sorted.lines,',
  ),
  mutation(
    'counts a duplicate twice',
    LAWS.counted,
    'src/sink/transaction.ts',
    "for (const { record } of outcome.duplicates) tally.add('duplicate', record.partition)",
    `for (const { record } of outcome.duplicates) {
      tally.add('duplicate', record.partition)
      tally.add('duplicate', record.partition)
    }`,
  ),
  mutation(
    'moves stock after the transaction that it belongs to',
    LAWS.stock,
    'src/sink/transaction.ts',
    'const overflowing = await moveInventory(tx, outcome.inserted, { lines: sorted.lines, attempting })',
    `const overflowing = new Map()
    const stock = { lines: sorted.lines, attempting }
    late = () => deps.database.transaction((other) => moveInventory(other, outcome.inserted, stock))`,
    {
      file: 'src/sink/transaction.ts',
      find: "failpoint('before_transaction')",
      put: 'let late: () => Promise<unknown> = () => Promise.resolve()',
    },
    { file: 'src/sink/transaction.ts', find: "failpoint('after_commit')", put: 'await late()' },
  ),
  mutation(
    'does not ask the gate in the transaction',
    LAWS.gate,
    'src/sink/transaction.ts',
    'if (rows.some(({ gateClosed }) => gateClosed))',
    'if (rows.some(({ gateClosed }) => gateClosed && rows.length > 99))',
  ),
  mutation(
    'dead letters are dropped',
    LAWS.letters,
    'src/sink/transaction.ts',
    'await writeLetters(tx, letters, budget)',
    'await writeLetters(tx, [], budget)',
  ),
  mutation(
    'an event id that says something else counts as a duplicate',
    LAWS.letters,
    'src/sink/ledger.ts',
    'if (hash !== undefined && hash === hashOf(line)) duplicates.push(line)',
    'if (hash !== undefined) duplicates.push(line)',
  ),
  mutation(
    'a refused row takes its copies along without a look',
    [LAWS.letters, LAWS.lost, LAWS.counted],
    'src/sink/ledger.ts',
    'if (orphans.length === 0) return',
    'if (orphans.length >= 0) return',
  ),
  mutation(
    'the second copy of an event goes into the same statement',
    LAWS.stock,
    'src/sink/ledger.ts',
    'if (firsts.has(key)) followers.push(line)',
    'if (firsts.has(key)) firsts.set(`${key} again`, line)',
  ),
  mutation(
    'a failing row ends the attempt without undoing it',
    LAWS.alive,
    'src/sink/attempts.ts',
    'await tx.$executeRawUnsafe(`ROLLBACK TO SAVEPOINT ${name}`)',
    '',
  ),
  mutation(
    'ignored records are not counted',
    LAWS.counted,
    'src/sink/transaction.ts',
    "for (const { partition } of sorted.ignored) tally.add('ignored', partition)",
    '',
  ),
  mutation(
    'drops the buffer on every join, and goes on behind it',
    LAWS.kept,
    'src/source/membership.ts',
    'for (const partition of kept) {',
    'for (const partition of kept) {\n        const at = intake.next(partition)\n        if (at !== null) intake.assign(partition, at)',
  ),
  mutation(
    'does not look for a fail-over on idle partitions',
    LAWS.drains,
    'src/source/membership.ts',
    '} else if (position < before) {',
    '} else if (position < 0n) {',
  ),
  mutation(
    'does not tell Kafka what a dead owner settled',
    LAWS.drains,
    'src/source/membership.ts',
    'if (kafka === null || kafka < position) deps.commit',
    'if (kafka === 99n) deps.commit',
  ),
  mutation(
    'begins at Kafka’s commit, wherever the position is',
    LAWS.drains,
    'src/source/kafka-source.ts',
    'seek(partition, position)\n      if (!closing)',
    'if (!closing)',
  ),
  mutation(
    'accepts a gap',
    LAWS.lost,
    'src/source/deliver.ts',
    'if (fetched > next) {',
    'if (fetched > next + 1_000n) {',
    staleFetches,
    unsought,
  ),
  mutation(
    'goes on with a batch after the partition was sought elsewhere or lost',
    LAWS.lost,
    'src/source/deliver.ts',
    'if (!current(payload, expected)) return',
    '',
    staleFetches,
  ),
  mutation(
    'passes over what did not fit into the buffer',
    [LAWS.lost, LAWS.letters, LAWS.counted],
    'src/source/deliver.ts',
    'index += admitted\n',
    'index += slice.length\n',
  ),
  mutation(
    'markers at the end of the log do not move the position',
    LAWS.drains,
    'src/source/empty-batches.ts',
    'return intake.advance(partition, last + 1n)',
    'return',
  ),
  mutation(
    'a batch with records is passed like one of markers',
    LAWS.lost,
    'src/source/empty-batches.ts',
    'batchSize !== 0 || next === null',
    'next === null',
  ),
  mutation(
    'commits partitions that are somebody else’s',
    LAWS.owner,
    'src/source/commits.ts',
    '[...pending].filter(([partition]) => owns(partition))',
    '[...pending]',
  ),
  mutation(
    'forgets a commit that failed',
    LAWS.drains,
    'src/source/commits.ts',
    'if (!pending.has(partition)) pending.set(partition, position)',
    '',
    noCheck,
    noCheckAtJoin,
  ),
  mutation(
    'the buffer takes more than fits',
    LAWS.memory,
    'src/pipeline/buffer.ts',
    'else if (held.bytes + bytes > capacity.bytes) full',
    'else if (held.bytes > capacity.bytes) full',
  ),
  mutation(
    'room is never given back',
    [LAWS.drains, LAWS.peace],
    'src/pipeline/buffer.ts',
    'held.records -= records\n      held.bytes -= bytes\n      full = null',
    'full = null',
  ),
  mutation(
    'a batch settles up to what was delivered, although records of it are still queued',
    LAWS.alive,
    'src/pipeline/buffer.ts',
    'const to = state.queued === 0 ? state.delivered :',
    'const to = state.queued <= 2 ? state.delivered :',
  ),
  mutation(
    'drains without writing what is buffered',
    LAWS.peace,
    'src/pipeline/lane.ts',
    'const reason = closed ? null : (next',
    "const reason = closed || deps.mode() === 'drain' ? null : (next",
  ),
  mutation(
    'a fault of unknown outcome is taken for a success',
    LAWS.committed,
    'src/pipeline/settle.ts',
    "if (failure.fate === 'fatal' || unknownTries",
    `if (failure.code === '08006') return { batch, result: { positions: new Map(batch.parts.map(({ partition, to }) => [partition, to])), inserted: 0, duplicates: 0, deadLettered: 0, ignored: 0, failed: [] }, attempts, rest }
      if (failure.fate === 'fatal' || unknownTries`,
  ),
  mutation(
    'what was cut off a batch is forgotten',
    LAWS.kept,
    'src/pipeline/lane.ts',
    'rest = [...settled.rest, ...later]',
    'rest = later',
  ),
  mutation(
    'reads another quantity than was sent',
    LAWS.booked,
    'src/line-items/decode.ts',
    'lineItem: { ...lineItem, payloadHash: payloadHash(lineItem) }',
    "lineItem: { ...lineItem, quantity: lineItem.quantity.replace('5', '6'), payloadHash: payloadHash(lineItem) }",
  ),
  mutation(
    'rejects what is valid',
    LAWS.lost,
    'src/line-items/decode.ts',
    'if (rounded !== null)',
    "if (rounded !== null || lineItem.quantity === '7')",
  ),
  mutation(
    'takes a record that is none for a tombstone',
    LAWS.letters,
    'src/line-items/decode.ts',
    'if (!json) return',
    'if (!json) return TOMBSTONE\n  if (!json) return',
  ),
  mutation('the hash leaves a field out', LAWS.letters, 'src/line-items/payload-hash.ts', '${line.lineNumber}', ''),
  mutation(
    'a conflict is told as a refused row',
    LAWS.letters,
    'src/sink/ledger.ts',
    "code: 'EVENT_ID_CONFLICT'",
    "code: 'ROW_REJECTED'",
  ),
  mutation(
    'books a line under another item',
    LAWS.booked,
    'src/sink/sorted.ts',
    'const item = items.get(record)',
    'const item = (items.get(record)?.itemId ?? 0n) > 2n ? { itemId: 1n, mappingId: 1n } : items.get(record)',
  ),
  mutation(
    'charges a record with one byte',
    LAWS.memory,
    'src/pipeline/record-bytes.ts',
    'return bytes',
    'return Math.min(bytes, 1)',
  ),
  mutation(
    'the buffer takes one record more than its capacity',
    LAWS.memory,
    'src/pipeline/buffer.ts',
    'held.records >= capacity.records',
    'held.records > capacity.records',
  ),
  mutation(
    'after a fail-over tells Kafka what it had read',
    LAWS.committed,
    'src/source/membership.ts',
    "emit({ type: 'rewound', partition, from: before, position })",
    "emit({ type: 'rewound', partition, from: before, position })\n        deps.commit(new Map([[partition, next + 1n]]))",
  ),
  mutation(
    'after a fail-over takes what is only buffered for lost',
    LAWS.kept,
    'src/source/membership.ts',
    '} else if (position < before) {',
    '} else if (position < (rewoundOnce ? next : before)) {\n        rewoundOnce = true',
    {
      file: 'src/source/membership.ts',
      find: 'let checking = false',
      put: 'let checking = false\n  let rewoundOnce = false',
    },
  ),
]
