// ops/kubernetes: what an API server would be told, and the numbers that belong together. No cluster could be run where this was made.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../../src/config.ts'
import { describe as described, variableNames } from '../../../src/config-variables.ts'

const FOLDER = fileURLToPath(new URL('../../../ops/kubernetes/', import.meta.url))
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')

/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return -- manifests are whatever they are */
type Manifest = { apiVersion: string; kind: string; metadata: { name: string }; [key: string]: any }
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(FOLDER + name, 'utf8'), { strict: true, uniqueKeys: true }).map((document) => {
    expect(document.errors, name).toEqual([])
    return document.toJS() as Manifest
  }),
)
const of = (kind: string, name = 'sluice') =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name)!
const config = of('ConfigMap')['data'] as Record<string, string>
const pod = of('Deployment')['spec'].template.spec
const container = pod.containers[0]

test('each file is in kustomization.yaml, and each name of it is a file', () => {
  const { resources } = parse(readFileSync(`${FOLDER}kustomization.yaml`, 'utf8')) as { resources: string[] }
  expect([...resources].sort()).toEqual([...files].sort())
})

test('the configuration is one that sluice takes; what is secret comes from a file', () => {
  const known = variableNames.flatMap((name) => (described(name).secret ? [name, `${name}_FILE`] : [name]))
  for (const name of Object.keys(config)) if (name !== 'NODE_OPTIONS') expect(known).toContain(name)
  for (const name of variableNames) if (described(name).secret) expect(config).not.toHaveProperty(name)
  const { DATABASE_URL_FILE: _, KAFKA_SSL_CA_FILE: __, ...rest } = config
  expect(() => loadConfig({ ...rest, DATABASE_URL: 'postgresql://u:p@postgres/sluice' })).not.toThrow()
})

test('the admin token is a Secret that need not be there', () => {
  const token = container.env.find(({ name }: { name: string }) => name === 'ADMIN_TOKEN')
  const { secretKeyRef } = token.valueFrom
  expect(secretKeyRef).toEqual({ name: 'sluice-admin', key: 'token', optional: true })
  const readme = readFileSync(`${FOLDER}README.md`, 'utf8')
  expect(readme).toContain(`create secret generic ${secretKeyRef.name} --from-literal=${secretKeyRef.key}=`)
})

test('a drain ends before the grace period does, with ten seconds to spare', () => {
  expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(
    Number(config['SHUTDOWN_TIMEOUT_MS']) + 10_000,
  )
})

test('probes: /health for start-up and liveness, /ready for readiness; patience for a rebalance', () => {
  const { startupProbe, livenessProbe, readinessProbe } = container
  expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe.httpGet.path)).toEqual(['/health', '/health', '/ready']) // prettier-ignore
  expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBeGreaterThanOrEqual(120)
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) expect(container.ports.map(({ name }: { name: string }) => name)).toContain(probe.httpGet.port) // prettier-ignore
  expect(String(container.ports[0].containerPort)).toBe(config['HTTP_PORT'])
  expect(config['HTTP_HOST']).toBe('0.0.0.0')
})

test('memory: heap and buffer fit into the limit', () => {
  const mebibytes = Number(/^(\d+)Mi$/.exec(container.resources.limits.memory)![1])
  const heap = Number(/--max-old-space-size=(\d+)/.exec(config['NODE_OPTIONS']!)![1])
  expect(heap + Number(config['BUFFER_MAX_BYTES']) / 1_048_576).toBeLessThan(mebibytes * 0.8)
})

test.each(['Deployment', 'Job'])('%s: the restricted pod security standard, and no token of the cluster', (kind) => {
  const spec = of(kind, kind === 'Job' ? 'sluice-migrate' : 'sluice')['spec'].template.spec
  expect(spec.automountServiceAccountToken).toBe(false)
  expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } }) // prettier-ignore
  for (const each of spec.containers) {
    expect(each.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }) // prettier-ignore
    expect(each.resources.limits.memory).toBeTruthy()
    for (const { name } of each.volumeMounts) expect(spec.volumes.map((volume: { name: string }) => volume.name)).toContain(name) // prettier-ignore
  }
  expect(Object.keys(spec)).not.toEqual(expect.arrayContaining(['hostNetwork', 'hostPID', 'hostIPC']))
})

test('selectors choose the members: Deployment, disruption budget, Service, network policy, KEDA', () => {
  const labels = of('Deployment')['spec'].template.metadata.labels as Record<string, string>
  const selectors = [of('Deployment')['spec'].selector.matchLabels, of('PodDisruptionBudget')['spec'].selector.matchLabels, of('Service')['spec'].selector, of('NetworkPolicy')['spec'].podSelector.matchLabels] // prettier-ignore
  for (const selector of selectors) expect(labels).toMatchObject(selector)
  expect(of('ScaledObject')['spec'].scaleTargetRef.name).toBe(of('Deployment').metadata.name)
  // The job of a migration is none of them.
  expect(of('Job', 'sluice-migrate')['spec'].template.metadata.labels).not.toMatchObject(of('Service')['spec'].selector)
  expect(of('PodDisruptionBudget')['spec'].maxUnavailable).toBe(1)
})

