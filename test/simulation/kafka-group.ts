// The group coordinator, after Kafka's ClassicGroup and ClassicGroupCoordinator.
import { createRequire } from 'node:module'
import { protocolError } from './kafka.ts'
import type { KafkaHooks } from './kafka.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

const load = createRequire(import.meta.url)
const { MemberAssignment } = load('kafkajs/src/consumer/assignerProtocol.js') as {
  MemberAssignment: { decode: (bytes: Buffer) => { assignment: Record<string, number[]> } | null }
}

type Joined = {
  generationId: number
  leaderId: string
  memberId: string
  members: { memberId: string; memberMetadata: Buffer }[]
  groupProtocol: string
}
type Waiter<T> = { resolve: (value: T) => void; reject: (error: Error) => void }
type Member = {
  id: string
  sessionTimeout: number
  rebalanceTimeout: number
  metadata: Buffer
  protocol: string
  seenAt: number
  joining: Waiter<Joined> | null
  syncing: Waiter<{ memberAssignment: Buffer }> | null
  assignment: Buffer
}

export type JoinRequest = {
  memberId: string
  sessionTimeout: number
  rebalanceTimeout: number
  groupProtocols: { name: string; metadata: Buffer }[]
}
type Identity = { memberId: string; groupGenerationId: number }
const NOTHING = Buffer.alloc(0)
const EXPIRY_LOOK_MS = 100

/** All that it has of the one topic. */
const partitionsOf = (assignment: Buffer): number[] => {
  if (assignment.length === 0) return []
  const decoded = MemberAssignment.decode(assignment)
  return Object.values(decoded?.assignment ?? {}).flat()
}

export const createGroup = (scheduler: Scheduler, hooks: KafkaHooks) => {
  const members = new Map<string, Member>()
  const committed = new Map<number, bigint>()
  let state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  let generation = 0
  let names = 0
  let deadline = 0

  const expire = () => {
    const now = scheduler.now()
    for (const member of members.values()) {
      if (member.joining || now - member.seenAt <= member.sessionTimeout) continue
      members.delete(member.id)
      prepare()
    }
    if (state === 'preparing' && now >= deadline) complete()
    else if (state === 'completing' && now >= deadline) {
      // Who joined and never asked for its assignment is waited for as long as for a join.
      for (const member of members.values()) if (!member.syncing) members.delete(member.id)
      prepare()
    }
    scheduler.after(EXPIRY_LOOK_MS, null, expire)
  }
  scheduler.after(EXPIRY_LOOK_MS, null, expire)

  const prepare = () => {
    for (const member of members.values()) {
      member.syncing?.reject(protocolError('REBALANCE_IN_PROGRESS'))
      member.syncing = null
    }
    if (members.size === 0) {
      state = 'empty'
      return
    }
    if (state !== 'preparing') {
      state = 'preparing'
      deadline = scheduler.now() + Math.max(...[...members.values()].map((member) => member.rebalanceTimeout))
    }
    completeIfAll()
  }
  const completeIfAll = () => {
    if (state === 'preparing' && [...members.values()].every(({ joining }) => joining)) complete()
  }
  const complete = () => {
    for (const member of members.values()) if (!member.joining) members.delete(member.id)
    const [leader] = members.keys()
    if (leader === undefined) {
      state = 'empty'
      return
    }
    generation += 1
    state = 'completing'
    deadline = scheduler.now() + Math.max(...[...members.values()].map((member) => member.rebalanceTimeout))
    hooks.trace(`generation ${generation}: ${[...members.keys()].join(' ')}`)
    const all = [...members.values()].map(({ id, metadata }) => ({ memberId: id, memberMetadata: metadata }))
    for (const member of members.values()) {
      member.seenAt = scheduler.now()
      member.joining?.resolve({
        generationId: generation,
        leaderId: leader,
        memberId: member.id,
        members: member.id === leader ? all : [],
        groupProtocol: member.protocol,
      })
      member.joining = null
    }
  }

  /** Whoever waits for an answer gets one. */
  const remove = (member: Member) => {
    members.delete(member.id)
    member.joining?.reject(protocolError('UNKNOWN_MEMBER_ID'))
    member.syncing?.reject(protocolError('UNKNOWN_MEMBER_ID'))
    prepare()
  }

  const known = ({ memberId, groupGenerationId }: Identity): Member => {
    const member = members.get(memberId)
    if (!member) throw protocolError('UNKNOWN_MEMBER_ID')
    if (groupGenerationId !== generation) throw protocolError('ILLEGAL_GENERATION')
    return member
  }

  return {
    committed,
    members: () => members.size,
    stable: () => state === 'stable',
    /** False: there is nobody. */
    evict(random: Random): boolean {
      if (members.size === 0) return false
      remove(random.pick([...members.values()]))
      return true
    },
    join({ memberId, groupProtocols, ...times }: JoinRequest): Promise<Joined> {
      const before = memberId === '' ? undefined : members.get(memberId)
      if (memberId !== '' && !before) throw protocolError('UNKNOWN_MEMBER_ID')
      const [protocol = { name: '', metadata: NOTHING }] = groupProtocols
      const id = before?.id ?? `member-${++names}`
      // A second join of the same member takes the place of the first, whose answer nobody gets.
      before?.joining?.reject(protocolError('UNKNOWN_MEMBER_ID'))
      return new Promise<Joined>((resolve, reject) => {
        members.set(id, {
          ...times,
          ...{ id, metadata: protocol.metadata, protocol: protocol.name, seenAt: scheduler.now() },
          joining: { resolve, reject },
          syncing: null,
          assignment: NOTHING,
        })
        if (state === 'preparing') completeIfAll()
        else prepare()
      })
    },
    sync(request: {
      memberId: string
      generationId: number
      groupAssignment: { memberId: string; memberAssignment: Buffer }[]
    }): { memberAssignment: Buffer } | Promise<{ memberAssignment: Buffer }> {
      const member = known({ memberId: request.memberId, groupGenerationId: request.generationId })
      member.seenAt = scheduler.now()
      if (state === 'preparing') throw protocolError('REBALANCE_IN_PROGRESS')
      if (state === 'stable') return { memberAssignment: member.assignment }
      return new Promise((resolve, reject) => {
        member.syncing = { resolve, reject }
        if (request.groupAssignment.length === 0) return
        for (const each of request.groupAssignment) {
          const target = members.get(each.memberId)
          if (target) target.assignment = each.memberAssignment
        }
        state = 'stable'
        for (const each of members.values()) {
          each.syncing?.resolve({ memberAssignment: each.assignment })
          each.syncing = null
        }
      })
    },
    heartbeat(identity: Identity) {
      const member = known(identity)
      member.seenAt = scheduler.now()
      if (state === 'preparing') throw protocolError('REBALANCE_IN_PROGRESS')
    },
    leave(memberId: string) {
      const member = members.get(memberId)
      if (member) remove(member)
    },
    commit({ topics, ...identity }: Identity & { topics: { partitions: { partition: number; offset: string }[] }[] }) {
      const member = known(identity)
      member.seenAt = scheduler.now()
      if (state === 'completing') throw protocolError('REBALANCE_IN_PROGRESS')
      const owned = partitionsOf(member.assignment)
      for (const { partition, offset } of topics.flatMap((each) => each.partitions)) {
        hooks.committed(partition, BigInt(offset), owned.includes(partition))
        committed.set(partition, BigInt(offset))
      }
    },
  }
}
