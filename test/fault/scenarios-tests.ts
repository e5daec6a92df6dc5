// Faults that files of tests show: the lane runs those files too, or it would claim what nobody has seen.
import { matrix } from './matrix.ts'

export type TestScenario = {
  readonly name: string
  readonly what: string
  readonly file: string
  /** Of the fault matrix: a file may show several. */
  readonly numbers: readonly number[]
}

const shown = matrix.flatMap(({ number, shown }) => shown.map(({ name, file }) => ({ name, file, number })))

export const testScenarios: readonly TestScenario[] = [...new Set(shown.map(({ file }) => file))].map((file) => {
  const own = shown.filter((each) => each.file === file)
  return { name: own[0]!.name, what: file, file, numbers: own.map(({ number }) => number) }
})
