// What a container engine would be told. None could be run where this was built: the files are read instead.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { commandOf, instructions, last } from '../support/dockerfile.ts'

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

test('Dockerfile: two stages of one tagged base, nothing fetched but by npm ci', () => {
  const bases = instructions.filter(({ name }) => name === 'FROM').map(({ words }) => words[0])
  expect(new Set(bases).size).toBe(1)
  expect(bases[0]).toMatch(/^node:\d+-\w+-slim/)
  const names = instructions.map(({ name }) => name)
  expect(names).not.toContain('ADD')
  expect(read('Dockerfile')).not.toMatch(/curl|wget|npm install|sudo|chmod 777|:latest/)
})

test('Dockerfile: a numeric user without rights, no shell, no secrets', () => {
  const user = last.findIndex(({ name }) => name === 'USER')
  expect(last[user]?.rest).toBe('1000:1000')
  // After it nothing is written, and nothing belongs to it.
  const after = last.slice(user + 1)
  expect(after.map(({ name }) => name)).toEqual(['HEALTHCHECK', 'ENTRYPOINT', 'CMD'])
  expect(last.map(({ name }) => name)).not.toContain('RUN')
  expect(last.flatMap(({ words }) => words).filter((word) => word.startsWith('--chown'))).toEqual([])
  for (const { rest } of after) expect(rest).toMatch(/^(--\S+ )*(CMD )?\["/)
  expect(existsSync(new URL(`../../${commandOf('HEALTHCHECK')[1]}`, import.meta.url))).toBe(true)
  const set = instructions.filter(({ name }) => name === 'ENV' || name === 'ARG')
  expect(set.map(({ rest }) => rest)).toEqual(['NODE_ENV=production'])
})

test('.dockerignore keeps out what may hold secrets or history', () => {
  const ignored = read('.dockerignore').split('\n')
  for (const path of ['.git', '.env', 'node_modules', 'test']) expect(ignored).toContain(path)
})

type Service = Record<string, unknown> & {
  image?: string
  ports?: string[]
  environment?: Record<string, string>
  secrets?: string[]
  volumes?: string[]
}
const compose = parse(read('docker-compose.yml'), { merge: true, strict: true, uniqueKeys: true }) as {
  name?: string
  services: Record<string, Service>
  secrets: Record<string, { file: string }>
  volumes: Record<string, object>
}
const services = Object.entries(compose.services)
const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'sluice:local')

test('docker-compose.yml: known keys only, each dependency is a service', () => {
  const keys = 'build image user read_only cap_drop security_opt mem_limit pids_limit environment command restart init stop_grace_period depends_on profiles ports healthcheck volumes secrets shm_size' // prettier-ignore
  expect(ours.length).toBeGreaterThan(3)
  for (const [name, service] of Object.entries(compose.services)) {
    for (const key of Object.keys(service)) expect(keys.split(' '), `${name}.${key}`).toContain(key)
    for (const other of Object.keys((service['depends_on'] ?? {}))) expect(compose.services).toHaveProperty(other) // prettier-ignore
    // A release, not a line of them that floats.
    expect(service.image, name).toMatch(/^sluice:local$|:v?\d+\.\d+(\.\d+)?$/)
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

test.each(services)('docker-compose.yml: %s is bounded, and asked how it is', (name, service) => {
  expect(service['mem_limit']).toMatch(/^\d+[mg]$/)
  expect(service['pids_limit']).toBeGreaterThan(0)
  const once = ['migrate', 'topics', 'cli'].includes(name)
  // Ours have that of the image.
  expect('healthcheck' in service).toBe(service.image !== 'sluice:local')
  expect(service['restart']).toBe(once ? undefined : 'unless-stopped')
})

test('docker-compose.yml: no secret in it; they are files that ops/secrets.sh makes and git does not take', () => {
  for (const [name, { environment = {}, secrets = [] }] of services) {
    for (const [key, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET|TOKEN|DATABASE_URL/.test(key))
        expect(value, `${name}.${key}`).toMatch(/^\/run\/secrets\/\w+$/)
      expect(String(value), `${name}.${key}`).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@/)
      const [, mounted] = /^\/run\/secrets\/(\w+)$/.exec(String(value)) ?? []
      if (mounted !== undefined) expect(secrets, `${name}.${key}`).toContain(mounted)
    }
    for (const secret of secrets) expect(compose.secrets).toHaveProperty(secret)
  }
  const script = read('ops/secrets.sh')
  for (const { file } of Object.values(compose.secrets)) {
    expect(file).toMatch(/^\.\/ops\/secrets\//)
    expect(script).toContain(`make ${file.split('/').at(-1)}`)
  }
  for (const ignoring of ['.gitignore', '.dockerignore']) expect(read(ignoring)).toMatch(/^ops\/secrets\/?$/m)
})

test('ops/secrets.sh: random, once, and the URL holds the password of the server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'))
  try {
    const make = () => execa('sh', ['-c', 'cp "$0" "$1/secrets.sh" && sh "$1/secrets.sh"', fileURLToPath(new URL('../../ops/secrets.sh', import.meta.url)), folder]) // prettier-ignore
    await make()
    const of = (name: string) => readFileSync(join(folder, 'secrets', name), 'utf8')
    const first = of('postgres_password')
    expect(first).toMatch(/^[0-9a-f]{48}$/)
    expect(of('database_url')).toBe(`postgresql://sluice:${first}@postgres:5432/sluice`)
    expect(of('grafana_password')).not.toBe(first)
    expect((await make()).stdout).toMatch(/^(kept .*\n?){4}$/)
    expect(of('postgres_password')).toBe(first)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('docker-compose.yml: what is mounted is there, and read-only; what is kept has a name', () => {
  for (const [, { volumes = [] }] of services)
    for (const volume of volumes) {
      const [from = '', , mode] = volume.split(':')
      if (!from.startsWith('./')) expect(compose.volumes).toHaveProperty(from)
      else {
        expect(mode, volume).toBe('ro')
        expect(existsSync(new URL(`../../${from}`, import.meta.url)), from).toBe(true)
      }
    }
})

const found = await execa('docker-compose', ['version', '--short'], { reject: false })
if (found.exitCode !== 0) console.warn('NOT RUN: docker-compose config, there is none (apt-get install docker-compose)')

test.skipIf(found.exitCode !== 0)(
  'docker-compose.yml: docker-compose takes it',
  async () => {
    const { name: _, ...rest } = compose
    // Version 1 does not know `name`.
    const input = stringify(String(found.stdout).startsWith('1.') ? rest : compose)
    const { exitCode, all } = await execa('docker-compose', ['--project-directory', '.', '-f', '-', 'config'], { input, reject: false, all: true }) // prettier-ignore
    expect(exitCode, all).toBe(0)
  },
  60_000,
)

test('docker-compose.yml: ports are open on this machine alone', () => {
  for (const { ports = [] } of Object.values(compose.services)) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/) // prettier-ignore
})
