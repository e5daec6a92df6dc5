/** What a schema infers, for reading only. */
export type Immutable<T> = T extends Date | bigint
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T
