// Holds an answer against the description that the member itself gives of it.
import { z } from 'zod'

type Schema = { [key: string]: unknown }
type Operation = { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }
export type Description = { openapi: string; paths: Record<string, Record<string, Operation>> }

/** Nothing beside what is described: clients may meet more, tests may not. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed)
  if (schema === null || typeof schema !== 'object') return schema
  const parts = Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, closed(each)]))
  return 'properties' in parts && !('additionalProperties' in parts) ? { ...parts, additionalProperties: false } : parts
}

const matches = (template: string, path: string) =>
  new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path)

export type Answered = { method: string; path: string; status: number; text: string }

/** What is wrong with it; empty: nothing. */
export function faultsOf({ paths }: Description, { method, path, status, text }: Answered): string[] {
  const templates = Object.keys(paths).filter((each) => matches(each, path))
  const template = templates.find((each) => !each.includes('{')) ?? templates[0]
  const responses = paths[template ?? '']?.[method.toLowerCase()]?.responses
  const schema = (responses?.[status] ?? responses?.['default'])?.content?.['application/json']?.schema
  if (!schema) return [`${method} ${path}: ${status} is not described`]
  const result = z.fromJSONSchema(closed(schema) as never).safeParse(JSON.parse(text))
  return result.success ? [] : result.error.issues.map((issue) => `${method} ${path}: ${JSON.stringify(issue)}`)
}
