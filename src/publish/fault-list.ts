import { closeSync, openSync, writeSync } from 'node:fs'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { FaultRow } from './publish.ts'

/** Tells the first faults at once and all of them in a file, in memory that does not grow with their number. */
export type FaultList = { add(fault: FaultRow): void; close(): void }

export type FaultListOptions = {
  /** What `line` counts. */
  readonly unit: 'line' | 'document' | 'record'
  readonly file: string | null
  readonly tell: (text: string) => void
}

const SHOWN = 20
const WRITE_AT = 64 * 1024

const openForWriting = (file: string): number => {
  try {
    return openSync(file, 'w')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new OperatorError(
      `cannot write ${file} (${code})`,
      'give --faults a file that can be written',
      ExitCode.usage,
      { cause: error },
    )
  }
}

export const createFaultList = ({ unit, file, tell }: FaultListOptions): FaultList => {
  const fd = file === null ? null : openForWriting(file)
  let count = 0
  let waiting = ''
  const write = (): void => {
    if (fd !== null) writeSync(fd, waiting)
    waiting = ''
  }
  return {
    add: ({ line, fault, at }) => {
      count++
      if (count <= SHOWN) tell(`${unit} ${line}${at === undefined ? '' : ` ${at}`}: ${fault}`)
      if (fd === null) return
      waiting += `${JSON.stringify({ [unit]: line, at, fault })}\n`
      if (waiting.length > WRITE_AT) write()
    },
    close: () => {
      if (count > SHOWN)
        tell(
          `… and ${(count - SHOWN).toLocaleString('en')} more${file === null ? ' (--faults FILE lists all)' : `, all in ${file}`}`,
        )
      write()
      if (fd !== null) closeSync(fd)
    },
  }
}
