// The group as its coordinator sees it, from outside.
import type { Config } from '../../src/config.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { adminWithCluster } from '../../src/kafka/cluster.ts'
import { createLog } from '../../src/telemetry/log.ts'

type Group = Pick<Config, 'kafka' | 'groupId'>
type Coordinator = { leaveGroup(leave: { groupId: string; memberId: string }): Promise<unknown> }

const withGroup = async <T>(
  { kafka, groupId }: Group,
  work: (on: { idsOf: (clientId: string) => Promise<string[]>; coordinator: () => Promise<Coordinator> }) => Promise<T>,
): Promise<T> => {
  const { admin, cluster } = adminWithCluster(createKafka({ ...kafka, clientId: 'looks' }, createLog('silent')))
  await admin.connect()
  try {
    return await work({
      async idsOf(clientId) {
        const { groups } = await admin.describeGroups([groupId])
        return (groups[0]?.members ?? []).flatMap((each) => (each.clientId === clientId ? [each.memberId] : []))
      },
      coordinator: async () => (await cluster.findGroupCoordinator({ groupId })) as object as Coordinator,
    })
  } finally {
    await admin.disconnect()
  }
}

/** The ids under which a member is in the group now. */
export const memberIds = (group: Group, clientId: string) => withGroup(group, ({ idsOf }) => idsOf(clientId))

/**
 * Tells the group that a member which was killed will not come back, as its session time-out would a few seconds later: a
 * LeaveGroup in its name. For runs with many kills; what the session time-out itself does is tested elsewhere.
 */
export const evict = (group: Group, clientId: string): Promise<void> =>
  withGroup(group, async ({ idsOf, coordinator }) => {
    // One that was killed while joining may have left more than one.
    for (const memberId of await idsOf(clientId))
      await (await coordinator()).leaveGroup({ groupId: group.groupId, memberId })
  })
