// The exact moments at which the tests end, stop or block a member (test/support/failpoints). Nothing happens here, and
// nothing can make it happen: no variable, no signal, no argument is looked at. The tests start their members with a
// loader that puts another module in the place of this one.

/** In the order in which a record passes them. */
export type FailpointName =
  | 'joined'
  /** Before a fetched batch is admitted to the buffer. */
  | 'fetched'
  | 'admitted'
  | 'before_transaction'
  /** From here to before_commit the transaction is open, and holds its locks. */
  | 'offsets_locked'
  /** A refused batch is halved. */
  | 'isolating'
  | 'ledger_written'
  | 'letters_written'
  | 'inventory_written'
  | 'before_commit'
  /** Durable in PostgreSQL, Kafka does not know yet. */
  | 'after_commit'
  | 'kafka_committed'
  | 'relay_leased'
  /** The DLQ topic has the letters, the outbox does not know yet. */
  | 'relay_sent'
  | 'replay_marked'
  | 'replay_sent'
  | 'draining'

export const failpoint = (_name: FailpointName): void => {}
