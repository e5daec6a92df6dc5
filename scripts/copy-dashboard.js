// The last step of `npm run build`: what tsc does not compile, the pages of the dashboard, goes into dist as it is.
import { cpSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const pages = at('src/http/dashboard')
if (existsSync(pages)) cpSync(pages, at('dist/http/dashboard'), { recursive: true })
