// The dashboard in a real browser, served by a real member of a real group: what a person sees, clicks and is told.
import axe from './axe.ts'
import { type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateEvents } from '../../src/publish/generate.ts'
import { openArena } from '../support/arena.ts'
import { openBrowser, SCREENSHOTS } from '../support/browser.ts'
import { event, recordOf } from '../support/events.ts'
import { freePort } from '../support/free-port.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

const TOKEN = 'of-the-operators-of-this-test'
/** Markup in what a sender controls. */
const MARKUP = '<img/src=x/onerror=document.title="owned">'

let browser: Browser
let world: World
let member: Member
let url = ''

beforeAll(async () => {
  browser = await openBrowser()
  world = await openArena(3)
  const port = await freePort()
  member = world.start('first', { ...QUICK_SESSION, HTTP_PORT: String(port), ADMIN_TOKEN: TOKEN })
  url = `http://127.0.0.1:${port}/`
  await member.logged('partitions assigned')
})
afterAll(async () => {
  await browser?.close()
  await world?.close()
})

/** A tab whose every error, and every request to anywhere else, fails the test that looks. */
const openTab = async (options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options })
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
const shot = (page: Page, name: string) => page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true })
const go = (page: Page, hash = '') => page.goto(`${url}#/${hash}`)
const send: World['send'] = (records) => world.send(records)
const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent')

test('no dead letter yet: the page says so, and what is settled is what consumer_offset says', async () => {
  await send([...generateEvents({ count: 900, seed: 5, bad: 0, conflicts: 0, tombstones: 0 })].map(({ key, value }) => ({ key, value }))) // prettier-ignore
  await world.drained()
  const { page, wrong, close } = await openTab()
  await go(page)
  const { inserted, duplicate } = await world.totals()
  const column = async (name: string) => {
    const table = page.getByRole('region', { name: /^Per partition/ })
    const heads = await table.locator('th').allInnerTexts()
    const cells = await table.locator(`tbody td:nth-child(${heads.indexOf(name) + 1})`).allInnerTexts()
    return cells.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0)
  }
  await until('the page has the numbers', async () => (await column('inserted')) === inserted)
  expect(await column('duplicates')).toBe(duplicate)
  // Known with the member's next look at Kafka; until then a dash.
  await until('the lag is known, and none', async () => (await column('lag')) === 0)
  await page.getByText('No dead letters.').waitFor()
  await page.getByText('nothing waits').waitFor()
  await go(page, 'dead-letters')
  await page.getByText('every record is in the ledger').waitFor()
  await shot(page, 'dead-letters-none')
  expect(wrong).toEqual([])
  await close()
})

test('a bad record is found by three clicks, understood, and replayed with the token', async () => {
  const bad = event({ quantity: '0', invoiceId: 'INV-9' })
  await send([{ ...recordOf(bad, 0), headers: [['of-nothing', Buffer.alloc(0)]] }, { key: Buffer.from(MARKUP), value: Buffer.from(JSON.stringify({ invoiceId: MARKUP })) }]) // prettier-ignore
  await world.drained()
  const { page, wrong, close } = await openTab()
  await go(page)
  await page.getByRole('link', { name: 'QUANTITY_ZERO' }).click()
  const row = page.getByRole('row', { name: /INV-9/ })
  await row.getByRole('link').click()
  await page.getByRole('heading', { name: /QUANTITY_ZERO/ }).waitFor()
  await page.getByText('shown to operators only').waitFor()
  expect(await page.content()).not.toContain(bad.eventId)
  await page.getByRole('button', { name: 'Replay …' }).click()
  await page.getByRole('textbox', { name: 'Token' }).fill('wrong')
  await page.getByRole('button', { name: 'Use it' }).click()
  await page.locator('dialog .bad').waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Replay …' }).click()
  await page.getByRole('textbox', { name: 'Token' }).fill(TOKEN)
  await page.getByRole('button', { name: 'Use it' }).click()
  await page.getByText('1 letter.').waitFor()
  await shot(page, 'replay-asked')
  await page.getByRole('button', { name: 'Replay', exact: true }).click()
  await page.getByText('1 sent').waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  // It fails again: the same letter, one replay more. The page hears of it by itself.
  await page.getByText('Replayed once; it failed again at').waitFor()
  expect(await page.locator('dt:text-is("replays") + dd').innerText()).toBe('1')
  await page.getByText(bad.eventId).first().waitFor()
  expect(await page.locator('dt:text-is("of-nothing") + dd').innerText()).toBe('(empty)')
  await shot(page, 'dead-letter')
  await go(page, 'dead-letters')
  await page.getByText(MARKUP).first().waitFor()
  expect(await page.title()).not.toBe('owned')
  await shot(page, 'dead-letters')
  await go(page, 'invoices/INV-9')
  await page.getByText('No line of it is in the ledger.').waitFor()
  await shot(page, 'invoice')
  // Not only once: or it would soon say that nobody was heard.
  for (let heard = 0; heard < 2; heard += 1)
    await page.waitForResponse((response) => response.url().endsWith('/api/state'))
  expect(wrong.filter((line) => !line.includes('401'))).toEqual([])
  await close()
})

