// What is said when something cannot be done.
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

/** Thrown by routes; everything else that is thrown is a fault. */
export class Refusal extends Error {
  readonly statusCode: number
  readonly code: string
  readonly remedy: string
  constructor(statusCode: number, code: string, message: string, remedy = '') {
    super(message)
    this.name = 'Refusal'
    this.statusCode = statusCode
    this.code = code
    this.remedy = remedy
  }
}

export type Told = {
  readonly status: number
  readonly body: { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } }
}

const told = (status: number, code: string, message: string, remedy = ''): Told => ({
  status,
  body: { error: { code, message, remedy } },
})

/** Of fastify itself: a body that is too large, of another type, no JSON. */
const ofFastify = (error: unknown): { statusCode: number; code: string; message: string } | null => {
  const { statusCode, code, message } = error as { statusCode?: unknown; code?: unknown; message?: unknown }
  return typeof statusCode === 'number' && statusCode < 500
    ? { statusCode, code: typeof code === 'string' ? code : 'REFUSED', message: String(message) }
    : null
}

/** Never the words of a fault that we do not know: PostgreSQL's quote the row. */
export function tell(error: unknown, explain: (error: unknown) => OperatorError | null): Told {
  if (error instanceof Refusal) return told(error.statusCode, error.code, error.message, error.remedy)
  const known = error instanceof OperatorError ? error : explain(error)
  if (known) {
    const status = known.exitCode === ExitCode.usage ? 404 : 503
    return told(status, status === 404 ? 'NOT_FOUND' : 'UNAVAILABLE', known.message, known.remedy)
  }
  const refused = ofFastify(error)
  if (refused) return told(refused.statusCode, refused.code, refused.message)
  return told(500, 'FAULT', 'a fault of sluice', 'see its log; the pipeline is not concerned')
}
