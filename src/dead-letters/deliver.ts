// Sends leased letters. What the topic refuses is sent again with less of it, step by step and alone, so that one letter
// never holds up the others; what fails for another reason ends the pass, and waits.
import { codeOf, refusalOf } from '../kafka/refusal.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import { envelope, type EnvelopeRecord, type Portion, portionsOf } from './envelope.ts'
import type { HeaderCompat } from './header-text.ts'

type Failure = { readonly cause: unknown }

export type DeliveryDeps = {
  /** Per record null, when all in-sync replicas have it, or why not. In order within a partition. */
  send: (records: readonly EnvelopeRecord[]) => Promise<readonly (Failure | null)[]>
  appVersion: string
  headerCompat: HeaderCompat
}

export type Delivery = {
  readonly published: readonly DeadLetterRow[]
  /** Not even the least of it was taken. */
  readonly refused: readonly { readonly letter: DeadLetterRow; readonly code: string }[]
  readonly unsent: readonly DeadLetterRow[]
  /** Why there are unsent ones. */
  readonly failure: Failure | null
}

export async function deliver(letters: readonly DeadLetterRow[], deps: DeliveryDeps): Promise<Delivery> {
  const results = await deps.send(letters.map((letter) => envelope(letter, { ...deps, portion: 'full', dated: true })))
  const published: DeadLetterRow[] = []
  const refused: { letter: DeadLetterRow; code: string }[] = []
  const unsent: DeadLetterRow[] = []
  let failure: Failure | null = null
  // What follows a failed record in its partition was not tried, and has the same result: so the order stays.
  let stuck = false
  for (const [i, letter] of letters.entries()) {
    const first = results[i] ?? null
    const isRefused = first !== null && refusalOf(first.cause) !== null
    const outcome = isRefused && !stuck ? await sendAlone(letter, deps) : first
    if (outcome === null) published.push(letter)
    else if (isRefused && !stuck && refusalOf(outcome.cause)) refused.push({ letter, code: codeOf(outcome.cause) })
    else {
      unsent.push(letter)
      if (isRefused) stuck = true
      if (!isRefused || outcome !== first) failure ??= outcome
    }
  }
  return { published, refused, unsent, failure }
}

async function sendAlone(letter: DeadLetterRow, deps: DeliveryDeps): Promise<Failure | null> {
  // A broker refuses times too far ahead or behind; the header has it anyway.
  let dated = true
  let failure: Failure | null = null
  for (const portion of portionsOf(letter)) {
    failure = await sendPortion(letter, portion, dated, deps)
    if (dated && failure && refusalOf(failure.cause) === 'timestamp') {
      dated = false
      failure = await sendPortion(letter, portion, dated, deps)
    }
    if (failure === null || refusalOf(failure.cause) === null) return failure
  }
  return failure
}

async function sendPortion(letter: DeadLetterRow, portion: Portion, dated: boolean, deps: DeliveryDeps) {
  const [failure] = await deps.send([envelope(letter, { ...deps, portion, dated })])
  return failure ?? null
}
