// What package-lock.json says of the packages that we ship, held against our rules. Pure; check-dependencies.ts prints it.

export type LockedPackage = {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly devDependencies?: object
}
export type Lock = { readonly packages: Readonly<Record<string, LockedPackage>> }
export type Manifest = { readonly allowScripts?: Readonly<Record<string, boolean>> }

/** Those that ask for no more than to be named. A package with a choice has to offer one of them. */
const LICENCES = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
]

const REGISTRY = /^https:\/\/registry\.npmjs\.org\//

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** `(MIT OR GPL-3.0)`: one is enough; `MIT AND ISC`: all are needed. Brackets within: not understood, so not allowed. */
export const isAllowed = (licence: string): boolean =>
  licence
    .replace(/^\(([^()]*)\)$/, '$1')
    .split(/ or /i)
    .some((choice) => choice.split(/ and /i).every((each) => LICENCES.includes(each.trim())))

export const shipped = ({ packages }: Lock): [path: string, locked: LockedPackage][] =>
  Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)

/** As if there were no development dependencies. */
export const shippedOnly = (lock: Lock): Lock => {
  const { devDependencies: _, ...root } = lock.packages[''] ?? {}
  return { ...lock, packages: { '': root, ...Object.fromEntries(shipped(lock)) } }
}

export const dependencyFaults = (lock: Lock, { allowScripts = {} }: Manifest): string[] => {
  const all = Object.entries(lock.packages).filter(([path]) => path !== '')
  const faults = all.flatMap(([path, { integrity, resolved, link, hasInstallScript }]) => [
    ...(link || !/^sha512-/.test(integrity ?? '') ? [`${path} has no sha512 in the lock file`] : []),
    ...(resolved !== undefined && !REGISTRY.test(resolved) ? [`${path} does not come from the registry`] : []),
    ...(hasInstallScript && !Object.hasOwn(allowScripts, nameOf(path))
      ? [`${path} wants to run a script at its installation: say in allowScripts whether it may`]
      : []),
  ])
  const licences = shipped(lock)
    .filter(([, { license }]) => !isAllowed(license ?? 'none'))
    .map(([path, { license }]) => `${path} is shipped under the licence ${license ?? '(none said)'}`)
  return [...faults, ...licences]
}
