// kafkajs keeps a connection on which saying who we are went wrong, and begins anew on it. After a handshake that nothing
// followed (no token was to be had) the broker takes no second one: ILLEGAL_SASL_STATE, which ends the consumer for good.
// So such a connection is closed; the next attempt opens another.
import { internal } from './kafkajs-internals.ts'

type Authenticator = {
  connection: { disconnect(): Promise<unknown>; socket: { destroy(): void } | null }
  authenticate(): Promise<void>
}

const APPLIED = Symbol.for('sluice.kafkajsHalfSaid')

export const closeWhatIsHalfSaid = (): void => {
  const { prototype } = internal('src/broker/saslAuthenticator/index.js') as {
    prototype: Authenticator & { [APPLIED]?: true }
  }
  if (prototype[APPLIED]) return
  prototype[APPLIED] = true
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const original = prototype.authenticate
  prototype.authenticate = async function () {
    try {
      await original.call(this)
    } catch (error) {
      // Waits for what is under way on it: until then nobody else may begin, and nobody does (one attempt is shared).
      await this.connection.disconnect()
      this.connection.socket?.destroy() // a broker that hears nothing would keep its half of it
      throw error
    }
  }
}
