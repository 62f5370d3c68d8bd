import { ByteReader } from '../base/byte-reader.ts';
import { invalid } from '../base/failure.ts';
import { JsonWriter } from '../base/json-writer.ts';
import { doubleText, floatText } from '../base/numbers.ts';
import { TIMESTAMP, timestampText } from './timestamp.ts';

/** MessagePack as JSON. https://github.com/msgpack/msgpack/blob/master/spec.md. `limit`: bytes. */
export function decodeMsgpack(payload: Buffer, limit: number): Buffer {
  const reader = new ByteReader(payload);
  const json = new JsonWriter(limit);
  readValue(reader, json);
  if (reader.left > 0) throw invalid(`${reader.left} bytes follow its value`);
  return json.finish();
}

function readValue(reader: ByteReader, json: JsonWriter): void {
  const code = reader.byte();
  if (code < 0x80) json.value(String(code));
  else if (code < 0x90) readMap(code & 0x0f, reader, json);
  else if (code < 0xa0) readList(code & 0x0f, reader, json);
  else if (code < 0xc0) json.string(reader.text(code & 0x1f));
  else if (code >= 0xe0) json.value(String(code - 256));
  else readCoded(code, reader, json);
}

/** The codes from 0xc0 to 0xdf, as the specification lists them. */
function readCoded(code: number, reader: ByteReader, json: JsonWriter): void {
  switch (code) {
    case 0xc0:
      json.value('null');
      return;
    case 0xc2:
      json.value('false');
      return;
    case 0xc3:
      json.value('true');
      return;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      json.string(reader.take(size(reader, code - 0xc4)).toString('base64'));
      return;
    case 0xc7:
    case 0xc8:
    case 0xc9:
      readExtension(size(reader, code - 0xc7), reader, json);
      return;
    case 0xca:
      json.value(floatText(reader.bytes.readFloatBE(reader.skip(4))));
      return;
    case 0xcb:
      json.value(doubleText(reader.bytes.readDoubleBE(reader.skip(8))));
      return;
    case 0xcc:
    case 0xcd:
    case 0xce:
      json.value(String(size(reader, code - 0xcc)));
      return;
    case 0xcf:
      json.value(String(reader.bytes.readBigUInt64BE(reader.skip(8))));
      return;
    case 0xd0:
      json.value(String(reader.bytes.readInt8(reader.skip(1))));
      return;
    case 0xd1:
      json.value(String(reader.bytes.readInt16BE(reader.skip(2))));
      return;
    case 0xd2:
      json.value(String(reader.bytes.readInt32BE(reader.skip(4))));
      return;
    case 0xd3:
      json.value(String(reader.bytes.readBigInt64BE(reader.skip(8))));
      return;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      readExtension(1 << (code - 0xd4), reader, json);
      return;
    case 0xd9:
    case 0xda:
    case 0xdb:
      json.string(reader.text(size(reader, code - 0xd9)));
      return;
    case 0xdc:
    case 0xdd:
      readList(size(reader, code - 0xdc + 1), reader, json);
      return;
    case 0xde:
    case 0xdf:
      readMap(size(reader, code - 0xde + 1), reader, json);
      return;
    default:
      throw invalid(`the byte 0x${code.toString(16)} at ${reader.at - 1} means nothing`);
  }
}

/** An unsigned number of 1, 2 or 4 bytes, for a width of 0, 1 or 2. */
function size(reader: ByteReader, width: number): number {
  return reader.bytes.readUIntBE(reader.skip(1 << width), 1 << width);
}

function readList(count: number, reader: ByteReader, json: JsonWriter): void {
  json.begin('[');
  for (let index = 0; index < count; index += 1) readValue(reader, json);
  json.end(']');
}

function readMap(count: number, reader: ByteReader, json: JsonWriter): void {
  json.begin('{');
  for (let index = 0; index < count; index += 1) {
    json.name(readName(reader));
    readValue(reader, json);
  }
  json.end('}');
}

/** A text or an integer: JSON has texts only. */
function readName(reader: ByteReader): string {
  const from = reader.at;
  const code = reader.byte();
  if (code >= 0xa0 && code < 0xc0) return reader.text(code & 0x1f);
  if (code >= 0xd9 && code <= 0xdb) return reader.text(size(reader, code - 0xd9));
  const isInteger = code < 0x80 || code >= 0xe0 || (code >= 0xcc && code <= 0xd3);
  if (!isInteger) throw invalid(`the key of a map at byte ${from} is neither a text nor an integer`);
  reader.at = from;
  const number = new JsonWriter(32);
  readValue(reader, number);
  return number.finish().toString();
}

function readExtension(length: number, reader: ByteReader, json: JsonWriter): void {
  const type = reader.bytes.readInt8(reader.skip(1));
  const data = reader.take(length);
  if (type === TIMESTAMP) {
    json.string(timestampText(data));
    return;
  }
  json.begin('{');
  json.name('type');
  json.value(String(type));
  json.name('data');
  json.string(data.toString('base64'));
  json.end('}');
}
