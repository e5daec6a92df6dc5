// The Dockerfile, read, and done by hand as far as that goes without an engine: what it copies, and what it runs, in folders.
import { readFileSync } from 'node:fs'
import { cp, mkdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type Instruction = { readonly name: string; readonly rest: string; readonly words: readonly string[] }

/** With continued lines joined, and without comments. */
export const instructions: readonly Instruction[] = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .join('\n')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .map((line) => {
    const [name = '', ...words] = line.split(/\s+/)
    return { name, words, rest: line.slice(name.length).trim() }
  })

const begins = instructions.flatMap(({ name }, at) => (name === 'FROM' ? [at] : []))
export const stages = begins.map((at, i) => instructions.slice(at + 1, begins[i + 1]))
export const last = stages.at(-1) ?? []

/** The command of ENTRYPOINT, CMD or HEALTHCHECK, with this Node. */
export const commandOf = (name: string): string[] => {
  const { rest = '' } = last.find((each) => each.name === name) ?? {}
  const [file, ...args] = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
  return [file === 'node' ? process.execPath : file!, ...args]
}

/** `COPY a b c to`, of the checkout or of the stage before; without what .dockerignore keeps out. */
const copy = async (words: readonly string[], from: string, to: string) => {
  const paths = words.filter((word) => !word.startsWith('--'))
  const target = join(to, paths.at(-1) ?? '')
  const whole = paths.length > 2 || paths.at(-1)?.endsWith('/')
  const kept = (file: string) => !file.startsWith(join(ROOT, 'src/generated'))
  for (const path of paths.slice(0, -1)) {
    const name = path.replace(/^\/app\//, '')
    await cp(join(from, name), whole ? join(target, basename(name)) : target, { recursive: true, filter: kept, verbatimSymlinks: true }) // prettier-ignore
  }
}

/** Nothing is fetched: a package that npm has not kept of an earlier installation is a failure. */
const run = async (command: string, cwd: string) => {
  const env = { npm_config_offline: 'true', npm_config_audit: 'false', npm_config_update_notifier: 'false' }
  const { exitCode, all } = await execa('sh', ['-c', command], { cwd, env, all: true, reject: false })
  if (exitCode !== 0) throw new Error(`RUN ${command} ended with ${exitCode}:\n${all}`)
}

/**
 * Resolves to what could not be done as it is written. Without the packages in npm's cache `npm ci` would need the network: then those that
 * are installed here are taken.
 */
export const buildByHand = async (folder: string): Promise<string[]> => {
  const notRun: string[] = []
  const folders = stages.map((_, i) => join(folder, `stage-${i}`))
  for (const [i, stage] of stages.entries()) {
    const to = folders[i]!
    await mkdir(to)
    for (const { name, words, rest } of stage)
      if (name === 'COPY') await copy(words, words[0]?.startsWith('--from=') ? folders[i - 1]! : ROOT, to)
      else if (name === 'RUN' && rest === 'npm ci')
        await run(rest, to).catch(async (error: Error) => {
          if (!error.message.includes('ENOTCACHED')) throw error
          notRun.push(rest)
          // Not the link that it may be: they are about to be pruned.
          await cp(await realpath(join(ROOT, 'node_modules')), join(to, 'node_modules'), { recursive: true, verbatimSymlinks: true }) // prettier-ignore
          await run('npm run prepare', to)
        })
      else if (name === 'RUN') await run(rest, to)
  }
  return notRun
}
