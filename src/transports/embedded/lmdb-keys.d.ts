import 'lmdb';

/** What lmdb exports without saying so in its types. */
declare module 'lmdb' {
  export function keyValueToBuffer(key: readonly (number | string)[]): Buffer;
  export function bufferToKeyValue(key: Buffer): unknown;
}
