import type { Header } from '../pipeline/source-record.ts'

// How a replayed record names its letter. A producer may write these headers too, so the sink believes them only when the
// value's hash is that of a replay which an operator started.

export const REPLAY_ID = 'dlq.replay.id'
export const REPLAY_COUNT = 'dlq.replay.count'

export type ReplayClaim = { readonly id: string; readonly count: number }

/** Ours come after all that the original record had, so the last ones count. */
export function replayClaim(headers: readonly Header[]): ReplayClaim | null {
  const last = (name: string) => headers.findLast(([each]) => each === name)?.[1]?.toString('latin1') ?? ''
  const id = last(REPLAY_ID)
  return /^[0-9a-f]{64}$/.test(id) ? { id, count: Number(last(REPLAY_COUNT)) } : null
}
