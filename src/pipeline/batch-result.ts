import type { BatchResult } from '../telemetry/events.ts'
import type { WriteResult } from './sink.ts'

export function batchResult(
  { inserted, duplicates, ignored, failed }: Omit<WriteResult, 'positions'>,
  processingTimeMs: number,
): BatchResult {
  const itemsProcessed = inserted + duplicates + ignored
  const itemsFailed = failed.length
  const status = itemsFailed === 0 ? 'success' : itemsProcessed === 0 ? 'failed' : 'partial_success'
  return { status, itemsProcessed, itemsFailed, failedItems: failed, processingTimeMs }
}
