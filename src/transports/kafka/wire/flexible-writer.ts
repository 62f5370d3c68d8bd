import { LENGTH_BYTES, NO_TAGS, writeLength, writeText } from './flexible.ts';

/** Writes a request in a flexible version, behind the tagged fields of its header. Bytes that are handed over are copied once. */
export class FlexibleWriter {
  private readonly pieces: Buffer[] = [Buffer.of(NO_TAGS)];

  /** The whole request. */
  take(): Buffer {
    return Buffer.concat(this.pieces);
  }

  int8(value: number): this {
    this.pieces.push(Buffer.of(value));
    return this;
  }

  int16(value: number): this {
    const piece = Buffer.allocUnsafe(2);
    piece.writeInt16BE(value);
    this.pieces.push(piece);
    return this;
  }

  int32(value: number): this {
    const piece = Buffer.allocUnsafe(4);
    piece.writeInt32BE(value);
    this.pieces.push(piece);
    return this;
  }

  int64(value: bigint | number): this {
    const piece = Buffer.allocUnsafe(8);
    piece.writeBigInt64BE(BigInt(value));
    this.pieces.push(piece);
    return this;
  }

  text(value: string | null): this {
    if (value === null) return this.int8(0);
    const piece = Buffer.allocUnsafe(LENGTH_BYTES + Buffer.byteLength(value));
    this.pieces.push(piece.subarray(0, writeText(piece, value, 0)));
    return this;
  }

  bytes(value: Buffer): this {
    this.length(value.length);
    this.pieces.push(value);
    return this;
  }

  /** Of the list whose entries follow. */
  length(length: number): this {
    const piece = Buffer.allocUnsafe(LENGTH_BYTES);
    this.pieces.push(piece.subarray(0, writeLength(piece, length, 0)));
    return this;
  }

  /** The end of a structure. */
  end(): this {
    return this.int8(NO_TAGS);
  }
}
