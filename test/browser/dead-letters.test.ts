// The pages with no dead letter, a few, and 100,000: each still answers, and none grows with them.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { type Ground, openGround, shot } from './ground.ts'

const MANY = 100_000
/** Of the list that is the largest, two pages of 50: a row has 13. */
const MOST_ELEMENTS = 2_000

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground?.close())

let filled = 0
/** The first a day ago, the last now; of five one is no JSON, of ten one was replayed and written, and of four one is of INV-1. */
const fillTo = async (count: number) => {
  const { groupId, topic } = ground.world.config
  const invoice = `CASE WHEN i % 4 = 1 THEN 'INV-1' ELSE 'INV-' || i % 5000 END`
  const isJson = (yes: string, no: string) => `CASE WHEN i % 5 = 0 THEN ${no} ELSE ${yes} END`
  const json = `json_build_object('eventId', gen_random_uuid(), 'userId', 'u-1', 'invoiceId', ${invoice}, 'lineNumber', i, 'vendorItem',
    json_build_object('sku', 'S-' || i % 300, 'description', 'A THING'), 'quantity', '0', 'unitPrice', '1.25', 'currency', 'GBP')::text`
  const columns: Record<string, string> = {
    ...{ id: `encode(sha256(('letter ' || i)::bytea), 'hex')`, group_id: `'${groupId}'`, topic: `'${topic}'` },
    ...{ partition: 'i % 3', record_offset: 'i', record_timestamp: 'now()', headers: `'[]'::bytea` },
    ...{ key: `convert_to(${invoice}, 'UTF8')`, value: `convert_to(${isJson(json, `'{"eventId":'`)}, 'UTF8')` },
    ...{ stage: isJson(`'validate'`, `'decode'`), code: isJson(`'QUANTITY_ZERO'`, `'JSON_INVALID'`) },
    message: isJson(`'The quantity is zero.'`, `'The value is not JSON.'`),
    path: isJson(`'/quantity'`, `''`),
    ...{ user_id: isJson(`'u-1'`, 'NULL'), invoice_id: isJson(invoice, 'NULL'), line_number: isJson('i', 'NULL') },
    status: `CASE WHEN i % 10 = 6 THEN 'resolved' ELSE 'open' END`,
    ...{ failed_at: 'now()', published_at: 'now()', created_at: `now() - (${MANY} - i) * interval '0.8 seconds'` },
  }
  await ground.world.query(`INSERT INTO dead_letter (${Object.keys(columns).join(', ')})
    SELECT ${Object.values(columns).join(', ')} FROM generate_series(${filled + 1}, ${count}) i`)
  filled = count
}
const number = (value: number) => value.toLocaleString('en')
const elements = (page: Page) => page.evaluate<number>('document.querySelectorAll("*").length')

test.each([
  { many: 0, open: 0, zero: 0, ofInvoice: 0 },
  { many: 5, open: 5, zero: 4, ofInvoice: 1 },
  { many: MANY, open: MANY * 0.9, zero: MANY * 0.7, ofInvoice: MANY * 0.2 },
])(
  '$many dead letters: overview, list, filter, paging, how many a replay would take, a letter, its invoice',
  async ({ many, open, zero, ofInvoice }) => {
    await fillTo(many)
    const { page, wrong, close } = await ground.openTab({ operator: true })
    const tile = page.locator('li', { hasText: 'Dead letters unresolved' }).locator('.value')
    await ground.go(page)
    await until('they are counted', async () => (await tile.innerText()) === number(open))
    await until('the newest are listed', async () => (await page.locator('td a.mono').count()) === Math.min(8, many))
    const byCode = page.getByRole('region', { name: 'By code' }).getByRole('row', { name: /^QUANTITY_ZERO/ })
    if (many > 0) await until('also by code', async () => (await byCode.innerText()).includes(`\t${number(zero)}\t`))
    await shot(page, `overview-of-${many}`)
    expect(await elements(page)).toBeLessThan(MOST_ELEMENTS)

    await page.getByRole('link', { name: 'Dead letters', exact: true }).click()
    await page.getByText(`${number(open)} unresolved of ${number(many)};`).waitFor()
    const rows = page.locator('tbody tr')
    const hasRows = (count: number) => until(`${count} letters`, async () => (await rows.count()) === count)
    await hasRows(Math.min(50, open))
    const more = page.getByRole('button', { name: 'Show more' })
    expect(await more.isVisible()).toBe(open > 50)
    const replay = page.getByRole('button', { name: 'Replay all of these …' })
    expect(await replay.isEnabled()).toBe(open > 0)
    if (many > 50) await more.click()
    await hasRows(Math.min(100, open))
    const links = await rows
      .locator('a')
      .evaluateAll((all) => all.map((each) => (each as unknown as { href: string }).href))
    expect(new Set(links).size).toBe(links.length)
    await shot(page, `dead-letters-of-${many}`)
    expect(await elements(page)).toBeLessThan(MOST_ELEMENTS)

    if (many > 0) {
      const letters = async (count: number) => {
        await replay.click()
        await page.getByText(`${number(count)} ${count === 1 ? 'letter' : 'letters'}.`, { exact: true }).waitFor()
        await page.getByRole('button', { name: 'Cancel' }).click()
      }
      await letters(open)
      await page.getByLabel('Code').selectOption('QUANTITY_ZERO')
      await until('they are filtered', async () => (await rows.filter({ hasNotText: 'QUANTITY_ZERO' }).count()) === 0)
      await hasRows(Math.min(50, zero))
      await letters(zero)
      expect(await ground.world.query(`SELECT FROM dead_letter WHERE replay_count > 0`)).toEqual([])
      await rows.locator('a').first().click()
      await page.getByText('"quantity": "0"').waitFor()
    }
    await ground.go(page, 'invoices/INV-1')
    await page
      .getByText(many === 0 ? 'No record of it is known' : 'No line of it is in the ledger.')
      .first()
      .waitFor()
    const listed = await rows.filter({ hasText: 'QUANTITY_ZERO' }).count()
    expect(listed).toBe(Math.min(100, ofInvoice))
    expect(await page.getByText('more that failed are not listed here').first().isVisible()).toBe(ofInvoice > 100)
    await shot(page, `invoice-of-${many}`)
    expect(await elements(page)).toBeLessThan(MOST_ELEMENTS)
    expect(await page.locator('.banner').count()).toBe(0)
    expect(wrong).toEqual([])
    await close()
  },
  180_000,
)
