import { z } from 'zod'

// Every variable once: its rule, default, unit and words. config.ts reads it; .env.example and docs/configuration.md are
// generated from it. Rules never quote a value: config.ts does, and knows which values are secrets.

type Meta = { doc: string; unit?: string; secret?: true; shown?: string }
const described = <T extends z.ZodType>(schema: T, meta: Meta): T => schema.meta(meta)

const text = z.string().trim().min(1, 'must not be blank')

const MIB = 1_048_576
const whole = (preset: number, min: number, max: number, meta: Meta) =>
  described(
    text
      .regex(
        /^\d{1,15}$/,
        `must be a whole number${meta.unit ? ` of ${meta.unit}` : ''} without a unit, such as ${preset}`,
      )
      .transform(Number)
      .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`)
      .default(preset),
    meta,
  )

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` })

const brokers = text
  .transform((list) => list.split(',').map((broker) => broker.trim()))
  .refine(
    (list) =>
      list.every((broker) => /^[A-Za-z0-9_.-]+:\d{1,5}$/.test(broker) && Number(broker.split(':')[1]) <= 65_535),
    'must be host:port, several separated by commas, such as kafka-1:9092,kafka-2:9092 (no scheme, no IPv6 literal)',
  )

const topic = text
  .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be a topic name: 1 to 249 of letters, digits, dot, underscore, hyphen')
  .refine((name) => name !== '.' && name !== '..', 'must not be "." or ".."')

/** As it is: blanks may belong to it. */
const secret = z.string().min(1, 'must not be empty')

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const

const tokenUrl = text
  .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), 'must be an https:// URL')
  .refine(
    (url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''),
    'must not hold user or password: set KAFKA_SASL_OAUTHBEARER_CLIENT_ID and …_CLIENT_SECRET',
  )

