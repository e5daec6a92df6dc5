// A real browser from npm: Chromium with the libraries it wants, which a bare machine has not.
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium as playwright } from 'playwright-core'

/** Where screenshots of a run are left to be looked at. */
export const SCREENSHOTS = fileURLToPath(new URL('../../.test-results/screenshots/', import.meta.url))

export const openBrowser = async (): Promise<Browser> => {
  await mkdir(SCREENSHOTS, { recursive: true })
  // It unpacks its libraries only where it believes to be on AWS Lambda.
  process.env['AWS_LAMBDA_JS_RUNTIME'] ??= 'nodejs20.x'
  const { default: chromium } = await import('@sparticuz/chromium')
  const args = chromium.args.filter((arg) => !['--single-process', '--no-zygote'].includes(arg))
  return playwright.launch({ args, executablePath: await chromium.executablePath(), headless: true })
}
