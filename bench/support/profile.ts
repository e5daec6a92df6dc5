// What a `--cpu-prof` profile says: shares of the time in which the process was not idle, by area of the code.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

type Node = { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[] }

const AREAS: readonly (readonly [area: string, match: RegExp])[] = [
  ['garbage collector', /^\(garbage collector\)/],
  ['decode and check (line-items, zod)', /\/(dist|src)\/line-items\/|\/zod\//],
  ['Kafka client', /\/kafkajs\/|\/(dist|src)\/kafka\/|\/(dist|src)\/source\//],
  ['buffer and flush', /\/(dist|src)\/(pipeline|telemetry|lib)\//],
  ['sink: rows, COPY text, mapping', /\/(dist|src)\/(sink|dead-letters)\/|\/lru-cache\//],
  ['Prisma', /\/@prisma\/|\/generated\/prisma\//],
  ['PostgreSQL client', /\/pg(-[a-z]+)?\//],
]
const REST = 'node itself, system calls, the rest'

const load = async (folder: string): Promise<Profile[]> => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'))
  if (files.length === 0) throw new Error(`no profile in ${folder}`)
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Profile))
}

const isIdle = ({ callFrame: { functionName } }: Node) => functionName === '(idle)' || functionName === '(root)'

/** Self time in µs of each node of the profile, idle time left out. */
function* selfTimes({ nodes, samples, timeDeltas }: Profile): Generator<readonly [Node, number]> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const micros = new Map<number, number>()
  samples.forEach((id, at) => micros.set(id, (micros.get(id) ?? 0) + (timeDeltas[at] ?? 0)))
  for (const [id, time] of micros) {
    const node = byId.get(id)
    if (node && !isIdle(node)) yield [node, time]
  }
}

const areaOf = ({ callFrame: { functionName, url } }: Node): string =>
  AREAS.find(([, match]) => match.test(url === '' ? functionName : url))?.[0] ?? REST

export async function sharesOf(folder: string): Promise<Map<string, number>> {
  const sums = new Map<string, number>([...AREAS.map(([area]) => area), REST].map((area) => [area, 0]))
  let all = 0
  for (const profile of await load(folder))
    for (const [node, time] of selfTimes(profile)) {
      all += time
      sums.set(areaOf(node), (sums.get(areaOf(node)) ?? 0) + time)
    }
  return new Map([...sums].map(([area, time]) => [area, time / all]))
}

/** The functions with the most time of their own: [where, share]. */
export async function hottest(folder: string, count: number): Promise<[string, number][]> {
  const sums = new Map<string, number>()
  let all = 0
  for (const profile of await load(folder))
    for (const [node, time] of selfTimes(profile)) {
      const { functionName, url, lineNumber } = node.callFrame
      const place =
        url === ''
          ? functionName
          : `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`
      all += time
      sums.set(place, (sums.get(place) ?? 0) + time)
    }
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, count)
  return sorted.map(([place, time]) => [place, time / all])
}
