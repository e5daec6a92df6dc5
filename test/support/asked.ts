// What a member says of itself over HTTP, to whoever asks: an orchestrator, Prometheus, the sampler.
import type { Member } from './member.ts'

/** One that stands still, or has just begun or ended, does not answer. Without PostgreSQL /metrics takes up to 3 s. */
const ANSWER_MS = 5_000

const ask = async ({ httpPort }: Pick<Member, 'httpPort'>, path: string): Promise<Response | null> => {
  if (httpPort === null) return null
  const signal = AbortSignal.timeout(ANSWER_MS)
  return fetch(`http://127.0.0.1:${httpPort}${path}`, { signal }).catch(() => null)
}

/** The status; null: no answer. */
export const probe = async (member: Pick<Member, 'httpPort'>, path: '/health' | '/ready'): Promise<number | null> => {
  const response = await ask(member, path)
  await response?.body?.cancel().catch(() => {})
  return response?.status ?? null
}

/** The values of metrics with no labels but those of the group, now; null: it does not say. */
export const metricsOf = async (member: Pick<Member, 'httpPort'>) => {
  const text = await (await ask(member, '/metrics'))?.text().catch(() => null)
  return (name: string): number | null => {
    const found = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text ?? '')?.[1]
    return found === undefined ? null : Number(found)
  }
}

export type Held = { readonly records: number; readonly bytes: number }

export const bufferOf = async (member: Pick<Member, 'httpPort'>): Promise<Held | null> => {
  const value = await metricsOf(member)
  const [records, bytes] = [value('sluice_buffer_records'), value('sluice_buffer_bytes')]
  return records === null || bytes === null ? null : { records, bytes }
}
