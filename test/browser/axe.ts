import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

type Axe = { axe: { run: () => Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }> } }

/** What axe-core finds on the page: which rule, and where. Run apart from the page's own policy of scripts. */
export default async (page: Page): Promise<string[]> => {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(source)
  const { violations } = await page.evaluate(() => (globalThis as unknown as Axe).axe.run())
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`))
}
