// A member writes small batches of the same user; what does it feel while a million rows move?
import pg from 'pg'
import { execa } from 'execa'
import { openSink, startAt, lineItem, batchOf, linesAt } from '/work/wmapcli/test/support/sink.ts'
const url = process.env.DATABASE_URL!
const open = openSink(url)
await startAt(open, [0])
let off = BigInt((await open.offsets.load([0])).get(0)!.nextOffset)
let ended = false
const took: [number, number][] = []
const begin = performance.now()
const loop = (async () => { while (!ended) { const t = performance.now(); const lines = Array.from({ length: 50 }, (_, i) => lineItem({ userId: 'u-1', sku: i % 2 ? '85123A' : 'LAMP', description: null, quantity: '1' }))
  await open.sink.write(batchOf(linesAt(0, off, lines))); off += 50n; took.push([t - begin, performance.now() - t]) } })()
const stat = (from: number, to: number) => { const s = took.filter(([t]) => t >= from && t < to).map(([, d]) => d).sort((a, b) => a - b); return `n ${s.length} p50 ${s[s.length >> 1]?.toFixed(0)} p99 ${s[Math.floor(s.length * 0.99)]?.toFixed(0)} max ${s.at(-1)?.toFixed(0)} ms` }
await new Promise(r => setTimeout(r, 8000))
const run = async (...args: string[]) => { const a = performance.now() - begin; const r = await execa('node_modules/.bin/tsx', ['--no-warnings', 'src/main.ts', 'mapping', ...args], { cwd: '/work/wmapcli', env: { DATABASE_URL: url }, reject: false }); const b = performance.now() - begin
  console.log(args.join(' '), '→', r.exitCode, ((b - a) / 1000).toFixed(1), 's;', String(r.stdout).split('\n').slice(0, 2).join(' | '), r.stderr); console.log('   member meanwhile:', stat(a, b)) }
console.log('alone:', stat(0, 8000))
await run('assign', 'u-1', '85123A', '--to', 'LAMP', '--dry-run')
await run('assign', 'u-1', '85123A', '--to', 'LAMP', '--yes')
await run('undo', 'u-1', '--yes')
await run('merge', 'u-1', 'item:1', 'item:2', '--yes')
await run('assign', 'u-1', 'White hanging heart', '--to', 'item:3', '--yes')
ended = true; await loop; await open.close()
const c = new pg.Client({ connectionString: url }); await c.connect()
console.log((await c.query('select i.item_id, i.quantity, l.q, l.n from inventory i full join (select item_id, sum(quantity) q, count(*) n from ledger_entry group by 1) l using (item_id)')).rows); await c.end()
