import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatOf, openInput } from '../../../src/publish/input.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-input-'))
})
afterAll(() => rm(folder, { recursive: true }))

const never = new AbortController().signal
const open = async (bytes: Buffer, name = 'file') => {
  await writeFile(join(folder, name), bytes)
  return openInput({ file: join(folder, name), stdin: process.stdin, signal: never })
}
const read = async (chunks: AsyncIterable<Buffer>, into: Buffer[] = []): Promise<string> => {
  for await (const chunk of chunks) into.push(chunk)
  return Buffer.concat(into).toString()
}
// Does not compress well: a cut file has lost something.
const LINES = Array.from({ length: 40_000 }, (_, index) => `${index} ${Math.imul(index, 0x9e3779b1) >>> 0}\n`).join('')

test('gzip is known by its first bytes, not by its name', async () => {
  const input = await open(gzipSync(LINES), 'plain.csv')
  expect(await read(input.chunks)).toBe(LINES)
  expect(input.bytesRead()).toBe(input.size)
})

test('several gzip members in one file are read as one', async () => {
  expect(await read((await open(Buffer.concat([gzipSync('a\n'), gzipSync('b\n')]))).chunks)).toBe('a\nb\n')
})

test('a gzip file that is cut off gives what it held, then says that it is cut off', async () => {
  const whole = gzipSync(LINES)
  const got: Buffer[] = []
  await expect(read((await open(whole.subarray(0, whole.length / 2))).chunks, got)).rejects.toThrow('cut off')
  const text = Buffer.concat(got).toString()
  expect(LINES.startsWith(text)).toBe(true)
  expect(text.length).toBeGreaterThan(LINES.length * 0.4)
})

test('a pipe is read like a file; its size is unknown', async () => {
  const input = await openInput({ file: '-', stdin: Readable.from([gzipSync(LINES)]), signal: never })
  expect(input.size).toBeNull()
  expect(await read(input.chunks)).toBe(LINES)
})

test('what cannot be read is told before anything is sent', async () => {
  await expect(openInput({ file: join(folder, 'none'), stdin: process.stdin, signal: never })).rejects.toThrow('ENOENT')
  await expect(openInput({ file: folder, stdin: process.stdin, signal: never })).rejects.toThrow('is a directory')
  await expect(open(Buffer.from('\ufeffa,b', 'utf16le'))).rejects.toThrow('UTF-16')
  await expect(open(Buffer.from('PK\x03\x04rest'))).rejects.toThrow('workbook')
})

test('the format follows --format, else the name', () => {
  expect(['a.csv', 'b.tsv.gz', 'c.jsonl', 'd.NDJSON.gz', 'e.json'].map((name) => formatOf(name, undefined))).toEqual([
    'csv',
    'csv',
    'ndjson',
    'ndjson',
    'json',
  ])
  expect(formatOf('-', 'csv')).toBe('csv')
  expect(() => formatOf('-', undefined)).toThrow('does not tell the format')
})
