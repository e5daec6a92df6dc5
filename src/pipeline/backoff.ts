const BASE_MS = 100
const CAP_MS = 2_000

/**
 * Milliseconds to wait before try `attempt` + 1 (attempt ≥ 1): exponential with full jitter in its upper half. The cap
 * keeps "working again within 5 s of the database's return" true.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt - 1, 10))
  return ceiling / 2 + (random() * ceiling) / 2
}
