// The look-up of a new text among a million of one user, on real PostgreSQL: the statement that `sluice consume` sends, inside a
// transaction as it sends it. Beside it an empty statement, which shows what the machine adds by itself.
import { once } from 'node:events'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { createKeyReader } from '../../src/line-items/match-keys.ts'
import { createMatcher } from '../../src/line-items/matcher.ts'
import { textKey } from '../../src/line-items/vendor-key.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { lockUsers } from '../../src/sink/mapping-statements.ts'
import { findProposals, matchKeysOf } from '../../src/sink/match-statements.ts'
import { type Random, seeded } from './random.ts'
import { VARIANTS } from './variants.ts'

const USER = 'one-user'
const WORDS = 4_000
const ROUNDS = 500

export type Lookups = {
  readonly items: number
  readonly indexBytes: number
  readonly asked: number
  readonly proposed: number
  readonly found: number
  readonly lookup: readonly number[]
  readonly empty: readonly number[]
}

/** Made-up words, the first ones far more frequent than the last (as in language: rank times frequency is constant). */
function textsOf(count: number, random: Random): string[] {
  const words = new Set<string>()
  const syllable = () =>
    random.pick([...'BCDFGHKLMNPRSTVW']) + random.pick(['A', 'E', 'I', 'O', 'U', 'AN', 'ER', 'IL', 'OT'])
  while (words.size < WORDS) words.add(Array.from({ length: 2 + random.below(3) }, syllable).join(''))
  const list = [...words]
  const word = () => list[Math.floor(WORDS ** random.next()) - 1] ?? 'SET'
  const texts = new Set<string>()
  while (texts.size < count) {
    const some = Array.from({ length: 3 + random.below(4) }, word)
    texts.add((random.below(5) === 0 ? ['SET OF', String(1 + random.below(24)), ...some] : some).join(' '))
  }
  return [...texts]
}

export async function measureLookups(url: string, items: number): Promise<Lookups> {
  const random = seeded(20261127)
  const texts = textsOf(items, random)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const database = createDatabase({ url, poolSize: 1, writer: 'fast' })
  try {
    await load(client, texts)
    const { rows } = await client.query<{ bytes: string }>("SELECT pg_relation_size('item_mapping_match') AS bytes")
    const kinds = Object.values(VARIANTS)
    const seen = { lookup: [] as number[], empty: [] as number[], asked: 0, proposed: 0, found: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const text = random.pick(texts)
      const varied = random.pick(kinds)(text, random)
      const vendorKey = varied === null ? null : textKey(varied)
      if (varied === null || vendorKey === null || vendorKey === textKey(text)) continue
      await database.transaction(async (tx) => {
        await lockUsers(tx, [USER])
        const begun = performance.now()
        await tx.$queryRawUnsafe('SELECT 1 AS one')
        const between = performance.now()
        const proposals = await findProposals(tx, [{ userId: USER, vendorKey, text: varied }], createKeyReader())
        seen.lookup.push(performance.now() - between)
        seen.empty.push(between - begun)
        seen.asked++
        seen.proposed += proposals.texts.length
        const [best] = createMatcher(proposals.texts, proposals.words).match(USER, varied)
        if (best?.vendorKey === textKey(text)) seen.found++
      })
    }
    return { items, indexBytes: Number(rows[0]?.bytes ?? 0), ...seen }
  } finally {
    await Promise.all([client.end(), database.close()])
  }
}

/** The tables as `sluice consume` leaves them, the index made last: ten times as fast. */
async function load(client: pg.Client, texts: readonly string[]): Promise<void> {
  const [{ indexdef = '' } = {}] = (await client.query<{ indexdef: string }>("SELECT indexdef FROM pg_indexes WHERE indexname = 'item_mapping_match'")).rows // prettier-ignore
  await client.query('DROP INDEX item_mapping_match')
  await client.query(`INSERT INTO item (id, user_id, name) SELECT id, '${USER}', 'item' FROM generate_series(1, ${texts.length}) AS id`) // prettier-ignore
  const stream = client.query(from('COPY item_mapping (user_id, vendor_key, item_id, method, source_text, rule_version, match_keys) FROM STDIN')) // prettier-ignore
  for (const [index, text] of texts.entries()) {
    const vendorKey = textKey(text) ?? ''
    const keys = matchKeysOf({ userId: USER, vendorKey, text }, 'created', createKeyReader()) ?? []
    const row = [USER, vendorKey, index + 1, 'created', text, 2, `{${keys.join(',')}}`].join('\t')
    if (!stream.write(`${row}\n`)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'finish')
  await client.query(`INSERT INTO item_word SELECT user_id, word, count(*) FROM item_mapping,
    unnest(string_to_array(substr(vendor_key, 6), ' ')) AS word GROUP BY 1, 2`)
  await client.query("SET maintenance_work_mem = '512MB'")
  await client.query(indexdef)
  await client.query('ANALYZE item, item_mapping, item_word')
}
