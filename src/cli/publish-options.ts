import { Command, InvalidArgumentError, Option } from 'commander'
import { FIELDS, parseColumnOption, type Field } from '../publish/csv-columns.ts'
import { dateFormatFault, isTimeZone } from '../publish/dates.ts'

export type Flags = {
  format?: string
  raw: boolean
  user?: string
  currency?: string
  column?: ReadonlyMap<Field, string>
  dateFormat?: string
  timeZone: string
  delimiter?: string
  encoding: string
  decimalComma: boolean
  generate?: number
  seed: number
  users: number
  invoices?: number
  bad: number
  rate?: number
  topic?: string
  dryRun: boolean
  faults?: string
  json: boolean
}

const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`a whole number of at least ${least} is needed.`)
  }

/** A value that fails is a fault of the command line: nothing has been read or connected yet. */
const valid =
  (fault: (text: string) => string | null) =>
  (text: string): string => {
    const told = fault(text)
    if (told !== null) throw new InvalidArgumentError(told)
    return text
  }
const unless =
  (pattern: RegExp, fault: string) =>
  (text: string): string | null =>
    pattern.test(text) ? null : fault

const currency = valid(unless(/^[A-Z]{3}$/, 'three upper-case letters are needed, such as GBP.'))
const user = valid(unless(/^[\x21-\x7e]{1,255}$/, '1 to 255 printable ASCII characters without spaces are needed.'))
const dateFormat = valid(dateFormatFault)
const timeZone = valid((name) => (isTimeZone(name) ? null : 'an IANA name is needed, such as Europe/London.'))

const EXAMPLES = `
Event ids are UUIDv5 of user, invoice and line number: publishing a file twice changes nothing.
Exit codes: 0 all published · 1 some rows became no event, or the file broke off · 2 wrong arguments · 3 Kafka · 130 stopped.

Examples:
  sluice publish events.ndjson.gz
  sluice publish invoice.json --user u-1
  sluice publish online-retail.csv.gz --user u-1 --currency GBP \\
    --column invoiceId=InvoiceNo --column sku=StockCode --column description=Description \\
    --column quantity=Quantity --column unitPrice=UnitPrice --column occurredAt=InvoiceDate
  zcat events.gz | sluice publish - --format ndjson --rate 500
  sluice publish --generate 100000 --seed 7
  sluice publish spoiled.ndjson --raw        each line as it is but for empty ones, for trying out dead letters`

export const definePublish = (): Command =>
  new Command('publish')
    .description('publish line items: NDJSON events, invoice documents, CSV, or generated ones')
    .argument('[file]', 'a file (.gz is read directly), or - for standard input')
    .option('--format <format>', 'ndjson, json or csv (default: by the name of the file)')
    .option('--raw', 'NDJSON: publish each line as it is, unchecked, but for empty ones', false)
    .option('--user <id>', 'userId where the file has none', user)
    .option('--currency <code>', 'currency where the file has none', currency)
    .option(
      '--column <field=name>',
      `CSV: the column of a field (repeat); fields: ${FIELDS.join(', ')}`,
      parseColumnOption,
    )
    .option(
      '--date-format <format>',
      "CSV: such as 'd/M/yyyy H:mm' (default: ISO 8601 or yyyy-MM-dd HH:mm:ss)",
      dateFormat,
    )
    .option('--time-zone <zone>', 'CSV: zone of dates without one', timeZone, 'UTC')
    .option('--delimiter <character>', 'CSV: default , (tab for .tsv)')
    .option('--encoding <encoding>', 'CSV: utf8 or latin1', 'utf8')
    .option('--decimal-comma', 'CSV: 2,55 means 2.55', false)
    .option('--generate <records>', 'publish generated records instead of a file', whole(1))
    .option('--seed <number>', 'generator: the same seed gives the same records', whole(0), 1)
    .option('--users <number>', 'generator: users', whole(1), 8)
    .option('--invoices <number>', 'generator: about how many invoices (default: one for 35 records)', whole(1))
    .addOption(
      new Option('--bad <number>', 'generator: records that must become dead letters')
        .argParser(whole(0))
        .default(20, '20; two id conflicts come on top'),
    )
    .option('--rate <records>', 'at most this many records a second', whole(1))
    .option('--topic <topic>', 'default: KAFKA_TOPIC')
    .option('--dry-run', 'check and count; the first three events go to stdout; needs no Kafka', false)
    .option('--faults <file>', 'write all faults to this file as NDJSON')
    .option('--json', 'the report as JSON, alone on stdout', false)
    .addHelpText('after', EXAMPLES)
