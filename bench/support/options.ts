// What a bench is told on its command line.
import { parseArgs } from 'node:util'

export type BenchOptions = {
  /** Tiny: it runs, and counts are right; no figures. */
  readonly quick: boolean
  readonly rounds: number
  readonly number: (name: string, preset: number, quick?: number) => number
  readonly text: (name: string) => string | undefined
}

/** `--name value` and `--quick`. */
export function optionsOf(args: readonly string[], names: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      rounds: { type: 'string' },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  })
  const quick = values.quick === true
  const text = (name: string) => (values as Record<string, string | undefined>)[name]
  const number = (name: string, preset: number, small = preset) => {
    const given = text(name)
    if (given === undefined) return quick ? small : preset
    if (!/^\d+(\.\d+)?$/.test(given)) throw new Error(`--${name} takes a number`)
    return Number(given)
  }
  return { quick, number, text, rounds: number('rounds', 3, 1) }
}

export type Variant = { readonly name: string; readonly env: NodeJS.ProcessEnv }

/** `FLUSH_LANES=2,DATABASE_POOL_SIZE=8;FLUSH_LANES=1`: the same contestant with other settings, in turn. */
export const variantsOf = (text: string | undefined): Variant[] =>
  text === undefined
    ? [{ name: '', env: {} }]
    : text.split(';').map((settings) => {
        const pairs = settings.split(',').filter((each) => each !== '')
        return {
          name: `, ${settings || 'defaults'}`,
          env: Object.fromEntries(pairs.map((pair) => pair.split('='))) as NodeJS.ProcessEnv,
        }
      })
