import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hexDump, readable } from '../../../src/dead-letters/readable.ts'

const of = (text: string) => readable(Buffer.from(text))

describe('bytes for human eyes', () => {
  test('JSON is laid out, and shows what came: no number, no doubled key, no escape is touched', () => {
    const value = String.raw`{"a":12345678901234567890.10,"a":[1,{}, [] ,{"b":null}],"t":"a\"{[,:\\"}`
    expect(of(value)).toEqual({
      form: 'json',
      text: String.raw`{
  "a": 12345678901234567890.10,
  "a": [
    1,
    {},
    [],
    {
      "b": null
    }
  ],
  "t": "a\"{[,:\\"
}`,
    })
  })

  test('any JSON keeps its tokens, in their order', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const { form, text } = of(json)
        if (form === 'json') expect(JSON.parse(text)).toEqual(JSON.parse(json))
        const bare = (each: string) => each.replaceAll(/\s/g, '')
        expect(bare(text)).toBe(bare(json))
      }),
    )
  })

  test.each([
    ['broken JSON', '{"a":'],
    ['a text', 'this is no json'],
    ['a number', '17'],
    ['nesting that no layout survives', '['.repeat(20_000) + ']'.repeat(20_000)],
  ])('%s is text, as it is', (_, value) => {
    expect(of(value)).toEqual({ form: 'text', text: value })
  })

  test('what is not UTF-8 is hex', () => {
    expect(readable(Buffer.from([0x7b, 0xff, 0x00]))).toEqual({ form: 'hex', text: '7bff00' })
  })

  test('a byte order mark is not swallowed', () => {
    expect(of('\ufeffx').text).toBe('\ufeffx')
  })
})

describe('hex dump', () => {
  test('looks as hexdump -C does', () => {
    expect(hexDump(Buffer.from('0123456789abcdef\u001b[é'), 512)).toEqual([
      '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
      '00000010  1b 5b c3 a9                                       |.[..|',
    ])
  })
  test('ends at its limit, and holds nothing that moves a cursor', () => {
    const lines = hexDump(Buffer.alloc(100_000, 0x9b), 512)
    expect(lines).toHaveLength(32)
    expect(lines.join('')).toMatch(/^[ -~]*$/)
  })
  test('of nothing is nothing', () => {
    expect(hexDump(Buffer.alloc(0), 512)).toEqual([])
  })
})
