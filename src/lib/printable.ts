// Control and format characters, those that turn text around, and line separators. What comes out of a record, a file or
// a broker's answer must not repaint an operator's terminal or forge a line of a log.
const FORGING = /[\p{C}\p{Zl}\p{Zp}]/gu

/** One line of plain text. */
export const printable = (text: string): string => text.replace(FORGING, ' ')

/** The same, with its line breaks. */
export const printableLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n')
