// `sluice consume`, but the group gives a killed member up after 6 s (the least that brokers allow) instead of 30: for
// tests that kill many.
import { runConsumer } from '../../src/app.ts'
import { createIo } from '../../src/cli/io.ts'
import { loadConfig } from '../../src/config.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/telemetry/log.ts'

const io = createIo()
const config = loadConfig(io.env)
const log = createLog(config.logLevel)
const timeouts = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 10_000, heartbeatIntervalMs: 500 }
process.exit(await runConsumer(config, io.drain, { clock: systemClock, random: Math.random, log, timeouts }))
