// What Kafka forgets of the group, and what the log holds that is no record: markers of transactions, offsets that are gone.
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { moveLeaders, nextLeaders } from '../support/own-kafka-leaders.ts'
import { until } from '../support/until.ts'
import { alterTopic } from '../support/world.ts'
import type { KafkaStage, KafkaStory } from './kafka-stage.ts'
import { newEvents, proveAll, recordsOf, sendNew, stopped } from './kafka-topic-steps.ts'
import { exactly, matches } from './play.ts'
import { startTransactions } from './transactions.ts'

const groupDeleted: KafkaStory = {
  ...{ number: 32, name: 'group-deleted' },
  what: 'the group is deleted with all its commits while the member is stopped and records come: it goes on where PostgreSQL stands',
  async tell(stage) {
    const { kafka, world } = stage
    const first = stage.start()
    await sendNew(stage, 0)
    await world.drained()
    const code = await stopped(first)
    const before = await world.standing()
    await kafka.asAdmin((admin) => admin.deleteGroups([world.config.groupId]))
    await sendNew(stage, 1)
    const next = stage.start()
    await world.drained()
    const begun = next.lines('position loaded')
    return []
  },
}
