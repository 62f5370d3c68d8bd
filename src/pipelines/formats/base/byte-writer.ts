import { invalid } from './failure.ts';

const FIRST_SIZE = 256;

/** Bytes that grow as they are written. Throws TG_MESSAGE_INVALID for more than `limit`. */
export class ByteWriter {
  private readonly limit: number;
  private bytes = Buffer.allocUnsafe(FIRST_SIZE);
  private length = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  byte(value: number): void {
    // First: to make room may replace the bytes.
    const at = this.room(1);
    this.bytes[at] = value;
  }

  put(part: Uint8Array): void {
    const from = this.room(part.length);
    this.bytes.set(part, from);
  }

  text(text: string): void {
    const count = Buffer.byteLength(text);
    const from = this.room(count);
    this.bytes.write(text, from, count, 'utf8');
  }

  /** A whole number of at least 0 and at most 64 bits, seven bits a byte. */
  varint(value: number | bigint): void {
    let rest = value;
    if (typeof rest === 'bigint') {
      for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
      this.byte(Number(rest));
      return;
    }
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 0x80);
    this.byte(rest);
  }

  float(value: number, isBigEndian = false): void {
    const from = this.room(4);
    if (isBigEndian) this.bytes.writeFloatBE(value, from);
    else this.bytes.writeFloatLE(value, from);
  }

  double(value: number, isBigEndian = false): void {
    const from = this.room(8);
    if (isBigEndian) this.bytes.writeDoubleBE(value, from);
    else this.bytes.writeDoubleLE(value, from);
  }

  /** An integer of `count` bytes, two's complement where it is below 0. */
  fixed(value: bigint, count: number, isBigEndian: boolean): void {
    const from = this.room(count);
    for (let index = 0; index < count; index += 1) {
      const at = isBigEndian ? from + count - 1 - index : from + index;
      this.bytes[at] = Number((value >> BigInt(8 * index)) & 0xffn);
    }
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Makes room for `count` bytes; gives where they begin. */
  private room(count: number): number {
    const from = this.length;
    const needed = from + count;
    if (needed > this.limit) throw invalid(`it is more than ${this.limit} bytes once encoded; "limit" allows no more`);
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, from));
      this.bytes = grown;
    }
    this.length = needed;
    return from;
  }
}

/** 0, -1, 1, -2 as 0, 1, 2, 3. */
export function zigzag(value: bigint): bigint {
  return value >= 0n ? value << 1n : (-value << 1n) - 1n;
}
