import { Command, CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { type FilterFlags, filterOf, idPrefixes, refuseBoth, withFilters } from '../../../src/cli/dlq-options.ts'
import { ALL_LETTERS } from '../../../src/dead-letters/letter-filter.ts'

const parse = (...args: string[]) => {
  let told = ''
  const command = withFilters(new Command('list'))
    .argument('[id...]', '', idPrefixes)
    .exitOverride()
    .configureOutput({ writeErr: (text) => (told += text) })
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { told }
    throw error
  }
  return { filter: filterOf(command.opts<FilterFlags>()), ids: command.processedArgs[0] as string[], told }
}

test('nothing given is every letter', () => {
  expect(parse().filter).toEqual(ALL_LETTERS)
})

test('codes, stages and statuses are lists, in any case, each once', () => {
  expect(parse('--code', 'row_rejected', 'JSON_INVALID', 'ROW_REJECTED', '--stage', 'Write').filter).toEqual({
    ...ALL_LETTERS,
    codes: ['ROW_REJECTED', 'JSON_INVALID'],
    stages: ['write'],
  })
})

test('times: since and until', () => {
  const { filter } = parse('--since', '2026-01-31', '--until', '2026-01-31T08:00Z')
  expect(filter).toMatchObject({ since: new Date('2026-01-31'), until: new Date('2026-01-31T08:00Z') })
})

describe('what is misspelt is told with what there is', () => {
  test.each([
    [['--code', 'ROW_REJECT'], /known are: RECORD_TOO_LARGE, .*ROW_REJECTED/],
    [['--stage', 'writing'], /known are: decode, validate, map, write/],
    [['--status', 'closed'], /known are: open, replayed, resolved, parked, discarded/],
    [['--since', 'yesterday'], /a time such as .* or 2h/],
    [['--user', ''], /empty/],
    [['abc'], /first 6 hex digits/],
    [['xyzxyz'], /first 6 hex digits/],
  ])('%j', (args, says) => {
    expect(parse(...args).told).toMatch(says)
  })
})

test('ids and filters cannot be given together', () => {
  expect(parse('ABCDEF12', 'fedcba').ids).toEqual(['abcdef12', 'fedcba'])
  expect(() => refuseBoth(['abcdef'], { code: ['JSON_INVALID'], user: 'u' })).toThrow(/--code, --user/)
  expect(() => refuseBoth(['abcdef'], {})).not.toThrow()
})
