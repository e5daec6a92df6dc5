// Faults, one every second or so of simulated time. A fault that is tried may meet nobody (no member is up, nobody waits for the
// row, the next COMMIT never comes): it counts when it has struck, and who plays the seeds asks for so many of each.
import type { Struck } from './kafka.ts'
import type { createProducer } from './producer.ts'
import type { SimulatedMember, World } from './member.ts'

type Deps = {
  world: World
  members: SimulatedMember[]
  /** False: not now. */
  start: () => boolean
  producer: ReturnType<typeof createProducer>
  tried: (fault: FaultName) => void
  struck: (fault: FaultName) => void
  drain: (member: SimulatedMember) => void
  /** False: nothing was lost. */
  failOver: () => boolean
}

// prettier-ignore
export const FAULTS = [
  'kill', 'stop', 'drain', 'join', 'publish', 'evict', 'leader moves', 'partition added', 'Kafka down', 'Kafka slow',
  'coordinator moves', 'coordinator loads', 'PostgreSQL down', 'PostgreSQL slow', 'PostgreSQL quick', 'statement fails',
  'statements time out', 'COMMIT lost', 'COMMIT unanswered', 'row locked', 'stock locked', 'gate closed', 'fail-over',
] as const
export type FaultName = (typeof FAULTS)[number]

const SQLSTATES = ['40001', '40P01', '55P03', '57014', '53300', '08006', '25006', '53200']
const MAX_MEMBERS = 4
const MAX_PARTITIONS = 5

export const createNemesis = ({ world, members, start, producer, drain, failOver, ...deps }: Deps) => {
  const { scheduler, kafka, postgres } = world
  const { random } = scheduler
  let going = false
  const later = (least: number, most: number, work: () => void) =>
    scheduler.after(random.between(least, most), null, () => going && work())
  /** To one of those that are up; there may be none. */
  const toOne = (work: (member: SimulatedMember, struck: Struck) => void) => (struck: Struck) => {
    const running = members.filter(({ owner, ended }) => owner.state === 'alive' && !ended)
    if (running.length > 0) work(random.pick(running), struck)
  }
  const lastOf = (codes: readonly string[], struck: Struck) =>
    codes.map((code, index) => ({ code, struck: index === codes.length - 1 ? struck : () => {} }))

  const faults: Record<FaultName, (struck: Struck) => void> = {
    kill: toOne((member, struck) => {
      scheduler.kill(member.owner)
      members.splice(members.indexOf(member), 1)
      // Its socket is closed by the kernel; what it had sent is done first, or never was.
      scheduler.after(random.between(0, 20), null, () => postgres.disconnect(member.owner))
      scheduler.after(random.between(50, 2_000), null, start)
      struck()
    }),
    stop: toOne((member, struck) => {
      scheduler.stop(member.owner, struck)
      later(200, 8_000, () => scheduler.cont(member.owner))
    }),
    drain: toOne((member, struck) => {
      drain(member)
      struck()
    }),
    join(struck) {
      if (members.length < MAX_MEMBERS && start()) struck()
    },
    publish(struck) {
      producer.publish(5 + random.below(30))
      struck()
    },
    evict(struck) {
      if (kafka.group.evict(random)) struck()
    },
    'leader moves': (struck) => kafka.moveLeader(random.below(kafka.log.length), struck),
    'partition added'(struck) {
      if (kafka.log.length >= MAX_PARTITIONS) return
      kafka.addPartition()
      struck()
    },
    'Kafka down': (struck) => kafka.goDown(random.between(100, 2_500), struck),
    'Kafka slow': (struck) => kafka.slow(random.between(50, 900), struck),
    'coordinator moves': (struck) => kafka.failCoordinator('NOT_COORDINATOR', random.between(50, 1_500), struck),
    'coordinator loads': (struck) => kafka.failCoordinator('COORDINATOR_LOADING', random.between(50, 1_000), struck),
    'PostgreSQL down': (struck) => postgres.restart(random.between(50, 5_000), struck),
    'PostgreSQL slow': (struck) => void (postgres.faults.slow = { between: [5, random.between(50, 700)], struck }),
    'PostgreSQL quick'(struck) {
      if (postgres.faults.slow) struck()
      postgres.faults.slow = null
    },
    'statement fails': (struck) => void (postgres.faults.next = lastOf([random.pick(SQLSTATES)], struck)),
    'statements time out': (struck) => void (postgres.faults.next = lastOf(['57014', '57014', '57014'], struck)),
    'COMMIT lost': (struck) => void (postgres.faults.commit = { fate: 'lost', struck }),
    'COMMIT unanswered': (struck) => void (postgres.faults.commit = { fate: 'unanswered', struck }),
    'row locked': (struck) =>
      postgres.lockFor(`consumer_offset ${random.below(kafka.log.length)}`, random.between(50, 5_000), struck),
    'stock locked': (struck) => postgres.lockFor(`inventory ${1 + random.below(4)}`, random.between(50, 5_000), struck),
    'gate closed'(struck) {
      postgres.closeGate(struck)
      later(500, 4_000, () => postgres.openGate())
    },
    'fail-over'(struck) {
      if (random.chance(0.5) && failOver()) struck()
    },
  }

  const strike = () => {
    if (!going) return
    const name = random.pick(FAULTS)
    let counted = false
    deps.tried(name)
    faults[name](() => {
      if (!counted) deps.struck(name)
      counted = true
    })
    scheduler.after(random.between(20, 1_500), null, strike)
  }
  return {
    begin() {
      going = true
      scheduler.after(random.between(0, 1_000), null, strike)
    },
    end() {
      going = false
    },
  }
}