test('KEDA: by the lag of our group and topic, slowly, never to none, and not for a partition that stands still', () => {
  const { minReplicaCount, maxReplicaCount, triggers, advanced } = of('ScaledObject')['spec']
  const { metadata } = triggers[0]
  expect(minReplicaCount).toBeGreaterThanOrEqual(1)
  expect(maxReplicaCount).toBeGreaterThan(minReplicaCount)
  expect(metadata).toMatchObject({ bootstrapServers: config['KAFKA_BROKERS'], consumerGroup: config['KAFKA_GROUP_ID'], topic: config['KAFKA_TOPIC'], offsetResetPolicy: 'earliest', excludePersistentLag: 'true', allowIdleConsumers: 'false' }) // prettier-ignore
  for (const value of Object.values(metadata)) expect(typeof value).toBe('string')
  const { behavior } = advanced.horizontalPodAutoscalerConfig
  expect(behavior.scaleDown.stabilizationWindowSeconds).toBeGreaterThanOrEqual(300)
  expect((maxReplicaCount + 1) * (Number(config['DATABASE_POOL_SIZE']) + 2)).toBeLessThanOrEqual(97)
})

/** KEDA's documentation of the trigger `kafka`, 2.21: the schema takes any key, and KEDA passes over those it does not know. */
const KEDA = {
  names: ['bootstrapServers', 'consumerGroup', 'topic', 'version', 'partitionLimitation', 'awsRegion'],
  counts: ['lagThreshold', 'activationLagThreshold'],
  switches: ['allowIdleConsumers', 'scaleToZeroOnInvalidOffset', 'excludePersistentLag', 'limitToPartitionsWithLag', 'ensureEvenDistributionOfPartitions', 'fullMetadata', 'unsafeSsl'],
  choices: {
    offsetResetPolicy: ['earliest', 'latest'],
    sasl: ['plaintext', 'scram_sha256', 'scram_sha512', 'gssapi', 'oauthbearer', 'none'],
    saslTokenProvider: ['bearer', 'aws_msk_iam'],
    tls: ['enable', 'disable'],
  } as Record<string, string[]>,
  secrets: ['sasl', 'saslTokenProvider', 'username', 'password', 'keytab', 'realm', 'kerberosConfig', 'kerberosServiceName', 'kerberosDisableFAST', 'oauthTokenEndpointUri', 'scopes', 'oauthExtensions', 'tls', 'ca', 'cert', 'key', 'keyPassword', 'awsAccessKeyID', 'awsSecretAccessKey', 'awsRoleArn'],
} // prettier-ignore
const unknownToKeda = (metadata: Record<string, string>) =>
  Object.entries(metadata).filter(([key, value]) => {
    if (KEDA.counts.includes(key)) return !/^\d+$/.test(value)
    if (KEDA.switches.includes(key)) return !/^(true|false)$/.test(value)
    return !(KEDA.choices[key]?.includes(value) ?? KEDA.names.includes(key))
  })

test('KEDA: every key is one of its Kafka scaler, with a value that it takes; members that divide the partitions', () => {
  const { minReplicaCount, maxReplicaCount, triggers } = of('ScaledObject')['spec']
  const [{ type, metadata, authenticationRef }] = triggers
  expect(type).toBe('kafka')
  expect(unknownToKeda(metadata)).toEqual([])
  expect(unknownToKeda({ excludePersistantLag: 'true', lagThreshold: 'ten', tls: 'true' })).toHaveLength(3)
  // The largest is as many as there are partitions.
  expect(metadata).toMatchObject({ ensureEvenDistributionOfPartitions: 'true', fullMetadata: 'false' })
  expect(metadata).not.toHaveProperty('limitToPartitionsWithLag')
  expect(maxReplicaCount % minReplicaCount).toBe(0)
  const authentication = of('TriggerAuthentication', authenticationRef.name)['spec']
  const parameters = Object.values(authentication).flat() as { parameter: string }[]
  for (const { parameter } of parameters) expect(KEDA.secrets).toContain(parameter)
})

test('metrics: scraped from the port that is named', () => {
  const { endpoints, selector } = of('ServiceMonitor')['spec']
  const service = of('Service')
  expect(service.metadata).toMatchObject({ name: 'sluice', labels: selector.matchLabels })
  expect(service['spec'].ports.map(({ name }: { name: string }) => name)).toContain(endpoints[0].port)
  expect(endpoints[0].path).toBe('/metrics')
})
/* eslint-enable */
