import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPeer } from '../peer/connect.ts'
import { DEFAULTS, TABLE } from '../peer/modes.ts'
import { cpuOf } from '../support/cpu.ts'
import type { Base, Ground } from '../support/ground.ts'
import { startMember } from '../support/member.ts'

/** Works on a topic until stopped; `table` and `id`: where its rows come to be seen. */
export type Subject = { table: string; id: string; cpu: () => Promise<number>; stop: () => Promise<void> }
export type Open = (ground: Ground, base: Base, topic: string) => Promise<Subject>

export const openSluice =
  (env: NodeJS.ProcessEnv): Open =>
  async (ground, base, topic) => {
    const member = startMember(ground, { topic, group: `bench-${randomUUID().slice(0, 8)}`, url: base.url, env })
    // A position for each partition: it is about to fetch.
    while ((await base.query('SELECT FROM consumer_offset')).length < 4) {
      member.check()
      await sleep(20)
    }
    return { table: 'ledger_entry', id: 'event_id', cpu: () => cpuOf(member.pid), stop: () => member.stop() }
  }

export const openPeer: Open = async (ground, base, topic) => {
  const peer = await startPeer(ground, base, topic, DEFAULTS)
  await peer.ready()
  return { table: TABLE, id: 'eventid', cpu: () => cpuOf(peer.pid), stop: () => peer.stop() }
}
