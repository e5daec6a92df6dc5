import { describe, expect, it } from 'vitest'
import { findJava, findMaven, javaMajor } from '../../../src/local-stack/java.ts'

describe('javaMajor', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
    ['java version "1.8.0_292"', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['openjdk version "22-ea" 2024-03-19', 22],
    ['Unable to locate a Java Runtime', null],
    ['', null],
  ])('reads %j as %j', (text, major) => {
    expect(javaMajor(text)).toBe(major)
  })
})

describe('what is missing is said before anything starts', () => {
  it('names the ways out when there is no Java', async () => {
    await expect(findJava({ PATH: '/nowhere' })).rejects.toMatchObject({
      message: 'A local Kafka needs a Docker engine or Java, and neither is here',
      remedy: expect.stringMatching(
        /Install Docker, or Java 17 and Maven; or set KAFKA_BROKERS and DATABASE_URL/,
      ) as string,
    })
  })

  it('names Maven when Java is there and Maven is not', async () => {
    await expect(findMaven({ PATH: '/nowhere' })).rejects.toThrow(/Maven \(mvn\).*is not/)
  })
})
