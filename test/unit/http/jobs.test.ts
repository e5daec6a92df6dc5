import { expect, test } from 'vitest'
import { createJobs } from '../../../src/http/jobs.ts'
import { ExitCode, OperatorError } from '../../../src/lib/operator-error.ts'

test('a job that fails by a fault of ours is in the log, one that is refused is not', async () => {
  const logged: unknown[] = []
  const jobs = createJobs({ wall: () => 0, explain: () => null, fault: (error) => void logged.push(error) })
  const failed = async (error: Error) => {
    const { id } = jobs.start('assign', 0, () => Promise.reject(error))
    await jobs.end()
    return jobs.get(id)
  }
  const unknown = new Error('a trigger of somebody')
  expect(await failed(unknown)).toMatchObject({
    state: 'failed',
    error: { remedy: expect.stringContaining('log') as string },
  })
  expect(await failed(new OperatorError('no such item', 'look again', ExitCode.usage))).toMatchObject({
    error: { message: 'no such item', remedy: 'look again' },
  })
  expect(logged).toEqual([unknown])
})

test('a correction is not stopped, and nobody is told to', async () => {
  const jobs = createJobs({ wall: () => 0, explain: () => null, fault: () => {} })
  let end = () => {}
  const { id } = jobs.start('assign', 0, async () => {
    await new Promise<void>((resolve) => (end = resolve))
    return { state: 'done', result: {} }
  })
  expect(() => jobs.stop(id)).toThrow(/not stopped/)
  expect(() => jobs.refuseSecond()).toThrow(/job .* \(assign\) is running/)
  end()
  await jobs.end()
  expect(jobs.get(id)?.state).toBe('done')
})
