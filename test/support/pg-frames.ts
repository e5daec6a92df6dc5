// Just enough of PostgreSQL's protocol to know which statement a client sends: the beginning of each Query and Parse
// message, however the bytes are cut into pieces.

const SHOWN_BYTES = 200
const HEADER_BYTES = 5

/** Returns a function that takes the client's bytes and gives the beginnings of the statements that began in them. */
export const createStatementReader = () => {
  let started = false
  let pending = Buffer.alloc(0)
  /** Bytes of a message already looked at, that are still to come. */
  let skip = 0

  return (bytes: Buffer): string[] => {
    const statements: string[] = []
    pending = Buffer.concat([pending, bytes])
    for (;;) {
      const skipped = Math.min(skip, pending.length)
      skip -= skipped
      pending = pending.subarray(skipped)
      // The first message has no type byte.
      const header = started ? HEADER_BYTES : HEADER_BYTES - 1
      if (skip > 0 || pending.length < header) return statements
      const length = pending.readUInt32BE(header - 4) + header - 4
      const shown = Math.min(length, SHOWN_BYTES)
      if (pending.length < shown) return statements
      const type = started ? String.fromCharCode(pending[0]!) : ''
      if (type === 'Q' || type === 'P') statements.push(pending.toString('latin1', header, shown).replaceAll('\0', ''))
      started = true
      skip = length
    }
  }
}
