// npm run test:mutations -- [--only TEXT] [--seeds 400]: plants each mutation in a copy of the code and runs the simulation on it.
// Ends with 1 when one survives, or when one cannot be planted any more.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { execa } from 'execa'
import { type Edit, type Mutation, MUTATIONS } from './mutations.ts'

const { values } = parseArgs({ options: { only: { type: 'string' }, seeds: { type: 'string', default: '400' } } })

type Verdict = { name: string; caught: boolean; by: string }

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

const tryOut = async (each: Mutation): Promise<Verdict> => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-mutation-'))
  try {
    for (const part of ['src', 'test/simulation', 'package.json', 'tsconfig.json', 'tsconfig.base.json'])
      await cp(part, join(folder, part), { recursive: true }).catch(() => undefined)
    await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
    for (const edit of each.edits) await plant(folder, edit)
    const args = [
      '--no-warnings',
      '--import',
      'tsx',
      'test/simulation/main.ts',
      '--seeds',
      values.seeds,
      '--stop-at',
      '1',
    ]
    // A process that hangs is a fault that was noticed: it does not drain, in any sense.
    const { exitCode, stdout, stderr, timedOut } = await execa('node', args, {
      cwd: folder,
      reject: false,
      timeout: 300_000,
    })
    if (timedOut) return { name: each.name, caught: true, by: 'it hangs' }
    const [first = ''] = stdout.split('\n')
    const broken = /^seed (\d+): (.*)/.exec(first)
    // Another end than a failing seed is a fault of this list: the code did not even load.
    if (exitCode !== 0 && !broken) throw new Error(`${each.name}: ${stderr || stdout}`)
    return {
      name: each.name,
      caught: broken !== null,
      by: broken ? `seed ${broken[1]}: ${broken[2]}`.slice(0, 90) : '–',
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const wanted = MUTATIONS.filter(({ name }) => name.includes(values.only ?? ''))
const waiting = [...wanted]
const verdicts: Verdict[] = []
const work = async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const verdict = await tryOut(next)
    verdicts.push(verdict)
    process.stderr.write(`${verdict.caught ? 'caught  ' : 'SURVIVED'} ${verdict.name}\n`)
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work))

const table = new Table({ head: ['mutation', 'caught', 'by'], style: { head: [], border: [] } })
for (const { name } of wanted) {
  const verdict = verdicts.find((each) => each.name === name)
  if (verdict) table.push([name, verdict.caught ? 'yes' : 'NO', verdict.by])
}
const caught = verdicts.filter((each) => each.caught).length
process.stdout.write(`${table.toString()}\n${caught} of ${wanted.length} mutations caught\n`)
process.exitCode = caught === wanted.length ? 0 : 1
