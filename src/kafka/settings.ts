import kafkajs, { type Admin } from 'kafkajs'

/** Settings by name, as text; undefined: the broker does not say. `name`: a topic, or the id of a broker. */
export async function settingsOf(admin: Admin, type: 'TOPIC' | 'BROKER', name: string, configNames: string[]) {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes[type], name, configNames }],
  })
  return (wanted: string): string | undefined =>
    resources[0]?.configEntries.find(({ configName }) => configName === wanted)?.configValue
}
