import { isUtf8 } from 'node:buffer';
import { invalid } from './failure.ts';

/** Reads bytes from the front. Throws TG_MESSAGE_INVALID where there are too few. */
export class ByteReader {
  readonly bytes: Buffer;
  /** Where the next byte is. */
  at: number;
  readonly end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Moves behind the next `count` bytes; gives where they begin. */
  skip(count: number): number {
    if (count > this.left || count < 0) throw invalid(`it ends within a value at byte ${this.at}`);
    const from = this.at;
    this.at += count;
    return from;
  }

  byte(): number {
    return this.bytes[this.skip(1)] as number;
  }

  take(count: number): Buffer {
    const from = this.skip(count);
    return this.bytes.subarray(from, from + count);
  }

  text(count: number): string {
    const part = this.take(count);
    if (!isUtf8(part)) throw invalid(`the text at byte ${this.at - count} is not UTF-8`);
    return part.toString('utf8');
  }

  /** An unsigned number of seven bits a byte, the lowest first, of at most 64 bits: a number up to 2^53. */
  varint(): number | bigint {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 7; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = this.byte();
      large |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return compact(BigInt.asUintN(64, large));
    }
    throw invalid(`the number at byte ${this.at} has more than ten bytes`);
  }

  /** A length, which is never more than the bytes that are left. */
  length(): number {
    const length = this.varint();
    if (length > this.left) throw invalid(`it ends within a value at byte ${this.at}`);
    return Number(length);
  }
}

function compact(value: bigint): number | bigint {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** The signed number of an unsigned one in which 0, -1, 1, -2 are 0, 1, 2, 3. */
export function unzigzag(value: number | bigint): number | bigint {
  if (typeof value === 'number' && value < 2 ** 31) return (value >>> 1) ^ -(value & 1);
  const wide = BigInt(value);
  const signed = (wide >> 1n) ^ -(wide & 1n);
  return signed >= Number.MIN_SAFE_INTEGER && signed <= Number.MAX_SAFE_INTEGER ? Number(signed) : signed;
}
