import { createInterface } from 'node:readline'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Io } from './io.ts'

/** Up to so many letters, or ledger rows, a slip of the finger is mended by hand. */
export const ASK_ABOVE = 100

export type Confirm = {
  readonly io: Pick<Io, 'stderr' | 'drain'>
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly question: string
  readonly count: number
  /** What is counted. */
  readonly noun?: string
  readonly yes: boolean
}

/** Whether to go on. Without a terminal nobody can be asked: that is refused. */
export async function confirmed({ io, stdin, question, count, noun = 'letters', yes }: Confirm): Promise<boolean> {
  if (yes || count <= ASK_ABOVE) return true
  if (stdin.isTTY !== true || io.stderr.isTTY !== true)
    throw new OperatorError(
      `more than ${ASK_ABOVE} ${noun}, and no terminal to ask on; nothing was changed`,
      'look at it with --dry-run, then add --yes',
      ExitCode.usage,
    )
  const answer = await ask({ io, stdin, question })
  return /^y(es)?$/i.test(answer.trim())
}

/** The end of input, or a signal, is an empty answer. Not readline's own terminal mode: it would swallow Ctrl-C. */
function ask({ io, stdin, question }: Pick<Confirm, 'io' | 'stdin' | 'question'>): Promise<string> {
  const reader = createInterface({ input: stdin, output: io.stderr, terminal: false })
  return new Promise((resolve) => {
    const end = (answer: string) => {
      io.drain.removeEventListener('abort', onAbort)
      resolve(answer)
      reader.close()
    }
    const onAbort = () => {
      io.stderr.write('\n')
      end('')
    }
    io.drain.addEventListener('abort', onAbort)
    reader.once('close', () => end(''))
    reader.question(`${question} [y/N] `, end)
  })
}