test('the least certain mapping is found and corrected, which is undone; vendor texts are shown with the token only', async () => {
  for (const description of ['Blue glass vase', 'Red wicker basket', 'RED WICKRE BASKET', 'RED WICKRE BASKET'])
    await send([recordOf(event({ vendorItem: { description } }), 0)])
  await world.drained()
  const { page, wrong, close } = await openTab()
  await go(page, 'mappings')
  await page.getByText('shown to operators only').waitFor()
  await page.getByRole('button', { name: 'Give the token …' }).click()
  await page.getByRole('textbox', { name: 'Token' }).fill(TOKEN)
  await page.getByRole('button', { name: 'Use it' }).click()
  const row = page.getByRole('row', { name: /RED WICKRE BASKET/ })
  await row.waitFor()
  expect(await row.innerText()).toMatch(/^0\.\d\d\s+fuzzy\s.*Red wicker basket \(item:\d+\)/s)
  await shot(page, 'mappings')
  expect(await axe(page)).toEqual([])

  // With the keyboard alone.
  const itemOf = async (key: string) =>
    (await world.query<{ item_id: string }>('SELECT item_id FROM item_mapping WHERE vendor_key = $1', [key]))[0]!
      .item_id
  const [basket, vase] = [await itemOf('text:red wicker basket'), await itemOf('text:blue glass vase')]
  const another = page.getByRole('button', { name: 'Another item … for RED WICKRE BASKET' })
  const isBack = async () =>
    (await page.evaluate('document.activeElement.ariaLabel')) === 'Another item … for RED WICKRE BASKET'
  await another.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'It is another item' })
  await dialog.getByLabel('Its number').fill('999999')
  await page.keyboard.press('Enter')
  await dialog.getByText('has no item 999999').waitFor()
  expect(await dialog.getByRole('button', { name: 'Move', exact: true }).isDisabled()).toBe(true)
  await dialog.getByLabel('Its number').fill(vase)
  await page.keyboard.press('Enter')
  await dialog.getByText(`from item ${basket} "Red wicker basket" to item ${vase} "Blue glass vase": 2 ledger rows, quantity 5.`).waitFor() // prettier-ignore
  await dialog.getByLabel('Why').fill('is a vase')
  expect(await axe(page)).toEqual([])
  await shot(page, 'mapping-asked')
  await dialog.getByRole('button', { name: 'Move', exact: true }).press('Enter')
  await dialog.getByText(`Done: 2 ledger rows, quantity 5, moved to item ${vase}.`).waitFor()
  await shot(page, 'mapping-corrected')
  await page.keyboard.press('Enter')
  await row.getByText('manual').waitFor()
  expect(await row.innerText()).toMatch(/^–\s+manual\s.*Blue glass vase \(item:\d+\)/s)
  await until('the focus is where it was', isBack)
  const rowsAt = async (item: string) =>
    Number((await world.query<{ rows: string }>('SELECT count(*) AS rows FROM ledger_entry WHERE item_id = $1', [item]))[0]!.rows) // prettier-ignore
  const differs = `SELECT FROM inventory v WHERE quantity <> (SELECT coalesce(sum(quantity), 0) FROM ledger_entry l WHERE l.item_id = v.item_id)`
  expect([await rowsAt(basket), await rowsAt(vase), await world.query(differs)]).toEqual([1, 3, []])
  expect(await world.query('SELECT reason FROM mapping_change')).toEqual([{ reason: 'is a vase' }])

  await page.getByRole('button', { name: 'Undo … for RED WICKRE BASKET' }).press('Enter')
  const undo = page.getByRole('dialog', { name: 'Undo the last correction' })
  await undo.getByText(`item ${basket} → item ${vase}`).waitFor()
  await shot(page, 'mapping-undo')
  await undo.getByRole('button', { name: 'Undo' }).press('Enter')
  await undo.getByText(`moved to item ${basket}.`).waitFor()
  // It is over: nothing is counted, nor could be undone, once more.
  await undo.getByLabel('Why').press('Enter')
  expect(await undo.getByRole('button', { name: 'Undo' }).isDisabled()).toBe(true)
  await undo.getByText(`moved to item ${basket}.`).waitFor()
  await undo.getByRole('button', { name: 'Close' }).press('Enter')
  await row.getByText('fuzzy').waitFor()
  expect(await row.innerText()).toMatch(/^0\.\d\d\s+fuzzy\s.*Red wicker basket/s)
  await until('the focus is where it was', isBack)
  expect([await rowsAt(basket), await rowsAt(vase), await world.query(differs)]).toEqual([3, 1, []])

  for (const [look, colorScheme, width] of [
    ['dark', 'dark', 1280],
    ['phone', 'light', 390],
  ] as const) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 844 })
    await another.press('Enter')
    await dialog.getByRole('combobox').selectOption('a new item')
    await dialog.getByRole('button', { name: 'Look' }).press('Enter')
    await dialog.getByText('to a new item').waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(await axe(page)).toEqual([])
    await shot(page, `mapping-asked-${look}`)
    await page.keyboard.press('Escape')
    await until('the focus is where it was', isBack)
  }
  expect(wrong.filter((line) => !line.includes('409'))).toEqual([])
  await close()
})

