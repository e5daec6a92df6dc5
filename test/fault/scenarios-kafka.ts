import type { KafkaScenario, KafkaStory } from './kafka-stage.ts'
import { brokerScenarios } from './scenarios-kafka-brokers.ts'
import { logStories } from './scenarios-kafka-log.ts'
import { networkScenarios } from './scenarios-kafka-network.ts'
import { topicScenarios, topicStories } from './scenarios-kafka-topic.ts'

/** Every fault of Kafka that must be survived, in the order of the matrix. */
export const kafkaScenarios: readonly KafkaScenario[] = [
  ...brokerScenarios,
  ...networkScenarios,
  ...topicScenarios,
].toSorted((a, b) => a.number - b.number)

export const kafkaStories: readonly KafkaStory[] = [...topicStories, ...logStories]
