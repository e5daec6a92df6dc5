// A fault whose course is a story of its own: several members, some of which die, stop or come late. Told under load and
// under the eyes of the sampler; in the end everything drains, and every table is held against the topic.
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { ProofLine } from '../../src/demo/proof.ts'
import type { Member } from '../support/member.ts'
import { proveWorld } from '../support/oracle.ts'
import { type Sampler, startSampler } from '../support/sampler.ts'
import { until } from '../support/until.ts'
import { proveEndings, stop } from './endings.ts'
import { exactly, proveStop } from './play.ts'
import { type Load, type Stage, startLoad } from './stage.ts'

export type Telling = {
  readonly stage: Stage
  readonly load: Load
  /** Has to be told when the fault begins. */
  readonly sampler: Sampler
  /** From 0 to below the limit. */
  readonly upTo: (limit: number) => number
  /** How often: 20 at most on demand, less in the lane, once in the short form. */
  readonly times: number
  /** How long what lasts minutes lasts. */
  readonly seconds: number
}

export type Story = {
  /** Of the fault matrix (reliability.md, A.4). */
  readonly number: number
  readonly name: string
  readonly what: string
  /** For the reader of the report. */
  readonly proves: string
  readonly partitions?: number
  readonly parameters?: Readonly<Record<string, string>>
  /** Some of the load must become dead letters. */
  readonly letters?: boolean
  /** Lines of the proof that do not apply to it, and why is said beside it. */
  readonly besides?: RegExp
  /** It needs a PostgreSQL that nobody needs afterwards. */
  readonly own?: boolean
  readonly tell: (telling: Telling) => Promise<ProofLine[]>
}

export type TellOptions = { readonly rate: number; readonly times: number; readonly seconds: number }
export type Told = { readonly lines: ProofLine[]; readonly records: number }

const BAD = 100_000
const DRAINED_MS = 180_000

export const tellStory = async (stage: Stage, story: Story, { rate, ...options }: TellOptions): Promise<Told> => {
  const random = xoroshiro128plus(stage.seed + story.number)
  const upTo = (limit: number): number => uniformInt(random, 0, limit - 1)
  const load = startLoad(stage, rate, story.letters ? BAD : 0)
  const sampler = await startSampler(stage.world, { say: stage.say })
  let sampled: ProofLine[] | null = null
  try {
    const own = await story.tell({ stage, load, sampler, upTo, ...options })
    const alive = stage.world.members.filter((member) => member.running())
    const stopped = alive.length > 0 ? await proveStop(stage, alive) : []
    await load.stop()
    const last = stage.start('last')
    await stage.world.drained(DRAINED_MS)
    sampled = await sampler.stop()
    await stop(last)
    const { lines, records, expected } = await proveWorld(stage.world)
    const { deadLettered } = await stage.world.totals()
    const found = [
      ...own,
      ...sampled,
      ...stopped,
      exactly('dead letters made of faults', 0, deadLettered - expected.bad - expected.conflicts),
      await proveEndings(stage.world, stage.say),
      ...lines,
    ]
    return { records: records.length, lines: found.filter(({ what }) => !story.besides?.test(what)) }
  } finally {
    await load.stop()
    if (!sampled) await sampler.stop()
  }
}

/** Until so many more records are settled than now. */
export const goesOn = async (stage: Stage, what: string, { records = 1, timeoutMs = 60_000 } = {}): Promise<void> => {
  const before = await until('PostgreSQL answers', async () => (await stage.settled()) ?? null)
  const grown = async () => ((await stage.settled()) ?? 0) >= before + records
  const describe = () => stage.world.members.filter((each) => each.running()).map((each) => each.tail()).join('\n') // prettier-ignore
  await until(`${records} records are settled ${what}`, grown, { timeoutMs, describe })
}

/** It owns partitions and works. */
export const works = (member: Member) => member.logged('flushed')
