// What an orchestrator asks a member while a fault lasts: a restart would help nobody, and nobody is to be sent there.
import type { ProofLine } from '../../src/demo/proof.ts'
import { probe } from '../support/asked.ts'
import type { Member } from '../support/member.ts'
import { until } from '../support/until.ts'
import { exactly } from './play.ts'

const OK = 200
const NOT_NOW = 503

/** Live, and not ready: for somebody else's outage. */
export const probeOutage = async (member: Member, when: string): Promise<ProofLine[]> => [
  exactly(`/health of ${member.name} ${when}`, OK, (await probe(member, '/health')) ?? 0),
  exactly(`/ready of ${member.name} ${when}`, NOT_NOW, (await probe(member, '/ready')) ?? 0),
]

/** Both, of all of them. */
export const probeAll = async (members: readonly Member[], when: string): Promise<ProofLine[]> => {
  const ok = async (path: '/health' | '/ready') => {
    const statuses = await Promise.all(members.map((member) => probe(member, path)))
    return statuses.filter((status) => status === OK).length
  }
  const describe = () => members.map((member) => member.tail()).join('\n')
  await until(`all are ready ${when}`, async () => (await ok('/ready')) === members.length, { describe })
  return [exactly(`members that are live ${when}`, members.length, await ok('/health'))]
}
