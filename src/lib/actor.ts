import { userInfo } from 'node:os'

/** Who did it, for the record. A container may run under a user id that has no name. */
export function actor(name: () => string = () => userInfo().username): string {
  try {
    return name()
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
