import { createLogUpdate } from 'log-update'

export type Progress = {
  update(count: number): void
  /** Prints one whole line above the bar. While the bar lives, every line goes through here. */
  line(stream: NodeJS.WriteStream, text: string): void
  /** The bar is gone; what is printed next stands where it was. */
  stop(): void
}

export type ProgressOptions = {
  readonly stderr: NodeJS.WriteStream
  readonly now: () => number
  /** Bytes of the input, or records to generate; null: unknown, as of a pipe. */
  readonly total: number | null
  /** How much of total is done; ignored when total is null. */
  readonly done: () => number
  /** What is counted; `events` when not given. */
  readonly noun?: string
}

export type Frame = {
  readonly count: number
  readonly noun: string
  readonly ms: number
  readonly total: number | null
  readonly done: number
  readonly columns: number
}

const REDRAW_MS = 200
/** Before this, a rate or a time left is a guess. */
const SETTLED_MS = 1_000
const BAR = 40
const LEAST_BAR = 10

const timeLeft = (ms: number): string => {
  const seconds = Math.ceil(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds}s left`
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m ${seconds % 60}s left` : `${hours}h ${minutes % 60}m left`
}

/** One line that fits the terminal. The time left follows the input read, the rate follows what is acknowledged. */
export const barLine = ({ count, noun, ms, total, done, columns }: Frame): string => {
  const parts = [`${count.toLocaleString('en')} ${noun}`]
  if (ms >= SETTLED_MS) parts.push(`${Math.round((count * 1000) / ms).toLocaleString('en')}/s`)
  if (total === null || total === 0) return parts.join(' | ').slice(0, columns - 1)
  const share = Math.min(done / total, 1)
  if (ms >= SETTLED_MS && share >= 0.01 && share < 1) parts.push(timeLeft((ms * (1 - share)) / share))
  const text = `${Math.floor(share * 100)}% | ${parts.join(' | ')}`
  const width = Math.min(BAR, columns - text.length - 2)
  const filled = Math.round(share * width)
  const bar = width < LEAST_BAR ? '' : `${'█'.repeat(filled)}${'░'.repeat(width - filled)} `
  return `${bar}${text}`.slice(0, columns - 1)
}

/** A bar on a terminal, nothing in a pipe. */
export const createProgress = ({ stderr, now, total, done, noun = 'events' }: ProgressOptions): Progress => {
  const print = (stream: NodeJS.WriteStream, text: string): void => void stream.write(`${text}\n`)
  if (stderr.isTTY !== true) return { update: () => undefined, line: print, stop: () => undefined }
  const draw = createLogUpdate(stderr)
  const began = now()
  let count = 0
  let drawn = -Infinity
  const redraw = (): void => {
    drawn = now()
    draw(barLine({ count, noun, ms: drawn - began, total, done: done(), columns: stderr.columns || 80 }))
  }
  return {
    update: (next) => {
      count = next
      if (now() - drawn >= REDRAW_MS) redraw()
    },
    line: (stream, text) => {
      draw.clear()
      print(stream, text)
      redraw()
    },
    stop: () => {
      draw.clear()
      draw.done()
    },
  }
}
