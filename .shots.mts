import { openBrowser } from './test/support/browser.ts'
const [url = '', out = '/tmp/shots'] = process.argv.slice(2)
const browser = await openBrowser()
const shot = async (name: string, hash: string, viewport: { width: number; height: number }, wait = 3500) => {
  const context = await browser.newContext({ locale: 'en-GB', viewport })
  const page = await context.newPage()
  page.on('console', (m) => m.type() === 'error' && console.log(name, m.text()))
  await page.goto(`${url}#/${hash}`)
  await page.waitForTimeout(wait)
  await page.screenshot({ path: `${out}/${name}.png`, fullPage: true })
  console.log(name, await page.evaluate('[document.querySelector("header").offsetHeight, document.documentElement.scrollWidth]'))
  await context.close()
}
const wide = { width: 1280, height: 900 }
const phone = { width: 390, height: 844 }
await shot('overview', '', wide, 7000)
await shot('overview-phone', '', phone, 7000)
await shot('dead-letters', 'dead-letters', wide)
await shot('dead-letters-phone', 'dead-letters', phone)
await shot('mappings', 'mappings', wide)
await shot('zzz', 'dead-letters/zzz', wide)
await browser.close()
