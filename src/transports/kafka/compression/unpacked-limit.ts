/**
 * The most that one batch may hold, unpacked, in bytes. A broker takes 1 MiB by default, which text that repeats itself fills with
 * some 20 MiB; bytes made to harm would be a gigabyte.
 */
export const MAX_UNPACKED = 64 * 1_048_576;

/** What is packed is larger than may be. */
export class TooLarge extends RangeError {}
