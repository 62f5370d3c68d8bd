import { type ByteReader, unzigzag } from '../base/byte-reader.ts';
import { doubleText, floatText } from '../base/numbers.ts';
import type { ScalarKind } from './types.ts';

/** JSON of a number or a boolean; of those with 64 bits a text, as JavaScript elsewhere would round them. */
export function scalarText(kind: Exclude<ScalarKind, 'string' | 'bytes'>, reader: ByteReader): string {
  const { bytes } = reader;
  switch (kind) {
    case 'double':
      return doubleText(bytes.readDoubleLE(reader.skip(8)));
    case 'float':
      return floatText(bytes.readFloatLE(reader.skip(4)));
    case 'bool':
      return reader.varint() === 0 ? 'false' : 'true';
    case 'int32':
      return String(BigInt.asIntN(32, BigInt(reader.varint())));
    case 'uint32':
      return String(BigInt.asUintN(32, BigInt(reader.varint())));
    case 'sint32':
      return String(unzigzag(Number(BigInt.asUintN(32, BigInt(reader.varint())))));
    case 'fixed32':
      return String(bytes.readUInt32LE(reader.skip(4)));
    case 'sfixed32':
      return String(bytes.readInt32LE(reader.skip(4)));
    case 'int64':
      return `"${BigInt.asIntN(64, BigInt(reader.varint()))}"`;
    case 'uint64':
      return `"${reader.varint()}"`;
    case 'sint64':
      return `"${unzigzag(reader.varint())}"`;
    case 'fixed64':
      return `"${bytes.readBigUInt64LE(reader.skip(8))}"`;
    case 'sfixed64':
      return `"${bytes.readBigInt64LE(reader.skip(8))}"`;
  }
}
