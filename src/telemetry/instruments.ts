// The catalogue as prom-client's instruments, in a registry of their own. Names and labels are checked by the compiler.
import type * as Prom from 'prom-client'
import { addLatencies, LATENCY_BOUNDS, type Latencies, noLatencies } from '../lib/latencies.ts'
import { CATALOGUE, type EVERYWHERE, type LabelsOf, type MetricName, metricNames, PREFIX } from './catalogue.ts'

export type Instruments = ReturnType<typeof createInstruments>

const LATENCY = 'end_to_end_latency_seconds'

/** Loaded only where metrics are asked for. */
export function createInstruments(prom: typeof Prom, everywhere: Record<(typeof EVERYWHERE)[number], string>) {
  const registry = new prom.Registry()
  registry.setDefaultLabels(everywhere)
  const counters = new Map<MetricName, Prom.Counter>()
  const gauges = new Map<MetricName, Prom.Gauge>()
  const histograms = new Map<MetricName, Prom.Histogram>()
  for (const name of metricNames) {
    const { kind, help, labels = [], buckets = [] } = CATALOGUE[name]
    const common = { name: PREFIX + name, help, labelNames: [...labels], registers: [registry] }
    if (name === LATENCY) continue
    if (kind === 'counter') counters.set(name, new prom.Counter(common))
    else if (kind === 'gauge') gauges.set(name, new prom.Gauge(common))
    else histograms.set(name, new prom.Histogram({ ...common, buckets: [...buckets] }))
  }
  let latencies: Latencies = noLatencies()
  registry.registerMetric(latencyMetric(() => latencies) as unknown as Prom.Metric)

  return {
    registry,
    add: <N extends MetricName>(name: N, labels: LabelsOf<N>, by = 1): void => counters.get(name)?.inc(labels, by),
    set: <N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): void =>
      gauges.get(name)?.set(labels, value),
    /** Forgets all values of it: what is gone must not be told any more. */
    clear: (name: MetricName) => gauges.get(name)?.reset(),
    /** Also the one value of a gauge without labels. */
    forget: (name: MetricName) => gauges.get(name)?.remove(),
    observe: <N extends MetricName>(name: N, labels: LabelsOf<N>, value: number): void =>
      histograms.get(name)?.observe(labels, value),
    /** Counted already, per batch: one call for each record would cost a hundredth of the CPU. */
    addLatencies: (more: Latencies) => void (latencies = addLatencies(latencies, more)),
  }
}

/** What prom-client asks a metric of a registry for. */
function latencyMetric(latencies: () => Latencies) {
  const name = PREFIX + LATENCY
  const { help } = CATALOGUE[LATENCY]
  const get = () => {
    const { counts, sumSeconds } = latencies()
    let below = 0
    const buckets = counts.map((count, at) => ({
      metricName: `${name}_bucket`,
      labels: { le: LATENCY_BOUNDS[at] ?? '+Inf' },
      value: (below += count),
    }))
    const total = [
      { metricName: `${name}_sum`, labels: {}, value: sumSeconds },
      { metricName: `${name}_count`, labels: {}, value: below },
    ]
    return Promise.resolve({ name, help, type: 'histogram', values: [...buckets, ...total], aggregator: 'sum' })
  }
  return { name, help, type: 'histogram', get, reset: () => {} }
}
