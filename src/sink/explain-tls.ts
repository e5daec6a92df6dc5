import { causes } from './classify.ts'

/** The driver adapter keeps of a TLS fault its words alone, no code: they choose the remedy, and are not repeated. */
const reasonOf = (error: unknown): string => {
  for (const { kind, reason } of causes(error))
    if (kind === 'TlsConnectionError') return typeof reason === 'string' ? reason : ''
  return ''
}

export function explainTls(error: unknown, host: string): readonly [message: string, remedy: string] {
  const reason = reasonOf(error)
  if (/does not support SSL/.test(reason))
    return [
      `PostgreSQL at ${host} does not speak TLS`,
      'set ssl=on there, or sslmode=disable in DATABASE_URL if nobody can listen in between',
    ]
  if (/expired/.test(reason))
    return [
      `the TLS certificate of PostgreSQL at ${host} has expired`,
      'the server needs a new one (or the clock here is wrong)',
    ]
  if (/does not match certificate/.test(reason))
    return [
      `the TLS certificate of PostgreSQL at ${host} is for another host`,
      'put into DATABASE_URL a host name (not an address) that the certificate was made for',
    ]
  return [
    `the TLS certificate of PostgreSQL at ${host} is not trusted`,
    'set sslrootcert=FILE in DATABASE_URL to the authority that signed it',
  ]
}
