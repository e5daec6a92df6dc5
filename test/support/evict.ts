// Tells the group that a member which was killed will not come back, as its session time-out would a few seconds later: a
// LeaveGroup in its name. For runs with many kills; what the session time-out itself does is tested elsewhere.
import type { Config } from '../../src/config.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { adminWithCluster } from '../../src/kafka/cluster.ts'
import { createLog } from '../../src/telemetry/log.ts'

type Leave = { groupId: string; memberId: string }
type Coordinator = { leaveGroup(leave: Leave): Promise<unknown> }

/** Returns how many ids it had: a member that was killed while joining may have left more than one. */
export const evict = async (
  { kafka, groupId }: Pick<Config, 'kafka' | 'groupId'>,
  clientId: string,
): Promise<number> => {
  const { admin, cluster } = adminWithCluster(createKafka({ ...kafka, clientId: 'evicts' }, createLog('silent')))
  await admin.connect()
  try {
    const { groups } = await admin.describeGroups([groupId])
    const ids = (groups[0]?.members ?? []).filter((member) => member.clientId === clientId)
    const coordinator = (await cluster.findGroupCoordinator({ groupId })) as object as Coordinator
    for (const { memberId } of ids) await coordinator.leaveGroup({ groupId, memberId })
    return ids.length
  } finally {
    await admin.disconnect()
  }
}
