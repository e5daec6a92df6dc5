// The port of a member. Taken by somebody else, it is waited for: the pipeline needs no HTTP, and who has it may go.
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { backoffMs } from '../pipeline/backoff.ts'
import type { Log } from '../telemetry/log.ts'

export type HttpOptions = { readonly host: string; readonly port: number }
export type ListenDeps = { readonly clock: Clock; readonly log: Pick<Log, 'info' | 'error'> }

/**
 * Resolves when it listens, or when the port is taken: then it goes on trying, until `end`.
 * @throws OperatorError for what only another configuration mends: no such address here (EADDRNOTAVAIL, ENOTFOUND), a port that
 * is not for this user (EACCES).
 */
export async function listen(app: FastifyInstance, { host, port }: HttpOptions, { clock, log }: ListenDeps) {
  const ended = new AbortController()
  /** Resolves to what is in the way; null: nothing. */
  const attempt = () =>
    app.listen({ host, port }).then(
      () => {
        log.info({ host, port: (app.server.address() as AddressInfo).port }, 'HTTP: probes, metrics, API, dashboard')
        return null
      },
      (error: unknown) => error as NodeJS.ErrnoException,
    )
  const tryAgain = async () => {
    for (let tries = 1; !ended.signal.aborted; tries += 1) {
      await clock.sleep(
        backoffMs(tries, () => 1),
        ended.signal,
      )
      if (ended.signal.aborted || (await attempt()) === null) return
    }
  }

  const error = await attempt()
  if (error !== null && error.code !== 'EADDRINUSE') throw cannotListen(error, host, port)
  if (error !== null) log.error({ host, port, remedy: REMEDY }, 'the HTTP port is taken; the pipeline works without it')
  const waiting = error === null ? Promise.resolve() : tryAgain()
  return {
    async end() {
      ended.abort()
      await waiting
    },
  }
}

const REMEDY =
  'end what listens there (it is tried again until then), or give each member on a host its own HTTP_PORT; who asks this port does not ask this member'

const cannotListen = (cause: NodeJS.ErrnoException, host: string, port: number) =>
  new OperatorError(
    `HTTP cannot listen on ${host}:${port} (${cause.code ?? 'unknown'})`,
    'set HTTP_HOST to an address of this host and HTTP_PORT to a port that this user may open, or leave it unset to go without',
    ExitCode.usage,
    { cause },
  )
