import { readFileSync } from 'node:fs'

/** The release, from package.json (which stands two folders up, in a checkout and in dist/). */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
