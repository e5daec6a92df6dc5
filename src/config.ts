// placeholder until the schema lands; see design §12
export type KafkaConfig = {
  brokers: string[]
  clientId: string
  securityProtocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  sasl: { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string } | null
  ssl: { ca: string | null; cert: string | null; key: string | null; keyPassphrase: string | null } | null
}

export type Config = {
  kafka: KafkaConfig
  groupId: string
  topic: string
  dlqTopic: string
  databaseUrl: string
  databasePoolSize: number
  prismaWriter: 'fast' | 'stock'
  bufferMaxRecords: number
  bufferMaxBytes: number
  flushMaxRecords: number
  flushMaxBytes: number
  flushMinAgeMs: number
  flushMaxAgeMs: number
  flushTargetMs: number
  flushLanes: number
  shutdownTimeoutMs: number
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
}
