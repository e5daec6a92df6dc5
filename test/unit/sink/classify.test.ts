import { describe, expect, it } from 'vitest'
import { classifyError, SinkError, wantsFreshPool } from '../../../src/sink/classify.ts'
import { explainDatabaseError } from '../../../src/sink/explain.ts'

/** As Prisma 7.10 wraps it: the code at the top lies, the cause does not. */
const prisma = (sqlstate: string, code = 'P2010') =>
  Object.assign(new Error('x'), {
    code,
    meta: {
      driverAdapterError: Object.assign(new Error('y'), { cause: { originalCode: sqlstate, kind: 'postgres' } }),
    },
  })
const plain = (properties: object) => Object.assign(new Error('x'), properties)

describe('an error is classified', () => {
  it.each([
    [prisma('40P01', 'P2002'), 'transient', '40P01'],
    [prisma('23514', 'P2028'), 'row', '23514'],
    [plain({ code: '57014', severity: 'ERROR' }), 'transient', '57014'],
    [
      new Error('outer', { cause: new AggregateError([plain({ code: '28P01', severity: 'FATAL' })]) }),
      'fatal',
      '28P01',
    ],
  ] as const)('by the SQLSTATE inside it (%#)', (error, fate, sqlstate) => {
    expect(classifyError(error)).toEqual({ fate, sqlstate, code: sqlstate })
  })

  it.each([
    [plain({ code: 'P2028' }), 'P2028'],
    [plain({ code: 'ECONNREFUSED', syscall: 'connect' }), 'ECONNREFUSED'],
    [plain({ code: 'ENOENT', syscall: 'connect' }), 'ENOENT'],
    [plain({ cause: { kind: 'ConnectionClosed' } }), 'ConnectionClosed'],
    [new Error('Client has encountered a connection error and is not queryable'), 'CONNECTION'],
    [new Error('Connection terminated unexpectedly'), 'CONNECTION'],
    [new Error('Query read timeout'), 'CONNECTION'],
    [new Error('timeout exceeded when trying to connect'), 'CONNECTION'],
  ] as const)('as unknown when only the connection is to blame (%#)', (error, code) => {
    expect(classifyError(error)).toEqual({ fate: 'unknown', sqlstate: null, code })
  })

  it.each([
    [new TypeError('x'), 'TypeError'],
    [plain({ code: 'P2034' }), 'P2034'],
    [plain({ code: 'ENOENT', syscall: 'open' }), 'ENOENT'],
    [undefined, 'UNKNOWN'],
    ['text', 'UNKNOWN'],
  ] as const)('as fatal when it is not understood (%#)', (error, code) => {
    expect(classifyError(error)).toEqual({ fate: 'fatal', sqlstate: null, code })
  })

  it('as it says itself when it is ours', () => {
    const error = new SinkError('transient', 'MAPPING_RACE', 'x', { cause: prisma('23505') })
    expect(classifyError(error)).toEqual({ fate: 'transient', sqlstate: '23505', code: 'MAPPING_RACE' })
  })

  it('without end when it is its own cause', () => {
    const error = new Error('x')
    error.cause = error
    expect(classifyError(error).fate).toBe('fatal')
  })

  it.each([
    ['25006', true],
    ['57P01', true],
    ['08006', true],
    ['40P01', false],
    ['57014', false],
  ])('and asks for a fresh pool on %s: %s', (sqlstate, fresh) => {
    expect(wantsFreshPool(classifyError(prisma(sqlstate)))).toBe(fresh)
  })
})

describe('an error is explained', () => {
  const url = 'postgresql://ali%63e:Geh3im@db.example:6543/invoices?x=Geh3im'
  it.each([
    ['28P01', /refuses the password of user "alice"/],
    ['3D000', /"invoices" does not exist at db\.example:6543/],
    ['42P01', /no sluice tables/],
    ['42501', /"alice" lacks a permission/],
    ['57P03', /not ready/],
  ])('%s', (sqlstate, message) => {
    const explained = explainDatabaseError(prisma(sqlstate), url)
    expect(explained?.message).toMatch(message)
    expect(`${explained?.message} ${explained?.remedy}`).not.toContain('Geh3im')
  })

  it('with a command that a shell cannot misread', () => {
    const remedy = explainDatabaseError(prisma('3D000'), 'postgresql://u@h/a%3B%20rm%20-rf')?.remedy
    expect(remedy).not.toContain('rm')
  })

  it('or not at all when it is not about the database', () => {
    expect(explainDatabaseError(new TypeError('x'), url)).toBeNull()
    expect(explainDatabaseError(prisma('23505'), url)).toBeNull()
  })
})