test.each([
  ['', 'overview'],
  ['dead-letters', 'dead-letters'],
  ['invoices/INV-9', 'invoice'],
])('page %j: nothing that axe finds, in light, dark and on a phone, and no sideways scrolling', async (hash, name) => {
  for (const [look, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ] as const) {
    const { page, wrong, close } = await openTab(options)
    await go(page, hash)
    await page.getByText('live', { exact: true }).waitFor()
    await until('it has loaded', async () => (await page.locator('.loading').count()) === 0)
    const width = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    await shot(page, `${name}-${look}`)
    expect(width, `${name} ${look}`).toBeLessThanOrEqual(0)
    expect(await axe(page)).toEqual([])
    expect(wrong).toEqual([])
    await close()
  }
})

test('all that fit a filter without a code: replayed, and discarded but for what failed after they were counted', async () => {
  const fail = async () => {
    await send([recordOf(event({ quantity: '0', invoiceId: 'INV-10' }), 0)])
    await world.drained()
  }
  await fail()
  await fail()
  const { page, wrong, close } = await openTab()
  await go(page, 'dead-letters?invoice=INV-10')
  await page.getByRole('button', { name: 'Replay all of these …' }).click()
  await page.getByRole('textbox', { name: 'Token' }).fill(TOKEN)
  await page.getByRole('button', { name: 'Use it' }).click()
  await page.getByText('2 letters.').waitFor()
  await page.getByRole('button', { name: 'Replay', exact: true }).click()
  await page.getByText('2 sent').waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  await world.drained()

  await page.getByRole('button', { name: 'Discard all of these …' }).click()
  await page.getByText('2 letters.').waitFor()
  await fail()
  await page.getByRole('textbox', { name: 'Why' }).fill('test data')
  await page.getByRole('button', { name: 'Discard', exact: true }).click()
  await page.getByText('2 discarded.').waitFor()
  const sql = `SELECT status FROM dead_letter WHERE invoice_id = 'INV-10' ORDER BY created_at`
  expect(await world.query(sql)).toEqual(['discarded', 'discarded', 'open'].map((status) => ({ status })))
  expect(wrong).toEqual([])
  await close()
})

test('what the member does not know is a dash; a fault of the page is not said to be the silence of the member', async () => {
  const { page, wrong, close } = await openTab()
  let without: object = { deadLetters: null, now: null }
  await page.route('**/api/state', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...((await response.json()) as object), ...without } })
  })
  await go(page)
  await page.getByText('nobody could count them yet').waitFor()
  await page.getByRole('region', { name: /^Members of the group/ }).waitFor()
  expect(await page.locator('.banner').count()).toBe(0)
  without = { members: null }
  await page.getByText(/^This page has a fault/).waitFor()
  without = {}
  const ofMany = { invoiceId: '1', results: [], more: true }
  await page.route('**/api/invoices/1', (route) => route.fulfill({ json: ofMany }))
  await go(page, 'invoices/1')
  await page.getByText('More users have an invoice of that id than are shown').waitFor()
  expect(wrong).toEqual([])
  await close()
})

test('with the keyboard alone: skip link, navigation, a letter', async () => {
  const { page, close } = await openTab()
  await go(page)
  await page.getByText('QUANTITY_ZERO').first().waitFor()
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('Skip to the content')
  for (const name of ['sluice', 'Overview', 'Dead letters']) {
    await page.keyboard.press('Tab')
    expect((await focused(page)).trim()).toBe(name)
  }
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Dead letters' }).waitFor()
  expect(await page.evaluate('document.activeElement.id')).toBe('main')
  await close()
})

test('a member that dies is shown to be silent; when it is the one that serves the page, the page says that it is old', async () => {
  const port = await freePort()
  const second = world.start('second', { ...QUICK_SESSION, HTTP_PORT: String(port), ADMIN_TOKEN: TOKEN })
  await second.logged('partitions assigned')
  const { page, close } = await openTab()
  await go(page)
  await page
    .getByRole('row', { name: new RegExp(`, ${second.pid} `) })
    .getByText('running')
    .waitFor()
  second.kill('SIGKILL')
  await page
    .getByRole('row', { name: new RegExp(`, ${second.pid} `) })
    .getByText('silent')
    .waitFor({ timeout: 30_000 })
  await shot(page, 'member-silent')
  member.kill('SIGKILL')
  await page.getByText(/^not heard since/).waitFor()
  await page.getByText('does not answer').first().waitFor()
  await shot(page, 'not-heard')
  await close()
})
