// node --import …/register.js bin/sluice.js …: puts armed.ts in the place of src/lib/failpoint.ts in that process.
import { register } from 'node:module'

register('./hooks.js', import.meta.url)
