export type Action = 'kill' | 'stop' | 'block' | 'throw'
export type Armed = { readonly name: string; readonly action: Action; readonly ms: number; readonly nth: number }

const POINT = /^([a-z_]+):(?:(kill|stop|throw)|(block):(\d+))(?:@(\d+))?$/

/** name:action[@nth], separated by commas; actions: kill, stop, throw, block:<ms>. @throws for anything else. */
export const parseFailpoints = (text: string): Armed[] =>
  text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [, name = '', action = 'block', , ms = '0', nth = '1'] = POINT.exec(part) ?? []
      if (name === '') throw new Error(`FAILPOINTS: ${part} is not name:action@nth`)
      return { name, action: action as Action, ms: Number(ms), nth: Number(nth) }
    })
