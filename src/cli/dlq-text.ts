import { once } from 'node:events'
import Table from 'cli-table3'
import { printable } from '../lib/printable.ts'
import type { Io } from './io.ts'
import { toJson } from '../lib/json.ts'

export const SHORT_ID = 12
export const shortId = (id: string): string => id.slice(0, SHORT_ID)

export const time = (at: Date | null): string =>
  at === null
    ? '–'
    : at
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, '')

export const count = (n: number): string => n.toLocaleString('en-US')
export const letters = (n: number): string => `${count(n)} dead ${n === 1 ? 'letter' : 'letters'}`

type Align = 'left' | 'right'

export function table(head: readonly (readonly [name: string, align: Align])[], rows: readonly string[][]): string {
  const made = new Table({
    head: head.map(([name]) => name),
    style: { head: [], border: [], compact: true },
    colAligns: head.map(([, align]) => align),
  })
  made.push(...rows)
  return made.toString()
}

/** Waits for a slow reader: what it does not take would gather in memory. */
export async function writeOut({ stdout, drain }: Io, text: string | Buffer): Promise<void> {
  if (stdout.write(text) || drain.aborted) return
  await once(stdout, 'drain', { signal: drain }).catch((error: unknown) => {
    if (!drain.aborted) throw error
  })
}

/** One JSON document on one line; on a terminal without what could repaint it. */
export const jsonLine = ({ stdout }: Io, value: unknown): string => {
  const text = toJson(value)
  return `${stdout.isTTY ? printable(text) : text}\n`
}
