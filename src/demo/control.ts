// How `sluice demo fault …` reaches a demo that was started with --keep: a socket that only the same user can open.
import { once } from 'node:events'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { OperatorError } from '../lib/operator-error.ts'

/** Says a line to who asked. */
export type Tell = (line: string) => void

const folder = () => join(tmpdir(), `sluice-demo-control-${userInfo().username}`)
const socketPath = () =>
  process.platform === 'win32' ? `\\\\.\\pipe\\sluice-demo-${userInfo().username}` : join(folder(), 'socket')

/** Answers each line with what `handle` tells until it resolves. The newest demo of a user is the one that is asked. */
export const listen = async (handle: (line: string, tell: Tell) => Promise<void>): Promise<() => Promise<void>> => {
  await mkdir(folder(), { recursive: true, mode: 0o700 })
  await chmod(folder(), 0o700)
  await rm(socketPath(), { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => {}) // who asked has gone; what was begun goes on
    createInterface({ input: socket }).once('line', (line) => {
      const tell: Tell = (text) => void (socket.writable && socket.write(`${text}\n`))
      void handle(line, tell)
        .catch((error: unknown) => tell(`! ${error instanceof Error ? error.message : 'it failed'}`))
        .finally(() => socket.end())
    })
  })
  server.listen(socketPath())
  await once(server, 'listening')
  return async () => {
    server.close()
    await rm(folder(), { recursive: true, force: true })
  }
}

/** @throws OperatorError when no demo runs, or it refuses. */
export const ask = async (line: string, tell: Tell, signal: AbortSignal): Promise<void> => {
  const socket = createConnection(socketPath())
  const gone = await Promise.race([once(socket, 'connect').then(() => null), once(socket, 'error')])
  if (gone)
    throw new OperatorError('no demo of yours is running', 'start one in another terminal: npm run demo -- --keep')
  signal.addEventListener('abort', () => socket.destroy())
  socket.write(`${line}\n`)
  for await (const answer of createInterface({ input: socket })) {
    if (answer.startsWith('! ')) throw new OperatorError(answer.slice(2), 'see `sluice demo fault --help`')
    tell(answer)
  }
}
