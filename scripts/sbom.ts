// The bill of materials of what is shipped, as CycloneDX, on stdout. `npm sbom --omit dev` leaves out whatever a development
// dependency uses too (commander, pg and 23 more): npm is shown a lock file in which there are none.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lock, shippedOnly } from './dependencies.ts'

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))

const manifest = read('package.json') as { name: string; devDependencies?: object }
const parent = mkdtempSync(join(tmpdir(), 'sbom-'))
// npm calls the thing by the name of its folder.
const folder = join(parent, manifest.name)
try {
  mkdirSync(folder)
  const { devDependencies: _, ...shipped } = manifest
  writeFileSync(join(folder, 'package.json'), JSON.stringify(shipped))
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(shippedOnly(read('package-lock.json') as Lock)))
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
} finally {
  rmSync(parent, { recursive: true })
}
