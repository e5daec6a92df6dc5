// A world on the stack of the vitest run, in a fresh database with all tables.
import { migrate } from '../../src/sink/migrate.ts'
import { freshDatabase, stack } from './stack.ts'
import { openWorld, type World } from './world.ts'

const migrateForWorld = async (url: string) => void (await migrate(url))

export const openArena = async (partitions: number): Promise<World> => {
  const { url, drop } = await freshDatabase(migrateForWorld)
  const world = await openWorld({ brokers: stack().brokers, databaseUrl: url, partitions })
  const close = async () => {
    await world.close()
    await drop()
  }
  return { ...world, close }
}
