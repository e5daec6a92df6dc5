import { expect, test } from 'vitest'
import { internal } from '../../../src/kafka/kafkajs-internals.ts'
import { OperatorError } from '../../../src/lib/operator-error.ts'
import { verdictOf } from '../../../src/source/crash.ts'

type Fault = new (message: unknown, options?: object) => Error
const errors = internal('src/errors.js') as Record<string, Fault>
const named = (name: string, message: unknown = 'told', options?: object) => new errors[name]!(message, options)
const protocol = (type: string, retriable: boolean) =>
  named('KafkaJSProtocolError', { message: 'told', type, retriable })
/** As kafkajs's retries give it on. */
const wrapped = (cause: Error) => named('KafkaJSNonRetriableError', cause, { cause })

test.each([
  ['a record batch that cannot be read', wrapped(new OperatorError('unreadable', 'skip it'))],
  ['a client that gets no token', wrapped(Object.assign(new OperatorError('no', 'see'), { retriable: false }))],
  ['a user that is refused', named('KafkaJSSASLAuthenticationError')],
  ['a right that is missing', wrapped(protocol('GROUP_AUTHORIZATION_FAILED', false))],
  ['a codec that is missing', named('KafkaJSNotImplemented')],
  ['a group of another kind', wrapped(protocol('INCONSISTENT_GROUP_PROTOCOL', false))],
  ['a session time-out that brokers do not allow', wrapped(protocol('INVALID_SESSION_TIMEOUT', false))],
])('a person must mend %s', (_, error) => {
  expect(verdictOf(error)).toBe('person')
})

test.each([
  ['no coordinator', wrapped(named('KafkaJSGroupCoordinatorNotFound'))],
  ['a coordinator that is loading', wrapped(protocol('GROUP_LOAD_IN_PROGRESS', true))],
  ['a lock that timed out', wrapped(named('KafkaJSLockTimeout'))],
  ['too many retries', named('KafkaJSNumberOfRetriesExceeded', named('KafkaJSConnectionError'), {})],
  ['a connection that was refused', named('KafkaJSConnectionError')],
  ['a request that was not answered', named('KafkaJSRequestTimeoutError')],
  ['a broker that is not there', named('KafkaJSBrokerNotFound')],
  ['no broker at all', new errors['KafkaJSNoBrokerAvailableError']!('')],
  [
    'a server of tokens that is away',
    wrapped(Object.assign(new OperatorError('no token', 'see'), { retriable: true })),
  ],
  ['an answer that kafkajs does not know', wrapped(protocol('KAFKAJS_UNKNOWN_ERROR_CODE', false))],
])('%s is waited for', (_, error) => {
  expect(verdictOf(error)).toBe('outage')
})

test.each([new TypeError("reading 'has'"), wrapped(new TypeError('wrapped')), 'no error at all', undefined])(
  'nobody understands %s',
  (error) => {
    expect(verdictOf(error)).toBe('unknown')
  },
)
