// npm run test:mutations -- [--only TEXT] [--seeds 400]: plants each mutation in a copy of the code and runs the simulation on it;
// first the code as it is, on which no seed may fail. Ends with 1 unless each is caught, and by the law that it is planted for.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { execa } from 'execa'
import { type Edit, type Mutation, MUTATIONS } from './mutations.ts'

const { values } = parseArgs({ options: { only: { type: 'string' }, seeds: { type: 'string', default: '400' } } })

/** Many times what all seeds take. A run that takes longer has decided nothing. */
const TIMEOUT_MS = 900_000

/** Of the first seed that failed; null: none did. */
type Broken = { readonly seed: string; readonly message: string } | null
type Verdict = { readonly name: string; readonly verdict: string; readonly by: string; readonly ok: boolean }

const plant = async (folder: string, { file, find, put }: Edit) => {
  const path = join(folder, file)
  const text = await readFile(path, 'utf8')
  if (text.split(find).length !== 2)
    throw new Error(`cannot be planted: "${find}" does not stand exactly once in ${file}`)
  await writeFile(
    path,
    text.replace(find, () => put),
  )
}

const play = async (edits: readonly Edit[]): Promise<Broken | 'timed out'> => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-mutation-'))
  try {
    for (const part of ['src', 'test/simulation', 'package.json', 'tsconfig.json', 'tsconfig.base.json'])
      await cp(part, join(folder, part), { recursive: true }).catch(() => undefined)
    await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
    for (const edit of edits) await plant(folder, edit)
    const script = ['--no-warnings', '--import', 'tsx', 'test/simulation/main.ts']
    const { exitCode, stdout, stderr, timedOut } = await execa(
      'node',
      [...script, '--seeds', values.seeds, '--stop-at', '1'],
      { cwd: folder, reject: false, timeout: TIMEOUT_MS },
    )
    if (timedOut) return 'timed out'
    const [, seed = '', message = ''] = /^seed (\d+): (.*)/m.exec(stdout) ?? []
    // Another end than a failing seed is a fault of this list: the code did not even load.
    if (exitCode !== 0 && seed === '') throw new Error(stderr || stdout)
    return seed === '' ? null : { seed, message }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const judge = async ({ name, laws, edits }: Mutation): Promise<Verdict> => {
  const broken = await play(edits).catch((cause: unknown) => {
    throw new Error(name, { cause })
  })
  if (broken === null) return { name, verdict: 'SURVIVED', by: '–', ok: false }
  if (broken === 'timed out') return { name, verdict: 'NOT DECIDED', by: '–', ok: false }
  const ok = laws.some((law) => broken.message.startsWith(`${law}:`))
  const by = `seed ${broken.seed}: ${broken.message}`.slice(0, 90)
  return { name, verdict: ok ? 'caught' : 'BY ANOTHER LAW', by, ok }
}

const baseline = await play([])
if (baseline !== null) {
  process.stdout.write(`the code as it is fails: ${JSON.stringify(baseline)}\n`)
  process.exit(1)
}
process.stderr.write(`ok              nothing planted: ${values.seeds} seeds\n`)

const wanted = MUTATIONS.filter(({ name }) => name.includes(values.only ?? ''))
const waiting = [...wanted]
const verdicts: Verdict[] = []
const work = async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const found = await judge(next)
    verdicts.push(found)
    process.stderr.write(`${found.verdict.padEnd(15)} ${found.name} (${found.by})\n`)
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work))

const table = new Table({ head: ['mutation', '', 'by'], style: { head: [], border: [] } })
for (const { name } of wanted) {
  const found = verdicts.find((each) => each.name === name)
  if (found) table.push([name, found.verdict, found.by])
}
const caught = verdicts.filter(({ ok }) => ok).length
process.stdout.write(`${table.toString()}\n${caught} of ${wanted.length} mutations caught by the law they name\n`)
process.exitCode = wanted.length > 0 && caught === wanted.length ? 0 : 1
