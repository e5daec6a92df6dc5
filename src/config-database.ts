import { readFileSync } from 'node:fs'
import { pemFaults } from './config-tls.ts'

// What DATABASE_URL says about TLS. `require`, `prefer` and `verify-ca` mean one thing to this driver, another to its next
// version and a third to psql: only what cannot be misunderstood is taken. No text quotes the URL.

const UNCLEAR = ['allow', 'prefer', 'require', 'verify-ca', 'no-verify']
const FILES = { sslrootcert: 'certificate', sslcert: 'certificate', sslkey: 'key' } as const

const fileFaults = (parameter: keyof typeof FILES, path: string): string[] => {
  const name = `DATABASE_URL: ${parameter}`
  try {
    return pemFaults(name, readFileSync(path, 'utf8'), FILES[parameter])
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return [`${name}: cannot read the file ${JSON.stringify(path)} (${code})`]
  }
}

export const databaseFaults = (url: string, allowInsecure: boolean): string[] => {
  const { searchParams } = new URL(url)
  const faults = (Object.keys(FILES) as (keyof typeof FILES)[]).flatMap((parameter) => {
    const path = searchParams.get(parameter)
    return path === null ? [] : fileFaults(parameter, path)
  })
  if (allowInsecure) return faults
  const mode = searchParams.get('sslmode')
  if (mode !== null && UNCLEAR.includes(mode))
    faults.push(
      `DATABASE_URL: sslmode=${mode} does not say whether the certificate is checked: use sslmode=verify-full (with sslrootcert=FILE for an authority of your own), or set ALLOW_INSECURE=true`,
    )
  else if (mode !== null && mode !== 'verify-full' && mode !== 'disable')
    faults.push('DATABASE_URL: sslmode must be verify-full or disable')
  if (searchParams.get('ssl') === 'no-verify' || searchParams.has('uselibpqcompat'))
    faults.push('DATABASE_URL: ssl=no-verify and uselibpqcompat are not taken: use sslmode=verify-full')
  return faults
}
