import { describe, expect, it } from 'vitest'
import { chooseOrigin, type Facts } from '../../../src/local-stack/choose-origin.ts'

const engine: Facts['docker'] = { reachable: true, address: 'unix:///var/run/docker.sock' }
const noEngine: Facts['docker'] = { reachable: false, why: 'no Docker engine' }

describe('chooseOrigin', () => {
  it.each([
    ['postgresql://somewhere/db', engine],
    ['postgresql://somewhere/db', noEngine],
  ])('takes what the environment names, with or without an engine', (value, docker) => {
    const choice = chooseOrigin({ variable: 'DATABASE_URL', value, docker })
    expect(choice).toEqual({ origin: 'environment', why: 'DATABASE_URL is set' })
  })

  it.each([undefined, '', '  '])('takes a Docker engine when the variable is %j', (value) => {
    const choice = chooseOrigin({ variable: 'KAFKA_BROKERS', value, docker: engine })
    expect(choice).toEqual({ origin: 'docker', why: 'no KAFKA_BROKERS, Docker engine at unix:///var/run/docker.sock' })
  })

  it('falls back to this machine, and says what was missing', () => {
    const choice = chooseOrigin({ variable: 'KAFKA_BROKERS', value: undefined, docker: noEngine })
    expect(choice).toEqual({ origin: 'embedded', why: 'no KAFKA_BROKERS, no Docker engine' })
  })

  it('runs several brokers on this machine even beside a Docker engine', () => {
    const choice = chooseOrigin({ variable: 'KAFKA_BROKERS', value: undefined, docker: engine, brokers: 3 })
    expect(choice).toEqual({ origin: 'embedded', why: 'no KAFKA_BROKERS, 3 brokers asked for' })
  })
})
