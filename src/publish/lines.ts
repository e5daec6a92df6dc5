/** One line without its end; `bytes === null`: longer than the limit, skipped up to its end. */
export type Line = { readonly line: number; readonly bytes: Buffer | null }

const LF = 0x0a
const CR = 0x0d

const withoutCr = (bytes: Buffer): Buffer => (bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes)

/**
 * Splits chunks into lines, some per chunk. Memory is bounded by maxBytes and one chunk. Pieces of a line are joined once,
 * at its end: joining at each chunk would be quadratic.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  let pieces: Buffer[] = []
  let size = 0
  let line = 0
  const take = (tail: Buffer): Line => {
    line++
    const whole = pieces.length === 0 ? tail : Buffer.concat([...pieces, tail])
    const tooLong = size + tail.length > maxBytes
    pieces = []
    size = 0
    return { line, bytes: tooLong ? null : withoutCr(whole) }
  }
  for await (const chunk of chunks) {
    const found: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      found.push(take(chunk.subarray(start, end)))
      start = end + 1
    }
    size += chunk.length - start
    if (size > maxBytes) pieces = []
    else if (start < chunk.length) pieces.push(chunk.subarray(start))
    if (found.length > 0) yield found
  }
  if (size > 0) yield [take(Buffer.alloc(0))]
}
