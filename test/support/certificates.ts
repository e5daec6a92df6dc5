// Certificates by the JDK's keytool, as PEM files in a folder of their own: an authority and what it signed, one that
// nobody trusts, one that has expired, one for another host.
import { createPrivateKey } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const EXPORT = fileURLToPath(new URL('./ExportKeys.java', import.meta.url))
const STORE_PASSWORD = 'changeit'
export const KEY_PASSPHRASE = 'planted-Zk-key-passphrase'

const jdk = (tool: string) => (process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', tool) : tool)

const LOCAL = 'san=ip:127.0.0.1,dns:localhost'
/** Alias, who signs it, and what is special. */
const MADE: readonly (readonly [alias: string, signer: string | null, more: readonly string[]])[] = [
  ['ca', null, ['-ext', 'bc:c']],
  ['other-ca', null, ['-ext', 'bc:c']],
  ['server', 'ca', ['-ext', LOCAL]],
  ['expired', 'ca', ['-ext', LOCAL, '-startdate', '-30d', '-validity', '10']],
  ['elsewhere', 'ca', ['-ext', 'san=dns:kafka.example']],
  ['client', 'ca', []],
  ['expired-client', 'ca', ['-startdate', '-30d', '-validity', '10']],
  ['stranger', 'other-ca', []],
]

export type Certificates = Awaited<ReturnType<typeof makeCertificates>>

export const makeCertificates = async () => {
  const folder = await mkdtemp(join(process.env['TMPDIR'] || tmpdir(), 'sluice-certificates-'))
  await chmod(folder, 0o755) // PostgreSQL runs as another user
  const store = join(folder, 'store.p12')
  for (const [alias, signer, more] of MADE)
    await execa(jdk('keytool'), [
      ...['-genkeypair', '-alias', alias, '-dname', `CN=${alias}`, '-keyalg', 'EC', '-groupname', 'secp256r1'],
      ...(signer === null ? [] : ['-signer', signer]),
      ...['-validity', '30', ...more],
      ...['-keystore', store, '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD],
    ])
  await execa(jdk('java'), [EXPORT, store, STORE_PASSWORD, folder])
  const path = (name: string) => join(folder, name)
  const key = createPrivateKey(await readFile(path('client.key.pem')))
  const locked = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: KEY_PASSPHRASE })
  await writeFile(path('client.locked.pem'), locked)
  return {
    folder,
    /** `<alias>.pem` is the certificate with its chain, `<alias>.key.pem` its key, `client.locked.pem` the client's, encrypted. */
    path,
    read: (name: string) => readFile(path(name), 'utf8'),
    async write(name: string, text: string): Promise<string> {
      await writeFile(path(name), text)
      return path(name)
    },
    /** `<alias>.both.pem`: key and chain in one file, as a broker takes them. */
    async join(...aliases: readonly string[]): Promise<void> {
      for (const alias of aliases) {
        const parts = [await readFile(path(`${alias}.key.pem`)), await readFile(path(`${alias}.pem`))]
        await writeFile(path(`${alias}.both.pem`), Buffer.concat(parts))
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
