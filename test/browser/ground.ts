// What a test of the dashboard stands on: a real browser, and a real member of a real group that serves the page.
import { type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { openArena } from '../support/arena.ts'
import { openBrowser, SCREENSHOTS } from '../support/browser.ts'
import { freePort } from '../support/free-port.ts'
import { QUICK_SESSION } from '../support/member.ts'

export const TOKEN = 'of-the-operators-of-this-test'
export type Ground = Awaited<ReturnType<typeof openGround>>
type TabOptions = BrowserContextOptions & { operator?: boolean }

export const openGround = async () => {
  const browser = await openBrowser()
  const world = await openArena(3)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const serve = (name: string, at: number) =>
    world.start(name, { ...QUICK_SESSION, HTTP_PORT: String(at), ADMIN_TOKEN: TOKEN })
  const member = serve('first', port)
  await member.logged('partitions assigned')
  return {
    ...{ world, port, member, serve },
    openTab: (options: TabOptions = {}) => openTab(browser, url, options),
    /** To a page, or a part of it: `dead-letters?code=…`. */
    go: (page: Page, hash = '') => page.goto(`${url}#/${hash}`),
    async close() {
      await browser.close()
      await world.close()
    },
  }
}

/** A tab whose every error, and every request to anywhere else, fails the test that looks; `operator`: has given the token. */
const openTab = async (browser: Browser, url: string, { operator = false, ...options }: TabOptions) => {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options })
  if (operator) await context.addInitScript(`sessionStorage.setItem('sluice.token', '${TOKEN}')`)
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`))
  page.on('console', (message) => message.type() === 'error' && wrong.push(`console: ${message.text()}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) wrong.push(`asked ${request.url()}`)
  })
  // A look of the page that a route is answering just then would be answered by a context that is gone.
  const close = () => page.unrouteAll({ behavior: 'wait' }).then(() => context.close())
  return { page, wrong, close }
}

export const shot = (page: Page, name: string) => page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true })
/** How much wider the page is than the window. */
export const overhang = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
