// Part of `npm run check`: integrity of the lock file, install scripts, licences of what is shipped.
import { readFileSync } from 'node:fs'
import { dependencyFaults, type Lock, type Manifest, shipped } from './dependencies.ts'

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))

const lock = read('package-lock.json') as Lock
const faults = dependencyFaults(lock, read('package.json') as Manifest)
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
else
  console.log(
    `dependencies: ${shipped(lock).length} shipped packages, each locked by sha512 and under a licence of the list`,
  )
