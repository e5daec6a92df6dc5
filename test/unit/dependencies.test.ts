import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  dependencyFaults,
  isAllowed,
  type Lock,
  type LockedPackage,
  type Manifest,
  shipped,
} from '../../scripts/dependencies.ts'

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'))
const fine = { integrity: 'sha512-x', license: 'MIT' }
const faults = (locked: LockedPackage, manifest: Manifest = {}) =>
  dependencyFaults({ packages: { '': {}, 'node_modules/@a/b': locked } }, manifest)

test('ours are fine', () => {
  expect(dependencyFaults(read('package-lock.json') as Lock, read('package.json') as Manifest)).toEqual([])
})

test.each<[LockedPackage, RegExp]>([
  [{ ...fine, integrity: 'sha1-x' }, /has no sha512/],
  [{ license: 'MIT' }, /has no sha512/],
  [{ ...fine, link: true }, /has no sha512/],
  [{ ...fine, resolved: 'git+ssh://git@github.com/a/b.git' }, /does not come from the registry/],
  [{ ...fine, license: 'GPL-3.0' }, /shipped under the licence GPL-3.0/],
  [{ integrity: 'sha512-x' }, /none said/],
  [{ ...fine, hasInstallScript: true }, /@a\/b wants to run a script/],
])('%o is not', (locked, text) => {
  expect(faults(locked).join()).toMatch(text)
})

test('a licence of what is not shipped, and a script that was decided on, are fine', () => {
  expect(faults({ ...fine, license: 'GPL-3.0', dev: true })).toEqual([])
  expect(faults({ ...fine, hasInstallScript: true }, { allowScripts: { '@a/b': false } })).toEqual([])
})

test('a choice needs one, a sum all', () => {
  expect(['(MIT OR GPL-3.0)', 'MIT AND ISC', 'Apache-2.0'].map(isAllowed)).toEqual([true, true, true])
  for (const licence of ['GPL-3.0', 'MIT AND GPL-3.0', '', '(MIT OR ISC) AND GPL-3.0', '(MIT OR GPL-2.0) AND (MIT)'])
    expect(isAllowed(licence), licence).toBe(false)
})

// npm starts twice in it.
test('the bill of materials names each shipped package, and no other', { timeout: 60_000 }, () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8' })
  const { metadata, components } = JSON.parse(text) as {
    metadata: { component: { name: string } }
    components: { name: string; version: string; hashes: { alg: string }[] }[]
  }
  expect(metadata.component.name).toBe('sluice')
  const named = ({ name, version }: { name: string; version: string }) => `${name}@${version}`
  const expected = shipped(read('package-lock.json') as Lock).map(([path, { version }]) =>
    named({ name: path.split('node_modules/').at(-1)!, version: version! }),
  )
  expect(new Set(components.map(named))).toEqual(new Set(expected))
  for (const each of components) expect(each.hashes.map(({ alg }) => alg), each.name).toEqual(['SHA-512']) // prettier-ignore
})
