// The manifests against the schemas of Kubernetes, KEDA and the Prometheus operator, as npm packages have them.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

type Manifest = { apiVersion: string; kind: string; spec?: object }
type Model = new (manifest: object) => { validate(): void }

const FOLDER = fileURLToPath(new URL('../../../ops/kubernetes/', import.meta.url))
const manifests = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .flatMap((name) => parseAllDocuments(readFileSync(FOLDER + name, 'utf8')).map((document) => ({ name, manifest: document.toJS() as Manifest }))) // prettier-ignore

const packageOf = (apiVersion: string) =>
  apiVersion.startsWith('keda.sh/')
    ? '@kubernetes-models/keda'
    : apiVersion.startsWith('monitoring.coreos.com/')
      ? '@kubernetes-models/prometheus-operator'
      : 'kubernetes-models'

async function modelOf({ apiVersion, kind }: Manifest): Promise<Model> {
  const models = (await import(/* @vite-ignore */ `${packageOf(apiVersion)}/${apiVersion}`)) as Record<string, Model>
  const model = models[kind]
  if (!model) throw new Error(`${apiVersion} has no ${kind}`)
  return model
}

test.each(manifests)('$name: $manifest.kind is as its schema says', async ({ manifest }) => {
  const Model = await modelOf(manifest)
  expect(() => new Model(manifest).validate()).not.toThrow()
})

test('the check can fail', async () => {
  const { manifest } = manifests.find(({ manifest: each }) => each.kind === 'Deployment')!
  const Model = await modelOf(manifest)
  expect(() => new Model({ ...manifest, spec: { ...manifest.spec, selector: 17 } }).validate()).toThrow()
})
