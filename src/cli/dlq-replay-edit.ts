import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createDecode } from '../line-items/decode.ts'
import { messageOf } from '../line-items/fault.ts'

/** The event that is to take the letter's place: refused here if it would become a dead letter again. */
export async function readEdit(file: string, ids: readonly string[], now: number): Promise<Buffer> {
  if (ids.length !== 1)
    throw new OperatorError(
      '--edit needs the id of one dead letter',
      'sluice dlq replay ID --edit FILE',
      ExitCode.usage,
    )
  const bytes = await (file === '-' ? buffer(process.stdin) : readFile(file)).catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new OperatorError(`cannot read ${file} (${code})`, 'check the path', ExitCode.usage)
  })
  const decoded = createDecode({ now: () => now })({ value: bytes })
  if (decoded.kind !== 'rejected') return bytes
  const { code, path } = decoded.fault
  throw new OperatorError(
    `the event in ${file} would fail again: ${code}${path ? ` at ${path}` : ''}. ${messageOf(code)} Nothing was sent`,
    'correct the file; the README shows an event',
    ExitCode.usage,
  )
}
