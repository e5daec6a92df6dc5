// Sends records so that of every single one it is known whether the topic has it. A request is answered partition by
// partition, but kafkajs tells only the first error of it; and what goes to one partition is written whole or not at all.
// So each request here holds records of one partition.

export type SendFailure = { readonly cause: unknown }

type Placeable = { readonly partition?: number }

export type SendEachDeps<R> = {
  /** What goes into one request. */
  cut: (records: readonly R[]) => readonly (readonly R[])[]
  send: (records: readonly R[]) => Promise<void>
  /** Null: not known yet. */
  partitionOf: (record: R) => number | null
}

type Result = SendFailure | null

/** Within a partition in order: after a failure the rest of it is not tried, and fails with the same cause. */
export async function sendEach<R extends Placeable>(records: readonly R[], deps: SendEachDeps<R>): Promise<Result[]> {
  const [first, ...others] = records
  if (!first) return []
  if (deps.partitionOf(first) !== null) return sendByPartition(records, deps)
  // The first goes alone and tells how many partitions there are.
  const failure = await attempt([first], deps)
  return failure ? records.map(() => failure) : [null, ...(await sendByPartition(others, deps))]
}

async function sendByPartition<R extends Placeable>(records: readonly R[], deps: SendEachDeps<R>): Promise<Result[]> {
  const lots = new Map<number | null, R[]>()
  const placed = records.map((record) => {
    const partition = deps.partitionOf(record)
    const sent = partition === null ? record : { ...record, partition }
    const lot = lots.get(partition)
    if (lot) lot.push(sent)
    else lots.set(partition, [sent])
    return sent
  })
  const results = new Map<R, Result>()
  await Promise.all([...lots.values()].map((lot) => sendLot(lot, results, deps)))
  return placed.map((record) => results.get(record) ?? null)
}

async function sendLot<R>(lot: readonly R[], results: Map<R, Result>, deps: SendEachDeps<R>): Promise<void> {
  let failure: Result = null
  for (const chunk of deps.cut(lot)) {
    failure ??= await attempt(chunk, deps)
    for (const record of chunk) results.set(record, failure)
  }
}

const attempt = <R>(records: readonly R[], { send }: SendEachDeps<R>): Promise<Result> =>
  send(records).then(
    () => null,
    (cause: unknown) => ({ cause }),
  )
