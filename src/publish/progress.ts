import { Presets, SingleBar } from 'cli-progress'

export type Progress = { update(published: number): void; stop(): void }

export type ProgressOptions = {
  readonly stderr: NodeJS.WriteStream
  readonly now: () => number
  /** Bytes of the input, or records to generate; null: unknown, as of a pipe. */
  readonly total: number | null
  /** How much of total is done; ignored when total is null. */
  readonly done: () => number
}

/** A bar on a terminal, nothing in a pipe. The time left follows the input read, the rate follows what is acknowledged. */
export const createProgress = ({ stderr, now, total, done }: ProgressOptions): Progress => {
  if (stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined }
  const format =
    total === null
      ? '{published} events | {rate}/s'
      : '{bar} {percentage}% | {published} events | {rate}/s | {eta_formatted} left'
  const bar = new SingleBar(
    { stream: stderr, clearOnComplete: true, hideCursor: true, fps: 5, format },
    Presets.shades_classic,
  )
  const began = now()
  bar.start(total ?? 1, 0, { published: '0', rate: '0' })
  return {
    update: (published) => {
      const rate = Math.round((published * 1000) / Math.max(now() - began, 1))
      bar.update(total === null ? 0 : Math.min(done(), total), {
        published: published.toLocaleString('en'),
        rate: rate.toLocaleString('en'),
      })
    },
    stop: () => bar.stop(),
  }
}
