// What a container engine would be told. None could be run where this was built: the files are read instead.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

/** With continued lines joined, and without comments. */
const instructions = read('Dockerfile')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(/\s+/))
const last = instructions.slice(instructions.findLastIndex(([name]) => name === 'FROM'))

test('Dockerfile: two stages of one tagged base, nothing fetched but by npm ci', () => {
  const bases = instructions.filter(([name]) => name === 'FROM').map(([, base]) => base)
  expect(new Set(bases).size).toBe(1)
  expect(bases[0]).toMatch(/^node:\d+-\w+-slim/)
  const names = instructions.map(([name]) => name)
  expect(names).not.toContain('ADD')
  expect(read('Dockerfile')).not.toMatch(/curl|wget|npm install|sudo|chmod 777|:latest/)
})

test('Dockerfile: a numeric user without rights, no shell, no secrets', () => {
  const user = last.findIndex(([name]) => name === 'USER')
  expect(last[user]).toEqual(['USER', '1000:1000'])
  // After it nothing is written, and nothing belongs to it.
  expect(last.slice(user + 1).map(([name]) => name)).toEqual(['ENTRYPOINT', 'CMD'])
  expect(last.map(([name]) => name)).not.toContain('RUN')
  expect(last.flat().filter((word) => word.startsWith('--chown'))).toEqual([])
  for (const [, first] of last.slice(user + 1)) expect(first).toMatch(/^\["/)
  expect(instructions.filter(([name]) => name === 'ENV' || name === 'ARG')).toEqual([['ENV', 'NODE_ENV=production']])
})

test('.dockerignore keeps out what may hold secrets or history', () => {
  const ignored = read('.dockerignore').split('\n')
  for (const path of ['.git', '.env', 'node_modules', 'test']) expect(ignored).toContain(path)
})

type Service = Record<string, unknown> & { image?: string; ports?: string[]; environment?: Record<string, string> }
const compose = parse(read('docker-compose.yml'), { merge: true, strict: true, uniqueKeys: true }) as {
  services: Record<string, Service>
}
const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'sluice:local')

test('docker-compose.yml: known keys only, each dependency is a service', () => {
  const keys = 'build image user read_only cap_drop security_opt mem_limit pids_limit environment command restart init stop_grace_period depends_on profiles ports healthcheck' // prettier-ignore
  expect(ours.length).toBeGreaterThan(3)
  for (const [name, service] of Object.entries(compose.services)) {
    for (const key of Object.keys(service)) expect(keys.split(' '), `${name}.${key}`).toContain(key)
    for (const other of Object.keys((service['depends_on'] ?? {}))) expect(compose.services).toHaveProperty(other) // prettier-ignore
    expect(service.image, name).toMatch(/:[\w.]+$/)
    expect(service.image, name).not.toMatch(/:latest$/)
  }
})

test.each(ours)('docker-compose.yml: %s runs without rights, bounded, and writes nothing', (_, service) => {
  expect(service).toMatchObject({
    user: '1000:1000',
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  })
  const heap = Number(/--max-old-space-size=(\d+)/.exec(service.environment?.['NODE_OPTIONS'] ?? '')?.[1])
  const limit = Number(/^(\d+)m$/.exec(String(service['mem_limit']))?.[1])
  expect(heap).toBeLessThanOrEqual(limit * 0.75)
  for (const key of ['privileged', 'volumes', 'network_mode', 'pid', 'devices']) expect(service).not.toHaveProperty(key)
})

test('docker-compose.yml: ports are open on this machine alone', () => {
  for (const { ports = [] } of Object.values(compose.services)) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/) // prettier-ignore
})
