// Who may ask. No cookies, no CORS: a page of somebody else, in a browser that can reach us, gets nothing.
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * A page in a browser must not get here by a name of its own that leads to our address (DNS rebinding): asked for must be an
 * address, localhost, or the name we listen on. Probes and scrapers do so, and send no Origin; our own page sends its own.
 */
export const isForeign = ({ origin, host: asked = '' }: IncomingHttpHeaders, host: string): boolean => {
  if (origin !== undefined && origin !== `http://${asked}` && origin !== `https://${asked}`) return true
  const name = asked.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return !(name === '' || name === 'localhost' || name === host || isIP(name) !== 0)
}

/** Hashed first: then lengths are equal, and the time says nothing of either. */
export const isToken = (given: string, token: string): boolean =>
  timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', token, 'buffer'))

export type Access = 'none' | 'open' | 'granted' | 'refused'

/** none: there is no token, so nobody has it · open: none was given. */
export function accessOf({ authorization }: IncomingHttpHeaders, token: string | null): Access {
  if (token === null) return 'none'
  if (authorization === undefined) return 'open'
  const [, given] = /^Bearer ([^\s]{1,512})$/.exec(authorization) ?? []
  return given !== undefined && isToken(given, token) ? 'granted' : 'refused'
}
