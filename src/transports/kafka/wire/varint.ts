/*
 * Zig-zag varints as Kafka's records use them: small numbers of either sign in few bytes. Values up to 2^31 take the
 * quick way, larger ones (time stamps far apart) plain arithmetic, exact up to 2^53.
 */

const INT31 = 0x3fffffff;

export function sizeOfVarint(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  while (rest > 127) {
    rest = Math.floor(rest / 128);
    size += 1;
  }
  return size;
}

/** Writes `value` at `at` and returns the place behind it. */
export function writeVarint(buffer: Buffer, value: number, at: number): number {
  let place = at;
  if (value <= INT31 && value >= -INT31) {
    let rest = (value << 1) ^ (value >> 31);
    while (rest > 127) {
      buffer[place++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[place++] = rest;
    return place;
  }
  let rest = zigzag(value);
  while (rest > 127) {
    buffer[place++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  buffer[place++] = rest;
  return place;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Writes a number from 0 to 2^31 - 1, without zig-zag, and returns the place behind it: lengths in flexible versions of the protocol. */
export function writeUvarint(buffer: Buffer, value: number, at: number): number {
  let place = at;
  let rest = value;
  while (rest > 127) {
    buffer[place++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[place++] = rest;
  return place;
}

/** Reads one thing after the other from a buffer. A read beyond the end throws RangeError. */
export class Cursor {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  int8(): number {
    this.at += 1;
    return this.buffer.readInt8(this.at - 1);
  }

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.buffer.readInt32BE(this.at - 4);
  }

  /** Exact up to 2^53, which no offset and no time stamp reaches. */
  int64(): number {
    this.at += 8;
    return this.buffer.readInt32BE(this.at - 8) * 0x1_0000_0000 + this.buffer.readUInt32BE(this.at - 4);
  }

  /** Text behind a 16-bit length. */
  string(): string {
    const length = this.int16();
    this.at += length;
    return this.buffer.toString('utf8', this.at - length, this.at);
  }

  /** Without zig-zag. */
  uvarint(): number {
    let byte = this.byte();
    let value = byte & 127;
    for (let factor = 128; byte > 127; factor *= 128) {
      byte = this.byte();
      value += (byte & 127) * factor;
    }
    return value;
  }

  varint(): number {
    let byte = this.byte();
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = this.byte();
      value = shift < 28 ? value | ((byte & 127) << shift) : value + (byte & 127) * 2 ** shift;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of bytes behind a varint length; null where the length is -1. */
  varbytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    if (this.at + length > this.buffer.length) throw new RangeError('The record is cut off');
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  private byte(): number {
    const byte = this.buffer[this.at++];
    if (byte === undefined) throw new RangeError('The record is cut off');
    return byte;
  }
}
