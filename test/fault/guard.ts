// Keeps one scenario from stopping the rest: what it throws, what it throws where nobody waits for it, and what never ends.
import { NotPossibleHere } from '../support/small-disk.ts'
import type { World } from '../support/world.ts'
import type { Result } from './lane.ts'

export type Outcome = Omit<Result, 'name' | 'what'>
export type Guard = Pick<ReturnType<typeof createGuard>, 'until'>
type Say = (line: string) => void
type GuardOptions = {
  readonly say: Say
  readonly tell: (result: Result, say: Say) => void
  readonly deadlineMs: number
}

export const createGuard = ({ say, tell, deadlineMs }: GuardOptions) => {
  /** Of the scenario of now: rejections that nobody waited for. */
  let stray: string[] = []
  const onStray = (error: unknown) => {
    say(`STRAY: ${textOf(error)}`)
    stray.push(textOf(error))
  }
  process.on('unhandledRejection', onStray)
  process.on('uncaughtException', onStray)

  return {
    guarded: async (name: string, what: string, work: () => Promise<Outcome>): Promise<Result> => {
      say(`\n── ${name}: ${what}`)
      stray = []
      let result: Result
      try {
        result = { name, what, ...(await work()) }
      } catch (error) {
        if (error instanceof NotPossibleHere) result = { name, what, lines: [], skipped: error.message }
        else result = { name, what, lines: [], broken: textOf(error) }
      }
      const [first] = stray
      if (first !== undefined && result.broken === undefined) result = { name, what, lines: [], broken: first }
      tell(result, say)
      return result
    },
    /** Ends the members of what takes too long: whatever waits for them gives up, and the world can be closed. */
    async until<T>(work: () => Promise<T>, world: Pick<World, 'members'>): Promise<T> {
      const working = work()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          const tails = world.members.filter((member) => member.running()).map((member) => member.tail())
          for (const member of world.members) if (member.running()) member.kill('SIGKILL')
          reject(new Error(`it took longer than ${deadlineMs / 60_000} minutes\n${tails.join('\n')}`))
        }, deadlineMs)
      })
      try {
        return await Promise.race([working, late])
      } finally {
        clearTimeout(timer)
        working.catch(() => {}) // told already, or too late
      }
    },
    close(): void {
      process.off('unhandledRejection', onStray)
      process.off('uncaughtException', onStray)
    },
  }
}

/** What went wrong first is what is told; that it could not be cleaned up after it is only said. */
export const closing = async <T>(work: () => Promise<T>, end: () => Promise<unknown>, say: Say): Promise<T> => {
  let outcome: T
  try {
    outcome = await work()
  } catch (error) {
    await end().catch((also: unknown) => say(`and it could not be cleaned up: ${textOf(also)}`))
    throw error
  }
  await end()
  return outcome
}

const textOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))
