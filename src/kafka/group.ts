// Who is in a group now, as its coordinator says.
import kafkajs, { type Admin } from 'kafkajs'

export type GroupMember = {
  readonly memberId: string
  readonly clientId: string
  readonly host: string
  /** Of the topic that was asked about. */
  readonly partitions: readonly number[]
}
export type Group = {
  /** Kafka's words: Stable, PreparingRebalance, CompletingRebalance, Empty, Dead. */
  readonly state: string
  readonly members: readonly GroupMember[]
}

/** A group that nobody has made is Dead, without members. One that was killed counts until its session time-out. */
export async function describeGroup(admin: Admin, groupId: string, topic: string): Promise<Group> {
  const group = (await admin.describeGroups([groupId])).groups[0]
  const members = (group?.members ?? []).map(({ memberId, clientId, clientHost, memberAssignment }) => ({
    ...{ memberId, clientId, host: clientHost.replace(/^\//, '') },
    partitions: partitionsOf(memberAssignment, topic),
  }))
  return { state: group?.state ?? 'Dead', members }
}

/** Empty during a rebalance, and of a member that speaks another protocol. */
function partitionsOf(assignment: Buffer, topic: string): number[] {
  if (assignment.length === 0) return []
  const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(assignment)
  return [...(decoded?.assignment[topic] ?? [])].sort((a, b) => a - b)
}
