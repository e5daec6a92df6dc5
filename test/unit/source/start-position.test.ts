import { describe, expect, test } from 'vitest'
import { ExitCode, OperatorError } from '../../../src/lib/operator-error.ts'
import { type BrokerView, type PositionStore, startPositions } from '../../../src/source/start-position.ts'

type Row = { nextOffset: bigint; topicId: string | null }
type Facts = {
  rows?: Record<number, Row>
  bounds?: Record<number, { low: bigint; high: bigint }>
  committed?: Record<number, bigint | null>
  topicId?: string | null
}

const mapOf = <V>(found: Record<number, V> = {}) =>
  new Map(Object.entries(found).map(([key, value]) => [Number(key), value]))

/** A table of rows, and what the brokers say; both may be changed while a look is under way. */
const world = ({ rows, bounds = { 0: { low: 0n, high: 100n } }, committed = {}, topicId = 'id-1' }: Facts) => {
  const table = mapOf(rows)
  const facts = { bounds, committed, topicId }
  const inserts: { partition: number; nextOffset: bigint; topicId: string | null }[] = []
  const store: PositionStore = {
    load: async (partitions) => new Map([...table].filter(([partition]) => partitions.includes(partition))),
    async insertIfAbsent(wanted) {
      for (const { partition, ...row } of wanted) {
        inserts.push({ partition, ...row })
        if (!table.has(partition)) table.set(partition, row)
      }
    },
  }
  const broker: BrokerView = {
    topicId: async () => facts.topicId,
    bounds: async () => mapOf(facts.bounds),
    committed: async () => mapOf(facts.committed),
  }
  let confirmed = 0
  const begin = (partitions: readonly number[] = [0], confirm: () => void = () => {}) =>
    startPositions(partitions, {
      ...{ store, broker },
      async confirm() {
        confirmed += 1
        confirm()
      },
    })
  return { store, broker, table, facts, inserts, begin, confirmed: () => confirmed }
}

const refused = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(OperatorError)
  const { message, remedy, exitCode } = error as OperatorError
  expect(exitCode).toBe(ExitCode.fatal)
  expect(remedy).toContain('sluice offsets reset')
  return message
}

describe('with a row', () => {
  test.each([
    ['Kafka knows of no commit', null],
    ['Kafka is behind', 10n],
    ['Kafka is ahead', 90n],
  ])('the row decides when %s', async (_, kafka) => {
    const { begin, inserts, confirmed } = world({
      rows: { 0: { nextOffset: 42n, topicId: 'id-1' } },
      committed: { 0: kafka },
    })
    expect(await begin()).toEqual(new Map([[0, { position: 42n, kafka }]]))
    expect(inserts).toEqual([])
    expect(confirmed()).toBe(0)
  })

  test.each([
    ['at the first record that is still there', 30n],
    ['at the end', 100n],
  ])('a position %s is well', async (_, nextOffset) => {
    const { begin } = world({ rows: { 0: { nextOffset, topicId: 'id-1' } }, bounds: { 0: { low: 30n, high: 100n } } })
    expect(await begin()).toEqual(new Map([[0, { position: nextOffset, kafka: null }]]))
  })

  test.each([
    ['the row has no topic id', null, 'id-2'],
    ['the brokers tell none', 'id-1', null],
  ])('nothing is said of the topic when %s', async (_, stored, told) => {
    const { begin } = world({ rows: { 0: { nextOffset: 42n, topicId: stored } }, topicId: told })
    expect((await begin()).get(0)?.position).toBe(42n)
  })

  test('another topic id: made again', async () => {
    const { begin, confirmed } = world({ rows: { 0: { nextOffset: 42n, topicId: 'id-0' } } })
    expect(await refused(begin())).toBe(
      'partition 0: the topic was deleted and made again (its id was id-0, is id-1); our position 42 belongs to the old one',
    )
    expect(confirmed()).toBe(1)
  })

  test('below the log: deleted by retention', async () => {
    const { begin } = world({
      rows: { 0: { nextOffset: 29n, topicId: 'id-1' } },
      bounds: { 0: { low: 30n, high: 100n } },
    })
    expect(await refused(begin())).toContain('records 29 to 29 were deleted by retention')
  })

  test('beyond the log: truncated', async () => {
    const { begin } = world({ rows: { 0: { nextOffset: 101n, topicId: 'id-1' } } })
    expect(await refused(begin())).toContain('our position 101 is beyond the end of the topic (100)')
  })
})

