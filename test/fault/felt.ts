// What of a fault of Kafka members have felt, as the proxies before the brokers count it: only members go through them.
import type { Member } from '../support/member.ts'
import type { Felt, ToxicProxy } from '../support/toxic-proxy.ts'
import type { KafkaStage } from './kafka-stage.ts'
import { exactly } from './play.ts'

const WORDS: Partial<Record<keyof Felt, string>> = {
  swallowed: 'brokers on the way to which bytes of the member were swallowed',
  delayed: 'brokers on the way to which bytes of the member were delayed',
  narrowed: 'brokers on the way to which bytes of the member went through the narrow pipe',
  sliced: 'brokers on the way to which bytes of the member came one by one',
  reset: 'brokers to which connections of the member were reset',
  halfClosed: 'brokers that ended their side of a connection of the member',
  refused: 'brokers at which the member was refused',
  lost: 'brokers that ended under connections of the member',
}

/** Evidence that it was felt at each of these brokers, since the fault began. Without a member: by any. */
export const noteFelt = (
  { evidence }: Pick<KafkaStage, 'evidence'>,
  what: keyof Felt,
  { proxies, member }: { proxies: readonly ToxicProxy[]; member?: Member },
): void => {
  const count = proxies.filter((proxy) => proxy.felt(member?.name)[what] > 0).length
  evidence.push(exactly(WORDS[what] ?? what, proxies.length, count))
}
