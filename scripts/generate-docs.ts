// Writes .env.example and docs/configuration.md from the schema, docs/metrics.md from the catalogue, and docs/dead-letter-codes.md from the codes and their
// advice (npm run docs); with --check it only compares, and exits 1 when one of them is stale.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, variableNames, type Described } from '../src/config-variables.ts'
import { ADVICE } from '../src/dead-letters/advice.ts'
import { CATALOGUE, EVERYWHERE, type MetricName, metricNames, PREFIX } from '../src/telemetry/catalogue.ts'
import { FAULT_CODES, faultOf, messageOf } from '../src/line-items/fault.ts'
import { format, resolveConfig } from 'prettier'

const plain = (doc: string) => doc.replaceAll('`', '')
const all = variableNames.map(describe)
const fallback = (variable: Described) => variable.preset ?? variable.shown

const envLines = (variable: Described) => {
  const value = `${variable.name}=${variable.name === 'KAFKA_DLQ_TOPIC' ? '' : (fallback(variable) ?? '')}`
  const required = variable.preset === null && (variable.name === 'KAFKA_BROKERS' || variable.name === 'DATABASE_URL')
  const unit = variable.unit ? ` Unit: ${variable.unit}.` : ''
  return [`# ${plain(variable.doc)}${unit}`, required ? value : `#${value}`, ''].join('\n')
}

const envExample = [
  '# Generated from src/config-variables.ts by `npm run docs`. A line that is commented out shows the default.',
  '# Secrets are also read from a file: set NAME_FILE instead of NAME. An empty value counts as unset.',
  '',
  ...all.map(envLines),
].join('\n')

const tableRow = (variable: Described) => {
  const preset =
    variable.preset === null ? (variable.name === 'KAFKA_DLQ_TOPIC' ? variable.shown : null) : variable.preset
  const name = variable.secret ? `\`${variable.name}\` or \`${variable.name}_FILE\`` : `\`${variable.name}\``
  return `| ${name} | ${preset === null ? '–' : `\`${preset}\``} | ${variable.unit ?? ''} | ${variable.doc} |`
}

const configuration = `# Configuration

<!-- Generated from src/config-variables.ts by \`npm run docs\`. Do not edit. -->

Everything comes from the environment. All faults are reported at once, with exit code 2; an empty value counts as unset.
A secret may be given as a file: set \`NAME_FILE\` instead of \`NAME\`.

| Variable | Default | Unit | Meaning |
| --- | --- | --- | --- |
${all.map(tableRow).join('\n')}
`

const codes = `# Codes of dead letters

<!-- Generated from src/line-items/fault.ts and src/dead-letters/advice.ts by \`npm run docs\`. Do not edit. -->

Why a record became a dead letter, and what to do about it. A code is a contract: codes are added, never renamed. The message is what
\`dlq.error.message\` says on the DLQ topic; it never holds a value of the record. \`ID\` stands for the id of the letter, or its
first 12 digits; [operations-dead-letters.md](operations-dead-letters.md) shows the commands.

| Code | Stage | Message | What to do |
| --- | --- | --- | --- |
${FAULT_CODES.map((code) => `| \`${code}\` | ${faultOf(code).stage} | ${messageOf(code)} | ${ADVICE[code]} |`).join('\n')}
`

const metricRow = (name: MetricName) => {
  const { kind, help, labels = [], buckets, of } = CATALOGUE[name]
  const bounds = buckets ? ` Buckets: ${buckets.join(' ')}.` : ''
  const whose = of === 'group' ? ' Of the whole group: take `max()`.' : ''
  return `| \`${PREFIX}${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help}${bounds}${whose} |`
}

const metrics = `# Metrics

<!-- Generated from src/telemetry/catalogue.ts by \`npm run docs\`. Do not edit. -->

\`GET /metrics\` of a member, in Prometheus's text format (with \`HTTP_PORT\`; see [api.md](api.md)). Each member tells of itself, and of the partitions that
it owns: take \`sum()\` over members, but \`max()\` where it says so. Every series, of the process too, has the labels ${EVERYWHERE.map((label) => `\`${label}\``).join(' and ')}
(\`KAFKA_GROUP_ID\`, \`KAFKA_TOPIC\`). Lag is looked at every 2.5 s, dead letters every ten seconds or more. What is not known is absent, never 0. Counters begin at 0 when a
member starts. The process's own (\`process_*\`, \`nodejs_*\`: CPU, memory, event loop, garbage collection) come from prom-client under its names.
Not to be had without reaching into Prisma or kafkajs: the time of each statement (\`db_operation_duration_seconds\` has that of all of one try), and of the phases of a join.

Where names differ from what other consumers call them: why a batch was cut is \`reason\`, not \`trigger\`, as in the log and the API. Records that were isolated are
\`dead_letters_total{code=~"ROW_REJECTED|AGGREGATE_OVERFLOW"}\`: only PostgreSQL's refusal of a row makes these, and no other metric repeats it. Tries of an isolation are
\`isolation_attempts_total\`, as each is more than one statement. Offsets have the prefix \`partition_\`. Causes without an end to their number are in the log, not in a label
(\`dlq_publish_failures_total\`).
A code or an SQLSTATE that comes for the first time is a new series, of which \`increase()\` misses the first: for rules take a counter that begins at 0, as
[alerts.yml](../ops/prometheus/alerts.yml) does (\`records_total{outcome="dead_lettered"}\`, \`dlq_publish_failures_total\`, the SQLSTATEs that it names).

| Metric | Kind | Labels | Meaning |
| --- | --- | --- | --- |
${metricNames.map(metricRow).join('\n')}
`

const markdown = async (text: string) => format(text, { ...(await resolveConfig('docs/x.md')), parser: 'markdown' })
const targets = {
  '.env.example': envExample,
  'docs/configuration.md': await markdown(configuration),
  'docs/metrics.md': await markdown(metrics),
  'docs/dead-letter-codes.md': await markdown(codes),
}
const stale = Object.entries(targets).filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)

if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is stale: run npm run docs`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`wrote ${path}`)
  }
}
