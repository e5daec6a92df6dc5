// What there is to play, and what of it `--only` means.
import { FATAL } from './lane.ts'
import { matrix } from './matrix.ts'
import { fatalScenarios } from './scenarios-fatal.ts'
import { kafkaScenarios, kafkaStories } from './scenarios-kafka.ts'
import { testScenarios } from './scenarios-tests.ts'
import { scenarios } from './scenarios.ts'
import { stories } from './stories.ts'

export const KILL_NINE = 'kill-nine'

export const ofKafka = [...kafkaScenarios, ...kafkaStories].toSorted((a, b) => a.number - b.number)
const everything = [...testScenarios, ...scenarios, ...stories, ...fatalScenarios, ...ofKafka]
export const names: readonly string[] = [KILL_NINE, ...everything.map(({ name }) => name)]

/** Names, separated by commas. What none fits is told: who plays nothing has proved nothing. */
export const select = (only: string): { wanted: Set<string>; unmatched: string[] } => {
  const parts = only.split(',').map((part) => part.trim())
  return {
    wanted: new Set(parts.flatMap(expand)),
    unmatched: parts.filter((part) => expand(part).length === 0),
  }
}

/** `kill-at-*` is all that begin so; `fatal` all that must end the member; a number is all that shows this fault of the matrix. */
const expand = (wanted: string): string[] => {
  if (wanted === FATAL) return fatalScenarios.map(({ name }) => name)
  if (/^\d+$/.test(wanted)) {
    const fault = matrix.find(({ number }) => number === Number(wanted))
    return fault ? namedFor(fault).filter((name) => name !== FATAL) : []
  }
  if (wanted.endsWith('*')) return names.filter((name) => name.startsWith(wanted.slice(0, -1)))
  return names.filter((name) => name === wanted)
}

const namedFor = ({ scenarios, shown }: (typeof matrix)[number]) => [...scenarios, ...shown.map(({ name }) => name)]
