import type { Scenario } from './scenario.ts'
import { serverScenarios } from './scenarios-server.ts'
import { sessionScenarios } from './scenarios-session.ts'

/** Every fault that must be survived, in the order of the list they come from. */
export const scenarios: readonly Scenario[] = [...serverScenarios, ...sessionScenarios].toSorted(
  (a, b) => a.number - b.number,
)

export const scenarioCalled = (name: string): Scenario => {
  const found = scenarios.find((each) => each.name === name)
  if (!found) throw new Error(`there is no scenario ${name}`)
  return found
}
