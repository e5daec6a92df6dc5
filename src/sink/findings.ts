import type { RefusedLines } from './inventory.ts'

/** What earlier tries of the same batch found out. */
export type Findings = {
  /** Lines that the quantity on hand cannot take: they become dead letters. */
  readonly overflowing: RefusedLines
  /** The lines were mapped anew, as an item was not there any more. */
  readonly remapped: boolean
  /** The database refused a row: from now on each attempt is undone by itself, until it is found. */
  readonly refused: boolean
  /** Constraints that wait for COMMIT are checked at once: there they would be nobody's fault in particular. */
  readonly immediate: boolean
}

/** Thrown out of the transaction to undo it: the ledger must not hold what the inventory cannot. */
export class AggregateOverflow extends Error {
  readonly lines: RefusedLines
  constructor(lines: RefusedLines) {
    super('the quantity on hand of an item would leave its range')
    this.lines = lines
  }
}

/** Thrown out of the transaction: a foreign key refused lines, perhaps because an item that we remember was deleted. */
export class StaleMapping extends Error {}

/** Thrown out of the transaction: a person changed mappings after the batch was mapped. */
export class MappingsChanged extends Error {}
