import { CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { definePublish } from '../../../src/cli/publish-options.ts'
import { dateFormatFault } from '../../../src/publish/dates.ts'
import { optionFault } from '../../../src/publish/option-use.ts'

const parse = (...args: string[]) => {
  const told: string[] = []
  const command = definePublish()
    .exitOverride()
    .configureOutput({ writeErr: (text) => told.push(text), writeOut: (text) => told.push(text) })
  try {
    command.action(() => undefined).parse(['x.csv', ...args], { from: 'user' })
    return null
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return told.join('').replaceAll(/\s+/g, ' ')
  }
}

describe('an option value that cannot work is refused before anything is read', () => {
  test.each([
    ['--currency', 'gbp', 'three upper-case letters'],
    ['--currency', 'EURO', 'three upper-case letters'],
    ['--user', '', 'without spaces'],
    ['--user', 'u 1', 'without spaces'],
    ['--date-format', 'foo', 'f, oo stand for nothing here'],
    ['--date-format', 'DD/MM/YYYY', "DD, YYYY stand for nothing here; such as 'd/M/yyyy H:mm'"],
    ['--date-format', 'H:mm', 'does not tell year, month and day'],
    ['--time-zone', 'Mars/Base', 'Europe/London'],
  ])('%s %j', (option, value, told) => {
    expect(parse(option, value)).toContain(told)
  })

  test('and one that can is not', () => {
    expect(parse('--currency', 'GBP', '--user', 'u-1', '--time-zone', 'Europe/London')).toBeNull()
  })
})

test.each([
  'd/M/yyyy H:mm',
  'd.M.yyyy',
  "yyyy-MM-dd'T'HH:mm:ssZZ",
  'MMM d, yyyy h:mm a',
  'EEE, d MMM yyyy HH:mm:ss ZZZ',
  'dd/MM/yy',
  'yyyyMMdd',
  'yyyy ooo',
  'yyyy-MM-dd z',
])('the date format %j is one', (format) => {
  expect(dateFormatFault(format)).toBeNull()
})

test('the help names the fields and what comes on top of --bad', () => {
  const help = parse('--help')
  expect(help).toContain('fields: eventId, userId, invoiceId')
  expect(help).toContain('(default: 20; two id conflicts come on top)')
})

test('options that mean nothing for what is published are named', () => {
  expect(optionFault('ndjson', ['user', 'column', 'dateFormat'])).toBe(
    '--column, --date-format cannot be used with NDJSON',
  )
  expect(optionFault('raw', ['user', 'raw'])).toContain('--user cannot be used with --raw')
  expect(optionFault('csv', ['seed', 'column'])).toBe('--seed cannot be used with a CSV file')
  expect(optionFault('generated', ['seed', 'bad', 'generate', 'rate'])).toBeNull()
  expect(optionFault('generated', ['user'])).toContain('--user')
  expect(optionFault('json', ['user', 'currency', 'dryRun', 'json'])).toBeNull()
})
