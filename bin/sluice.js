#!/usr/bin/env -S node --max-semi-space-size=64
// Millions of small objects that die young: a larger young generation halves the time in the garbage collector.
// In a checkout the TypeScript sources run as they are (tsx); in an installed package only dist/ exists.
import { existsSync } from 'node:fs'

if (existsSync(new URL('../src/main.ts', import.meta.url))) {
  const { register } = await import('tsx/esm/api')
  register()
  await import('../src/main.ts')
} else {
  await import('../dist/main.js')
}
