// Faults, one every second or so of simulated time.
import type { createProducer } from './producer.ts'
import type { SimulatedMember, World } from './member.ts'

type Deps = {
  world: World
  members: SimulatedMember[]
  start: () => unknown
  producer: ReturnType<typeof createProducer>
  note: (fault: string) => void
  drain: (member: SimulatedMember) => void
  failOver: () => void
}

const SQLSTATES = ['40001', '40P01', '55P03', '57014', '53300', '08006', '25006', '53200']

export const createNemesis = ({ world, members, start, producer, note, drain, failOver }: Deps) => {
  const { scheduler, kafka, postgres } = world
  const { random } = scheduler
  let going = false
  const some = () => {
    const running = members.filter(({ owner, ended }) => owner.state === 'alive' && !ended)
    return running.length > 0 ? random.pick(running) : null
  }
  const later = (least: number, most: number, work: () => void) =>
    scheduler.after(random.between(least, most), null, () => going && work())

  const faults: Record<string, () => void> = {
    kill() {
      const member = some()
      if (!member) return
      scheduler.kill(member.owner)
      members.splice(members.indexOf(member), 1)
      // Its socket is closed by the kernel; what it had sent is done first, or never was.
      scheduler.after(random.between(0, 20), null, () => postgres.disconnect(member.owner))
      scheduler.after(random.between(50, 2_000), null, start)
    },
    stop() {
      const member = some()
      if (!member) return
      scheduler.stop(member.owner)
      later(200, 8_000, () => scheduler.cont(member.owner))
    },
    drain() {
      const member = some()
      if (member) drain(member)
    },
    join: () => members.length < 4 && start(),
    publish: () => producer.publish(5 + random.below(30)),
    evict: () => kafka.group.evict(random),
    'leader moves': () => kafka.moveLeader(random.below(kafka.log.length)),
    'partition added': () => kafka.log.length < 5 && kafka.addPartition(),
    'Kafka down': () => kafka.goDown(random.between(100, 2_500)),
    'Kafka slow': () => kafka.slow(random.between(50, 900)),
    'coordinator moves': () => kafka.failCoordinator('NOT_COORDINATOR', random.between(50, 1_500)),
    'coordinator loads': () => kafka.failCoordinator('COORDINATOR_LOADING', random.between(50, 1_000)),
    'PostgreSQL down': () => postgres.restart(random.between(50, 5_000)),
    'PostgreSQL slow': () => void (postgres.faults.slow = [5, random.between(50, 700)]),
    'PostgreSQL quick': () => void (postgres.faults.slow = [1, 10]),
    'statement fails': () => void (postgres.faults.next = [random.pick(SQLSTATES)]),
    'statements time out': () => void (postgres.faults.next = ['57014', '57014', '57014']),
    'COMMIT lost': () =>
      void (postgres.faults.commitFate = once(postgres.faults, random.chance(0.5) ? 'lost' : 'unanswered')),
    'row locked': () =>
      postgres.lockFor(`consumer_offset ${random.below(kafka.log.length)}`, random.between(50, 5_000)),
    'stock locked': () => postgres.lockFor(`inventory ${1 + random.below(4)}`, random.between(50, 5_000)),
    'gate closed': () => {
      postgres.setGate(true)
      later(500, 4_000, () => postgres.setGate(false))
    },
    'fail-over': () => random.chance(0.3) && failOver(),
  }

  const strike = () => {
    if (!going) return
    const name = random.pick(Object.keys(faults))
    note(name)
    faults[name]?.()
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

/** The next COMMIT only. */
const once = (faults: { commitFate: () => 'done' | 'lost' | 'unanswered' }, fate: 'lost' | 'unanswered') => () => {
  faults.commitFate = () => 'done'
  return fate
}
