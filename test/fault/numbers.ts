// Numbers of the command line: of a wrong one nothing would be played, and nothing be found.
import { InvalidArgumentError } from 'commander'

export const positive = (text: string): number => {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError('It must be a number above 0.')
  return number
}

export const whole =
  (least: number) =>
  (text: string): number => {
    const number = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < least) throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`) // prettier-ignore
    return number
  }
