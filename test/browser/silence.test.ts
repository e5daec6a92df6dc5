// The pages while a member dies, another one or the one that serves them; while PostgreSQL is away; and a job that another member has.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { event, recordOf } from '../support/events.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { type Ground, openGround, shot } from './ground.ts'

let ground: Ground
let letter = ''
beforeAll(async () => {
  ground = await openGround()
  const { world } = ground
  await world.send([recordOf(event({ invoiceId: 'INV-9' }), 0), recordOf(event({ quantity: '0', invoiceId: 'INV-9', lineNumber: 2 }), 0)]) // prettier-ignore
  await world.drained()
  letter = (await world.query<{ id: string }>('SELECT id FROM dead_letter'))[0]!.id
})
afterAll(() => ground?.close())

const live = (page: Page) => page.getByText('live', { exact: true }).waitFor()

test('a job of which the member that answers knows nothing: it is said to be another’s, asked for again, and found', async () => {
  const { page, close } = await ground.openTab({ operator: true })
  const error = { code: 'NO_SUCH_JOB', message: 'this member knows no such job', remedy: '' }
  await page.route('**/api/jobs/*', (route) => route.fulfill({ status: 404, json: { error } }))
  await ground.go(page, `dead-letters/${letter}`)
  await page.getByRole('button', { name: 'Replay …' }).click()
  await page.getByText('1 letter.').waitFor()
  await page.getByRole('button', { name: 'Replay', exact: true }).click()
  await page.getByText('it goes on in the one that began it').waitFor()
  await page.unrouteAll({ behavior: 'wait' })
  await page.getByText('1 sent').waitFor()
  await close()
})

test('pages while a member dies: others go on; those that it serves say that they are old, keep what they show, and are live again', async () => {
  const { openTab, go, serve, port, member } = ground
  const pages = {
    '': 'Members of the group',
    'dead-letters': 'Newest first',
    [`dead-letters/${letter}`]: 'The quantity is zero.',
    'invoices/INV-9': 'Some lines are in the ledger, some failed.',
  }
  const second = serve('second', await freePort())
  await second.logged('partitions assigned')
  const tabs = await Promise.all(
    Object.entries(pages).map(async ([hash, shows]) => {
      const tab = await openTab({ operator: true })
      await go(tab.page, hash)
      return { ...tab, hash, shown: tab.page.getByText(shows).first() }
    }),
  )
  const [overview, list, one] = tabs.map(({ page }) => page) as [Page, Page, Page]
  const row = overview.getByRole('row', { name: new RegExp(`, ${second.pid} `) })
  await row.getByText('running').waitFor()
  second.kill('SIGKILL')
  await row.getByText('silent').waitFor({ timeout: 30_000 })
  await shot(overview, 'member-silent')
  for (const { page, hash, shown, wrong } of tabs) {
    await live(page)
    await shown.waitFor()
    expect(await page.locator('.banner').count(), hash).toBe(0)
    expect(wrong, hash).toEqual([])
  }

  member.kill('SIGKILL')
  for (const { page, shown } of tabs) {
    await page.getByText(/^not heard since/).waitFor()
    await page.getByText('does not answer').first().waitFor()
    expect(await shown.isVisible()).toBe(true)
  }
  await shot(overview, 'not-heard')
  await shot(list, 'dead-letters-not-heard')
  await one.getByRole('button', { name: 'Replay …' }).click()
  await one.locator('dialog').getByText('does not answer').waitFor()
  await one.getByRole('button', { name: 'Close' }).click()
  // A page that was not there yet comes when there is somebody to ask.
  await list.getByRole('link', { name: 'QUANTITY_ZERO' }).or(list.locator('td a')).first().click()
  await list.locator('.loading', { hasText: 'does not answer' }).waitFor()

  const third = serve('third', port)
  await third.logged('partitions assigned')
  await list.getByRole('heading', { name: /^QUANTITY_ZERO/ }).waitFor()
  for (const { page, close } of tabs) {
    await live(page)
    await until('nothing is said to be wrong', async () => (await page.locator('.banner').count()) === 0)
    await close()
  }
})
