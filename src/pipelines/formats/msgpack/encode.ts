import { ExactNumber } from '../../../sdk/index.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { invalid } from '../base/failure.ts';
import { MAX_DEPTH } from '../base/limits.ts';
import { asDouble, wholeWithin } from '../base/numbers.ts';

const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 64n - 1n;

/** A value of JSON as MessagePack, each number and length in as few bytes as it needs. `limit`: bytes. */
export function encodeMsgpack(value: unknown, limit: number): Buffer {
  const writer = new ByteWriter(limit);
  write(value, writer, 0);
  return writer.finish();
}

function write(value: unknown, writer: ByteWriter, depth: number): void {
  if (value === null) writer.byte(0xc0);
  else if (typeof value === 'boolean') writer.byte(value ? 0xc3 : 0xc2);
  else if (typeof value === 'string') writeText(value, writer);
  else if (typeof value === 'number' || value instanceof ExactNumber) writeNumber(value, writer);
  else writeNested(value as object, writer, depth + 1);
}

function writeNested(value: object, writer: ByteWriter, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) {
    writeSize(value.length, [0x90, 15, 0xdc], writer);
    for (const item of value) write(item, writer, depth);
    return;
  }
  const entries = Object.entries(value);
  writeSize(entries.length, [0x80, 15, 0xde], writer);
  for (const [name, inner] of entries) {
    writeText(name, writer);
    write(inner, writer, depth);
  }
}

function writeText(text: string, writer: ByteWriter): void {
  const count = Buffer.byteLength(text);
  if (count > 31 && count < 256) {
    writer.byte(0xd9);
    writer.byte(count);
  } else {
    writeSize(count, [0xa0, 31, 0xda], writer);
  }
  writer.text(text);
}

/** In the first byte up to `most`; behind `code` in two bytes, behind the next code in four. */
function writeSize(
  count: number,
  [short, most, code]: readonly [short: number, most: number, code: number],
  writer: ByteWriter,
): void {
  if (count <= most) writer.byte(short | count);
  else if (count < 2 ** 16) writeCoded(code, BigInt(count), 2, writer);
  else writeCoded(code + 1, BigInt(count), 4, writer);
}

function writeNumber(value: number | ExactNumber, writer: ByteWriter): void {
  const whole = Object.is(value, -0) ? undefined : wholeWithin(value, MIN_INTEGER, MAX_INTEGER);
  if (whole !== undefined) {
    writeInteger(whole, writer);
    return;
  }
  const double = asDouble(value);
  if (double === undefined) throw invalid(`MessagePack has no number for ${value}`);
  writer.byte(0xcb);
  writer.double(double, true);
}

function writeInteger(value: bigint, writer: ByteWriter): void {
  if (value >= -32n && value < 128n) writer.byte(Number(value & 0xffn));
  else if (value >= 0n) {
    const width = [8n, 16n, 32n, 64n].findIndex((bits) => value < 1n << bits);
    writeCoded(0xcc + width, value, 1 << width, writer);
  } else {
    const width = [8n, 16n, 32n, 64n].findIndex((bits) => value >= -(1n << (bits - 1n)));
    writeCoded(0xd0 + width, value, 1 << width, writer);
  }
}

function writeCoded(code: number, value: bigint, bytes: number, writer: ByteWriter): void {
  writer.byte(code);
  writer.fixed(value, bytes, true);
}
