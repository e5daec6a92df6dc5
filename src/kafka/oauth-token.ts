// Tokens for SASL OAUTHBEARER by the client credentials grant (RFC 6749, 4.4).
import { z } from 'zod'
import type { OauthConfig } from '../config.ts'
import { readAgain } from '../lib/file-again.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

/** The start-up checks give up after eight seconds: the answer has to come, or its absence be told, before. */
const ANSWER_MS = 5_000
/**
 * A token is used again only while it has more than this left. kafkajs says again who we are ten seconds before the broker's
 * session ends, and a session ends with its token: a token with less left would be shown, and refused, again and again.
 */
const LEFT_MS = 20_000
const LEFT_SHARE = 0.2

const answer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.coerce.number().positive().catch(0),
})
const refusal = z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) })

type Token = { readonly value: string; readonly freshUntil: number }

/** Never a secret, nor the query, which may hold one. */
const shown = (url: string) => `${new URL(url).origin}${new URL(url).pathname}`

/** kafkajs tries again, or restarts, what is marked so; a refusal stays one. */
const passing = (error: OperatorError) => Object.assign(error, { retriable: true })
const refused = (error: OperatorError) => Object.assign(error, { retriable: false })

const unreachable = (url: string, why: string, cause?: unknown) =>
  passing(
    new OperatorError(
      `cannot get a token from ${shown(url)} (${why})`,
      'check KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, and that the authorisation server runs',
      ExitCode.unavailable,
      { cause },
    ),
  )

const codeOf = (error: unknown): string => {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === 'TimeoutError') return 'no answer'
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return 'no connection'
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from([id, secret].map((part) => new URLSearchParams([['', part]]).toString().slice(1)).join(':')).toString('base64')}`

type Said = { status: number; said: unknown }

const request = async (config: OauthConfig): Promise<Said> => {
  const { tokenUrl, clientId, clientSecret, clientSecretFile, scope } = config
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) })
  const headers = {
    authorization: basic(clientId, readAgain(clientSecret, clientSecretFile)),
    accept: 'application/json',
  }
  try {
    const signal = AbortSignal.timeout(ANSWER_MS)
    const response = await fetch(tokenUrl, { method: 'POST', headers, body, redirect: 'error', signal })
    return { status: response.status, said: await response.json().catch(() => null) }
  } catch (error) {
    throw unreachable(tokenUrl, codeOf(error), error)
  }
}

const fetchToken = async (config: OauthConfig, now: () => number): Promise<Token> => {
  const asked = now()
  const { status, said } = await request(config)
  const parsed = answer.safeParse(said)
  if (status === 200 && parsed.success) {
    const lifeMs = parsed.data.expires_in * 1_000
    return { value: parsed.data.access_token, freshUntil: asked + lifeMs - Math.max(LEFT_MS, lifeMs * LEFT_SHARE) }
  }
  const code = refusal.safeParse(said)
  const why = `HTTP ${status}${code.success ? `, ${code.data.error}` : ''}`
  if (status < 400 || status >= 500 || status === 429)
    throw unreachable(config.tokenUrl, status === 200 ? 'it answers something else than a token' : why)
  throw refused(
    new OperatorError(
      `the authorisation server at ${shown(config.tokenUrl)} gives the client "${config.clientId}" no token (${why})`,
      'check KAFKA_SASL_OAUTHBEARER_CLIENT_ID, …_CLIENT_SECRET and …_SCOPE',
    ),
  )
}

/** One request at a time, shared by whoever waits. */
export const createTokenSource = (config: OauthConfig, now: () => number): (() => Promise<{ value: string }>) => {
  let token: Token | null = null
  let asking: Promise<Token> | null = null
  return async () => {
    if (token !== null && now() < token.freshUntil) return { value: token.value }
    asking ??= fetchToken(config, now).finally(() => (asking = null))
    token = await asking
    return { value: token.value }
  }
}
