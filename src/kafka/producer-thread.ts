// The thread of threaded-producer.ts. Errors cross as text: what a person can mend keeps its remedy.
import { parentPort, workerData } from 'node:worker_threads'
import type { KafkaConfig } from '../config.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createLog } from '../telemetry/log.ts'
import { type PackedRecords, unpack } from './packed-records.ts'
import { createProducer } from './producer.ts'

export type Request = { readonly id: number } & (
  | { readonly type: 'connect' | 'disconnect'; readonly topic?: never; readonly packed?: never }
  | { readonly type: 'send'; readonly topic: string; readonly packed: PackedRecords }
)
export type Answer = {
  readonly id: number
  readonly fault?: { readonly message: string; readonly remedy: string | null; readonly exitCode: ExitCode }
}

const producer = createProducer(workerData as KafkaConfig, createLog('silent'))

function run(request: Request): Promise<void> {
  switch (request.type) {
    case 'connect':
      return producer.connect()
    case 'disconnect':
      return producer.disconnect()
    case 'send':
      return producer.send(request.topic, unpack(request.packed))
  }
}

function faultOf(error: unknown): Answer['fault'] {
  if (error instanceof OperatorError) return { message: error.message, remedy: error.remedy, exitCode: error.exitCode }
  return { message: error instanceof Error ? error.message : String(error), remedy: null, exitCode: ExitCode.fatal }
}

parentPort?.on('message', (request: Request) => {
  const { id } = request
  run(request).then(
    () => parentPort?.postMessage({ id } satisfies Answer),
    (error: unknown) => parentPort?.postMessage({ id, fault: faultOf(error) }),
  )
})
