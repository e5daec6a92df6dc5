// The retail file: its descriptions with their stock codes, in the order in which they appear. It is never part of the project.
import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { fileURLToPath } from 'node:url'

export type Description = { readonly text: string; readonly codes: ReadonlySet<string>; readonly firstSeen: string }

const DEFAULT = fileURLToPath(new URL('../../../shared/data/online-retail-2010-12_2011-05.csv.gz', import.meta.url))

/** The path given, RETAIL_FILE, or where it lies beside a checkout; null when none was named and it is not there. */
export const retailFile = (given = process.env['RETAIL_FILE']): string | null => {
  if (given !== undefined && !existsSync(given)) throw new Error(`there is no file ${given}`)
  return given ?? (existsSync(DEFAULT) ? DEFAULT : null)
}

export async function readDescriptions(path: string): Promise<Description[]> {
  const file = createReadStream(path)
  const lines = createInterface({ input: path.endsWith('.gz') ? file.pipe(createGunzip()) : file, crlfDelay: Infinity })
  let columns: readonly string[] | null = null
  const found = new Map<string, { text: string; codes: Set<string>; firstSeen: string }>()
  for await (const line of lines) {
    const cells = cellsOf(line)
    if (!columns) {
      columns = cells.map((name) => name.replace(/[\uFEFF ]/g, '').toLowerCase())
      continue
    }
    const cell = (...names: string[]) => cells[columns?.findIndex((name) => names.includes(name)) ?? -1]?.trim() ?? ''
    const text = cell('description')
    if (text === '') continue
    const entry = found.get(text) ?? { text, codes: new Set<string>(), firstSeen: cell('invoicedate') }
    entry.codes.add(cell('stockcode').toUpperCase())
    found.set(text, entry)
  }
  return [...found.values()]
}

const cellsOf = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '') // prettier-ignore
