import { Worker } from 'node:worker_threads'

/**
 * Starts a module as a thread. A checkout runs TypeScript through tsx, whose hooks a thread does not inherit; an
 * installed package has JavaScript.
 */
export function startThread(module: URL, workerData: unknown): Worker {
  const options = { workerData, resourceLimits: { maxYoungGenerationSizeMb: 64 } }
  if (!module.pathname.endsWith('.ts')) return new Worker(module, options)
  const [tsx, target] = [import.meta.resolve('tsx/esm/api'), module.href].map((url) => JSON.stringify(url))
  const start = `import(${tsx}).then(({ register }) => { register(); return import(${target}) })`
  return new Worker(start, { ...options, eval: true })
}
