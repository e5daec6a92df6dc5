import { createServer } from 'node:net'
import type { Config } from '../config.ts'
import { type Checks, fail, type Finding, ok, warn } from './check.ts'

// What this process runs on.

const LEAST_NODE = [20, 19] as const
/** Lines without fixes: 20 ended in April 2026. */
const LEAST_SUPPORTED = 22

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [least, leastMinor] = LEAST_NODE
  const remedy = 'install Node 24 (nodejs.org), as the Dockerfile does'
  if (major < least || (major === least && minor < leastMinor))
    return fail(`Node ${version} is older than ${LEAST_NODE.join('.')}`, remedy)
  return major < LEAST_SUPPORTED
    ? warn(`Node ${version} works, but gets no security fixes any more`, remedy)
    : ok(`Node ${version}`)
}

export const machineChecks = (config: Config | null, nodeVersion: string): Checks => ({
  Node: () => nodeFinding(nodeVersion),
  ...(config?.http ? { 'HTTP port': () => portFinding(config.http?.host ?? '', config.http?.port ?? 0) } : {}),
})

/** Binds it for a moment. */
const portFinding = (host: string, port: number): Promise<Finding> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(
        code === 'EADDRINUSE'
          ? warn(
              `${host}:${port} is taken, maybe by a member on this machine: another one works without HTTP until it is free`,
              'give every member on a machine its own HTTP_PORT',
            )
          : fail(`cannot listen on ${host}:${port} (${code ?? 'unknown'})`, 'change HTTP_HOST or HTTP_PORT'),
      ),
    )
    server.listen(port, host, () => server.close(() => resolve(ok(`${host}:${port} is free`))))
  })