const databaseUrl = text
  .refine((url) => URL.canParse(url), 'must be a URL such as postgresql://user:password@host:5432/database')
  .refine((url) => !URL.canParse(url) || /^postgres(ql)?:\/\//.test(url), 'must begin with postgresql://')

export const variables = z.object({
  KAFKA_BROKERS: described(brokers, {
    doc: 'Brokers to start from: `host:port`, several separated by commas. Required by every command that talks to Kafka.',
    shown: 'localhost:9092',
  }),
  KAFKA_CLIENT_ID: described(text.default('sluice'), {
    doc: 'Name by which the brokers know this client (logs, quotas).',
  }),
  KAFKA_GROUP_ID: described(text.default('sluice'), {
    doc: 'Consumer group. Positions in PostgreSQL are kept per group: a new name reads the topic from its start.',
  }),
  KAFKA_TOPIC: described(topic.default('invoice-line-items'), {
    doc: 'Topic of line items to consume, and to publish to.',
  }),
  KAFKA_DLQ_TOPIC: described(topic.optional(), { doc: 'Topic of dead letters.', shown: '<KAFKA_TOPIC>.dlq' }),
  KAFKA_SESSION_TIMEOUT_MS: whole(30_000, 6_000, 300_000, {
    doc: 'The group gives a member up that was killed or hangs for so long (brokers allow 6 s to 30 min by default).',
    unit: 'milliseconds',
  }),
  KAFKA_SECURITY_PROTOCOL: described(oneOf(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']).default('PLAINTEXT'), {
    doc: 'PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.',
  }),
  KAFKA_SASL_MECHANISM: described(oneOf(MECHANISMS).optional(), {
    doc: 'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. PLAIN and OAUTHBEARER without TLS need `ALLOW_INSECURE=true`.',
  }),
  KAFKA_SASL_USERNAME: described(text.optional(), { doc: 'User for PLAIN and SCRAM.' }),
  KAFKA_SASL_PASSWORD: described(secret.optional(), {
    doc: 'Password for PLAIN and SCRAM. Its file is read again at every connect and re-authentication.',
    secret: true,
  }),
  KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: described(tokenUrl.optional(), {
    doc: 'Where to get tokens for OAUTHBEARER (client credentials grant); `https://`, or `ALLOW_INSECURE=true`.',
  }),
  KAFKA_SASL_OAUTHBEARER_CLIENT_ID: described(text.optional(), { doc: 'Client id for the token endpoint.' }),
  KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: described(secret.optional(), {
    doc: 'Client secret for the token endpoint. Its file is read again for every token.',
    secret: true,
  }),
  KAFKA_SASL_OAUTHBEARER_SCOPE: described(text.optional(), { doc: 'Scope to ask the token endpoint for.' }),
  KAFKA_SSL_CA_FILE: described(text.optional(), {
    doc: 'PEM file of the authority that signed the brokers. Unset: the system’s.',
  }),
  KAFKA_SSL_CERT_FILE: described(text.optional(), {
    doc: 'PEM file of the client certificate (mutual TLS), with `KAFKA_SSL_KEY_FILE`.',
  }),
  KAFKA_SSL_KEY_FILE: described(text.optional(), { doc: 'PEM file of the client key (mutual TLS).' }),
  KAFKA_SSL_KEY_PASSPHRASE: described(secret.optional(), { doc: 'Passphrase of the client key.', secret: true }),
  DATABASE_URL: described(databaseUrl, {
    doc: '`postgresql://user:password@host:5432/database`, for TLS with `?sslmode=verify-full&sslrootcert=FILE`. Required by every command that talks to PostgreSQL.',
    secret: true,
    shown: 'postgresql://sluice:sluice@localhost:5432/sluice',
  }),
  DATABASE_POOL_SIZE: whole(6, 1, 200, {
    doc: 'Connections to PostgreSQL, at least `FLUSH_LANES` + 4; with `HTTP_PORT` two more, made when somebody asks.',
    unit: 'connections',
  }),
  PRISMA_WRITER: described(oneOf(['fast', 'stock']).default('fast'), {
    doc: '`fast` lowers createMany to one `INSERT … SELECT FROM unnest` statement, `stock` uses Prisma’s own.',
  }),
  BUFFER_MAX_RECORDS: whole(20_000, 1, 10_000_000, {
    doc: 'The buffer takes no more than this; fetching waits.',
    unit: 'records',
  }),
  BUFFER_MAX_BYTES: whole(64 * MIB, 65_536, 16_384 * MIB, {
    doc: 'The same in bytes of memory: a record of 300 bytes takes 3 KB.',
    unit: 'bytes',
  }),
  FLUSH_MAX_RECORDS: whole(10_000, 1, 1_000_000, { doc: 'Ceiling of the adaptive batch size.', unit: 'records' }),
  FLUSH_MAX_BYTES: whole(32 * MIB, 1_024, 1_024 * MIB, {
    doc: 'Ceiling of a batch in bytes of memory.',
    unit: 'bytes',
  }),
  FLUSH_MIN_AGE_MS: whole(5, 0, 60_000, {
    doc: 'Floor of the adaptive age limit: a batch waits until its oldest record is so old, or its lane has rested so long since the last flush, whichever is first.',
    unit: 'milliseconds',
  }),
  FLUSH_MAX_AGE_MS: whole(1_000, 1, 600_000, {
    doc: 'No record waits longer for its flush while the sink is free.',
    unit: 'milliseconds',
  }),
  FLUSH_TARGET_MS: whole(1_000, 1, 60_000, {
    doc: 'Batches grow while a flush takes less than this, and shrink above it.',
    unit: 'milliseconds',
  }),
  FLUSH_LANES: whole(1, 1, 64, { doc: 'Batches written at the same time (partition modulo lanes).', unit: 'lanes' }),
  MAPPING_AMBIGUOUS: described(oneOf(['create', 'dead-letter']).default('create'), {
    doc: 'What becomes of a line without a known sku whose description is as near to one item as to another: `create` makes a new item, `dead-letter` leaves it to a person (`MAPPING_AMBIGUOUS`).',
  }),
  DLQ_MAX_CONSECUTIVE: whole(1_000, 0, 1_000_000_000, {
    doc: 'More dead letters in a row than this, in one partition, close the gate of the group before they are written (`sluice resume` opens it). 0: never.',
    unit: 'records',
  }),
  DLQ_MAX_RATIO: described(
    text
      .regex(/^(0(\.\d{1,3})?|1(\.0{1,3})?)$/, 'must be a number from 0.001 to 1, such as 0.5')
      .transform(Number)
      .refine((value) => value > 0, 'must be above 0 (1 switches it off)')
      .default(0.5),
    {
      doc: 'The same for a larger share of dead letters than this among the last 1,000 to 2,000 records of a partition. 1: never.',
    },
  ),
  DLQ_HEADER_COMPAT: described(oneOf(['none', 'connect']).default('none'), {
    doc: '`connect` adds the headers `__connect.errors.*` of Kafka Connect to records of the DLQ topic.',
  }),
  SHUTDOWN_TIMEOUT_MS: whole(25_000, 1_000, 600_000, {
    doc: 'Time for the drain after SIGTERM; keep it below the grace period of the platform (Kubernetes: 30 s).',
    unit: 'milliseconds',
  }),
  HTTP_HOST: described(text.default('127.0.0.1'), {
    doc: 'Address to listen on for HTTP; `0.0.0.0` for the probes of a container.',
  }),
  HTTP_PORT: described(
    text
      .regex(/^\d{1,5}$/, 'must be a port, such as 8080')
      .transform(Number)
      .refine((port) => port >= 1 && port <= 65_535, 'must be a port from 1 to 65535')
      .optional(),
    {
      doc: 'Port of probes, metrics, API and dashboard (docs/api.md), one for each member on a host. Taken: the member works without HTTP, and has it when the port is free.',
      shown: 'no HTTP',
    },
  ),
  ADMIN_TOKEN: described(
    z
      .string()
      .regex(/^[\x21-\x7e]{16,512}$/, 'must be 16 to 512 printable ASCII characters without blanks')
      .optional(),
    {
      doc: 'Bearer token of what changes something over HTTP (replay, discard, corrections of mappings), and of what records say. Unset: none of it can be had over HTTP.',
      secret: true,
    },
  ),
  LOG_LEVEL: described(oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'), {
    doc: 'fatal, error, warn, info, debug, trace or silent.',
  }),
  ALLOW_INSECURE: described(
    oneOf(['true', 'false'])
      .default('false')
      .transform((value) => value === 'true'),
    {
      doc: '`true` permits sending a secret in the clear: SASL PLAIN or OAUTHBEARER without TLS, a token endpoint over `http://`; and other values of `sslmode` than `verify-full` and `disable`.',
    },
  ),
})

export type Variables = z.output<typeof variables>
export type VariableName = keyof Variables
export const variableNames = Object.keys(variables.shape) as VariableName[]

export type Described = {
  name: VariableName
  doc: string
  unit: string | null
  secret: boolean
  preset: string | null
  shown: string | null
}

/** What the generated documents, and the fault texts, say about one variable. */
export const describe = (name: VariableName): Described => {
  const schema = variables.shape[name]
  const meta = schema.meta() as Meta
  const unset = schema.safeParse(undefined)
  const preset = unset.success && unset.data !== undefined ? String(unset.data) : null
  return {
    name,
    doc: meta.doc,
    unit: meta.unit ?? null,
    secret: meta.secret ?? false,
    preset,
    shown: meta.shown ?? null,
  }
}
