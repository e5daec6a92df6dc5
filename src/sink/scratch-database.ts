import { randomBytes } from 'node:crypto'
import { adapterOf } from './database.ts'

/**
 * An empty database of its own on the server of `url`, for the demo: its totals must not mix with what is there. The
 * name is `sluice_demo_<random>`; the user of `url` needs CREATEDB.
 */
export async function createScratchDatabase(
  url: string,
): Promise<{ url: string; name: string; drop: () => Promise<void> }> {
  const name = `sluice_demo_${randomBytes(4).toString('hex')}`
  await execute(url, `CREATE DATABASE ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: own.href, name, drop: () => execute(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function execute(url: string, sql: string): Promise<void> {
  const session = await adapterOf({ url, poolSize: 1 }).connect()
  try {
    await session.executeRaw({ sql, args: [], argTypes: [] })
  } finally {
    await session.dispose()
  }
}
