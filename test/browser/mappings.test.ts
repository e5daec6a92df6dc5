// Mappings in a real browser: found, corrected with the keyboard alone, undone.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { event, recordOf } from '../support/events.ts'
import { until } from '../support/until.ts'
import axe from './axe.ts'
import { type Ground, openGround, overhang, shot, TOKEN } from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground?.close())

test('the least certain mapping is found and corrected, which is undone; vendor texts are shown with the token only', async () => {
  const { world, openTab, go } = ground
  for (const description of ['Blue glass vase', 'Red wicker basket', 'RED WICKRE BASKET', 'RED WICKRE BASKET'])
    await world.send([recordOf(event({ vendorItem: { description } }), 0)])
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
    expect(await overhang(page)).toBeLessThanOrEqual(0)
    expect(await axe(page)).toEqual([])
    await shot(page, `mapping-asked-${look}`)
    await page.keyboard.press('Escape')
    await until('the focus is where it was', isBack)
  }
  expect(wrong.filter((line) => !line.includes('409'))).toEqual([])
  await close()
})