describe('without a row', () => {
  test.each([
    ['no commit', null],
    ['a commit at the start of the log', 30n],
    ['a commit below it', 3n],
  ])('%s: begins at the first record there is, and writes that down', async (_, kafka) => {
    const { begin, inserts } = world({ bounds: { 0: { low: 30n, high: 100n } }, committed: { 0: kafka } })
    expect(await begin()).toEqual(new Map([[0, { position: 30n, kafka }]]))
    expect(inserts).toEqual([{ partition: 0, nextOffset: 30n, topicId: 'id-1' }])
  })

  test('a commit above the start of the log: refused, and no row is written, not even of a partition that is well', async () => {
    const { begin, inserts, table } = world({
      bounds: { 0: { low: 30n, high: 100n }, 1: { low: 0n, high: 10n } },
      committed: { 0: 31n },
    })
    expect(await refused(begin([0, 1]))).toContain('the group committed 31 in Kafka, but PostgreSQL has no position')
    expect(inserts).toEqual([])
    expect(table.size).toBe(0)
  })

  test('two members that start at once agree, also when the log lost its head between their looks', async () => {
    const { store, broker, inserts } = world({})
    const later: BrokerView = { ...broker, bounds: async () => mapOf({ 0: { low: 5n, high: 100n } }) }
    const confirm = async () => {}
    const [first, second] = await Promise.all([
      startPositions([0], { store, broker, confirm }),
      startPositions([0], { store, broker: later, confirm }),
    ])
    expect(inserts.map(({ nextOffset }) => nextOffset)).toEqual([0n, 5n])
    expect(first.get(0)?.position).toBe(0n)
    expect(second).toEqual(first)
  })
})

describe('a finding', () => {
  test('that is gone at the second look was none', async () => {
    const { begin, facts, confirmed } = world({ rows: { 0: { nextOffset: 120n, topicId: 'id-1' } } })
    const positions = await begin([0], () => {
      facts.bounds = { 0: { low: 0n, high: 120n } } // metadata of the new leader
    })
    expect(positions.get(0)?.position).toBe(120n)
    expect(confirmed()).toBe(1)
  })

  test('a row that another member writes meanwhile is taken', async () => {
    const { begin, table } = world({ committed: { 0: 50n } })
    const positions = await begin([0], () => table.set(0, { nextOffset: 50n, topicId: 'id-1' }))
    expect(positions).toEqual(new Map([[0, { position: 50n, kafka: 50n }]]))
  })

  test.each<[string, Partial<BrokerView>]>([
    ['a partition that the brokers do not name', { bounds: async () => new Map() }],
    [
      'an election',
      { bounds: () => Promise.reject(Object.assign(new Error('no leader'), { type: 'LEADER_NOT_AVAILABLE' })) },
    ],
    ['a broker that is gone', { topicId: () => Promise.reject(new Error('not found in the cached metadata')) }],
  ])('%s is none, and no reason to stop either', async (_, view) => {
    const { store, broker } = world({ rows: { 0: { nextOffset: 1n, topicId: null } } })
    const asked = startPositions([0], { store, broker: { ...broker, ...view }, confirm: async () => {} })
    // app.ts stops for OperatorErrors of this code only, and for what the database says.
    await expect(asked).rejects.toMatchObject({ name: 'OperatorError', exitCode: ExitCode.unavailable })
  })
})
