import type { Config } from '../config.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import type { Group } from '../kafka/group.ts'
import type { GateStore } from '../sink/gate-store.ts'
import type { OffsetStore } from '../sink/offset-store.ts'
import type { Outbox } from '../sink/outbox.ts'
import { findingOf } from '../source/start-position.ts'
import { inWords } from '../telemetry/lag-verdict.ts'
import { type Checks, fail, type Finding, ok, warn } from './check.ts'

// What Kafka and PostgreSQL say of the group, held against each other.

export type GroupDeps = {
  readonly admin: KafkaAdmin
  readonly store: OffsetStore
  readonly gate: GateStore
  readonly outbox: Outbox
  readonly group: Group
}

/** A relay looks every 5 seconds. */
const WAITED_MS = 30_000

export function groupChecks(config: Config, { admin, store, gate, outbox, group }: GroupDeps): Checks {
  const { groupId, topic } = config
  return {
    members: async () => {
      const { members, state } = group
      const partitions = (await admin.endOffsets(topic)).size
      const found = `${members.length} on ${partitions} partition${partitions === 1 ? '' : 's'} (${state})`
      if (members.length === 0) return warn(`no member of group "${groupId}" runs`, 'start one: sluice consume')
      if (members.length > partitions) return warn(`${found}: some stand by`, 'more partitions, or fewer members')
      return ok(found)
    },
    positions: async () => {
      const rows = new Map((await store.show()).map((row) => [row.partition, row]))
      const [ends, committed, topicId] = await Promise.all([admin.endOffsets(topic), admin.committedOffsets(groupId, topic), admin.topicId(topic)]) // prettier-ignore
      const findings = [...ends].flatMap(([partition, log]) => {
        const finding = findingOf(rows.get(partition), log, committed.get(partition) ?? null, topicId)
        return finding === null ? [] : [`partition ${partition}: ${finding}`]
      })
      if (findings.length > 0)
        return fail(`members refuse to begin: ${findings.slice(0, 3).join('; ')}${findings.length > 3 ? '; …' : ''}`, 'stop the members, then decide: sluice offsets reset --to earliest, or --to kafka') // prettier-ignore
      return ok(rows.size === 0 ? 'none yet: members begin at the start of the topic' : `${rows.size} in PostgreSQL, in line with Kafka`) // prettier-ignore
    },
    gate: async () => {
      const closure = await gate.closure()
      if (!closure) return ok('open')
      const { closedAt, code, reason } = closure
      const found = `closed since ${closedAt.toISOString()} (${code}): ${reason}`
      const remedy = 'mend the cause, then: sluice resume'
      // Somebody meant it, or nobody did.
      return code === 'PAUSED' ? warn(found, remedy) : fail(found, remedy)
    },
    'dead letters to relay': async () => relayFinding(await outbox.waiting()),
  }
}

export function relayFinding({ count, oldestAgeMs }: { count: number; oldestAgeMs: number }): Finding {
  if (count === 0) return ok('none waits')
  const found = `${count.toLocaleString('en-US')} wait in PostgreSQL, the oldest for ${inWords(oldestAgeMs)}`
  if (oldestAgeMs <= WAITED_MS) return ok(found)
  return warn(found, 'start a member, or see what it logs about "dead letters"; the DLQ topic may refuse them')
}
