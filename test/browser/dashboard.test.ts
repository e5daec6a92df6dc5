// The dashboard in a real browser, served by a real member of a real group: what a person sees, clicks and is told.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateEvents } from '../../src/publish/generate.ts'
import { event, recordOf } from '../support/events.ts'
import { until } from '../support/until.ts'
import axe from './axe.ts'
import { type Ground, openGround, overhang, shot, TOKEN } from './ground.ts'

/** Markup in what a sender controls. */
const MARKUP = '<img/src=x/onerror=document.title="owned">'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground?.close())

const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent')

test('no dead letter yet: the page says so, and what is settled is what consumer_offset says', async () => {
  await ground.world.send([...generateEvents({ count: 900, seed: 5, bad: 0, conflicts: 0, tombstones: 0 })].map(({ key, value }) => ({ key, value }))) // prettier-ignore
  await ground.world.drained()
  const { page, wrong, close } = await ground.openTab()
  await ground.go(page)
  const { inserted, duplicate } = await ground.world.totals()
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
  await ground.go(page, 'dead-letters')
  await page.getByText('every record is in the ledger').waitFor()
  await shot(page, 'dead-letters-none')
  expect(wrong).toEqual([])
  await close()
})

test('a bad record is found by three clicks, understood, and replayed with the token', async () => {
  const bad = event({ quantity: '0', invoiceId: 'INV-9', lineNumber: 4 })
  await ground.world.send([1, 2, 3, 5].map((lineNumber) => recordOf(event({ invoiceId: 'INV-9', lineNumber }), 0)))
  await ground.world.send([{ ...recordOf(bad, 0), headers: [['of-nothing', Buffer.alloc(0)]] }, { key: Buffer.from(MARKUP), value: Buffer.from(JSON.stringify({ invoiceId: MARKUP })) }]) // prettier-ignore
  await ground.world.drained()
  const { page, wrong, close } = await ground.openTab()
  await ground.go(page)
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
  await ground.go(page, 'dead-letters')
  await page.getByText(MARKUP).first().waitFor()
  expect(await page.title()).not.toBe('owned')
  await shot(page, 'dead-letters')
  await ground.go(page, 'invoices/INV-9')
  await page.getByText('Some lines are in the ledger, some failed.').waitFor()
  expect(await page.locator('dt:text-is("in the ledger") + dd').innerText()).toBe('1–3, 5')
  await shot(page, 'invoice')
  // Not only once: or it would soon say that nobody was heard.
  for (let heard = 0; heard < 2; heard += 1)
    await page.waitForResponse((response) => response.url().endsWith('/api/state'))
  expect(wrong.filter((line) => !line.includes('401'))).toEqual([])
  await close()
})

test.each([
  ['', 'overview'],
  ['dead-letters', 'dead-letters'],
  ['dead-letters/', 'dead-letter'],
  ['invoices/INV-9', 'invoice'],
])('page %j: nothing that axe finds, in light, dark and on a phone, and no sideways scrolling', async (hash, name) => {
  const operator = name === 'dead-letter'
  const sql = `SELECT id FROM dead_letter WHERE invoice_id = 'INV-9'`
  const [letter] = operator ? await ground.world.query<{ id: string }>(sql) : []
  for (const [look, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ] as const) {
    const { page, wrong, close } = await ground.openTab({ ...options, operator })
    await ground.go(page, `${hash}${letter?.id ?? ''}`)
    await page.getByText('live', { exact: true }).waitFor()
    await until('it has loaded', async () => (await page.locator('.loading').count()) === 0)
    if (operator) await page.getByRole('heading', { name: /^Value, \d+ bytes, JSON/ }).waitFor()
    const width = await overhang(page)
    await shot(page, `${name}-${look}`)
    expect(width, `${name} ${look}`).toBeLessThanOrEqual(0)
    expect(await axe(page)).toEqual([])
    expect(wrong).toEqual([])
    await close()
  }
})

test('all that fit a filter without a code: replayed, and discarded but for what failed after they were counted', async () => {
  const fail = async () => {
    await ground.world.send([recordOf(event({ quantity: '0', invoiceId: 'INV-10' }), 0)])
    await ground.world.drained()
  }
  await fail()
  await fail()
  const { page, wrong, close } = await ground.openTab()
  await ground.go(page, 'dead-letters?invoice=INV-10')
  await page.getByRole('button', { name: 'Replay all of these …' }).click()
  await page.getByRole('textbox', { name: 'Token' }).fill(TOKEN)
  await page.getByRole('button', { name: 'Use it' }).click()
  await page.getByText('2 letters.').waitFor()
  await page.getByRole('button', { name: 'Replay', exact: true }).click()
  await page.getByText('2 sent').waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  await ground.world.drained()

  await page.getByRole('button', { name: 'Discard all of these …' }).click()
  await page.getByText('2 letters.').waitFor()
  await fail()
  await page.getByRole('textbox', { name: 'Why' }).fill('test data')
  await page.getByRole('button', { name: 'Discard', exact: true }).click()
  await page.getByText('2 discarded.').waitFor()
  const sql = `SELECT status FROM dead_letter WHERE invoice_id = 'INV-10' ORDER BY created_at`
  expect(await ground.world.query(sql)).toEqual(['discarded', 'discarded', 'open'].map((status) => ({ status })))
  expect(wrong).toEqual([])
  await close()
})

test('what the member does not know is a dash; a fault of the page is not said to be the silence of the member', async () => {
  const { page, wrong, close } = await ground.openTab()
  let without: object = { deadLetters: null, now: null }
  await page.route('**/api/state', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...((await response.json()) as object), ...without } })
  })
  await ground.go(page)
  await page.getByText('nobody could count them yet').waitFor()
  await page.getByRole('region', { name: /^Members of the group/ }).waitFor()
  expect(await page.locator('.banner').count()).toBe(0)
  without = { members: null }
  await page.getByText(/^This page has a fault/).waitFor()
  without = {}
  const ofMany = { invoiceId: '1', results: [], more: true }
  await page.route('**/api/invoices/1', (route) => route.fulfill({ json: ofMany }))
  await ground.go(page, 'invoices/1')
  await page.getByText('More users have an invoice of that id than are shown').waitFor()
  expect(wrong).toEqual([])
  await close()
})

test('with the keyboard alone: skip link, navigation, a letter', async () => {
  const { page, close } = await ground.openTab()
  await ground.go(page)
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

  const link = page.getByRole('row', { name: /INV-9/ }).getByRole('link')
  await link.waitFor()
  const href = await link.getAttribute('href')
  const isOn = async () => (await page.evaluate('document.activeElement.getAttribute("href")')) === href
  // As many as there are: header, filter, buttons, boxes and links.
  const stops = await page.locator('a, button, input, select, [tabindex="0"]').count()
  for (let tabs = 0; tabs < stops && !(await isOn()); tabs += 1) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /^QUANTITY_ZERO/ }).waitFor()
  expect(page.url()).toMatch(/#\/dead-letters\/[0-9a-f]{64}$/)
  expect(await page.evaluate('document.activeElement.id')).toBe('main')
  await close()
})
