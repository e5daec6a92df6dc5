/** One word of a command that a person may copy: a user id holds what a vendor sent, and a shell must read no more into it. */
export const shellWord = (text: string): string =>
  /^[\w.@:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
