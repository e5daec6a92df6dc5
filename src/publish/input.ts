import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { FileFault } from './row.ts'

export const FORMATS = ['ndjson', 'json', 'csv'] as const
export type Format = (typeof FORMATS)[number]

export type Input = {
  /** Decompressed bytes. */
  readonly chunks: AsyncIterable<Buffer>
  /** Bytes on disk (compressed, if so), null for a pipe. */
  readonly size: number | null
  /** Bytes read so far, in the same unit. */
  readonly bytesRead: () => number
}

export type InputOptions = {
  readonly file: string
  readonly stdin: NodeJS.ReadableStream
  readonly signal: AbortSignal
}

const CHUNK = 256 * 1024

/** By --format, else by the name; a pipe has none. */
export const formatOf = (file: string, given: string | undefined): Format => {
  const name = given ?? /\.(\w+?)(?:\.gz)?$/.exec(file.toLowerCase())?.[1] ?? ''
  const format =
    FORMATS.find((known) => known === name) ?? ({ jsonl: 'ndjson', tsv: 'csv' } as const)[name as 'jsonl' | 'tsv']
  if (format !== undefined) return format
  throw new OperatorError(
    given === undefined ? `the name ${file} does not tell the format` : `--format ${given}: no such format`,
    `give --format ${FORMATS.join('|')}`,
    ExitCode.usage,
  )
}

const isGzip = (first: Buffer): boolean => first[0] === 0x1f && first[1] === 0x8b

const refuseForeign = (first: Buffer): void => {
  const utf16 = (first[0] === 0xff && first[1] === 0xfe) || (first[0] === 0xfe && first[1] === 0xff)
  if (utf16) throw new OperatorError('the file is UTF-16', 'save it as UTF-8', ExitCode.usage)
  if (first.subarray(0, 4).equals(Buffer.from('PK\x03\x04')))
    throw new OperatorError(
      'the file is a zip archive or a workbook',
      'publish the file inside it, or save it as CSV',
      ExitCode.usage,
    )
}

/**
 * Decompresses by hand, chunk by chunk: a pipeline would throw away what was decompressed before the file breaks off.
 */
async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzipped = createGunzip({ chunkSize: CHUNK })
  const ready: Buffer[] = []
  const broken: { error?: Error } = {}
  gunzipped.on('data', (chunk: Buffer) => ready.push(chunk))
  gunzipped.on('error', (error) => (broken.error = error))
  const settled = new Promise<void>((resolve) => gunzipped.once('close', resolve))
  for await (const chunk of chunks) {
    await Promise.race([new Promise<void>((resolve) => gunzipped.write(chunk, () => resolve())), settled])
    yield* ready.splice(0)
    if (broken.error !== undefined) break
  }
  if (broken.error === undefined) gunzipped.end()
  await settled
  yield* ready.splice(0)
  if (broken.error !== undefined)
    throw new FileFault(`the gzip file is damaged or cut off (${broken.error.message})`, null, { cause: broken.error })
}

async function* withFirst(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

const openFile = async (file: string): Promise<{ stream: AsyncIterable<unknown>; size: number | null }> => {
  try {
    const opened = await open(file)
    const stat = await opened.stat()
    if (stat.isDirectory()) throw new OperatorError(`${file} is a directory`, 'give a file', ExitCode.usage)
    return { stream: opened.createReadStream({ highWaterMark: CHUNK }), size: stat.isFile() ? stat.size : null }
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new OperatorError(`cannot read ${file} (${code})`, 'check the path and its permissions', ExitCode.usage, {
      cause: error,
    })
  }
}

/** Opens FILE, or the pipe for `-`. Gzip is known by its first bytes, whatever the name. */
export const openInput = async ({ file, stdin, signal }: InputOptions): Promise<Input> => {
  const { stream, size } = file === '-' ? { stream: stdin as AsyncIterable<unknown>, size: null } : await openFile(file)
  let bytes = 0
  async function* read(): AsyncGenerator<Buffer> {
    const stop = (): void => void (stream as { destroy?: (error: Error) => void }).destroy?.(new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    try {
      for await (const chunk of stream) {
        const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string)
        bytes += piece.length
        yield piece
      }
    } catch (error) {
      throw new FileFault(`reading broke off: ${(error as Error).message}`, null, { cause: error })
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
  const source = read()
  const head = await source.next()
  const first = head.done === true ? Buffer.alloc(0) : head.value
  refuseForeign(first)
  const whole = withFirst(first, source)
  return { chunks: isGzip(first) ? gunzip(whole) : whole, size, bytesRead: () => bytes }
}
