import { ByteReader } from '../base/byte-reader.ts';
import { invalid } from '../base/failure.ts';
import { MAX_DEPTH } from '../base/limits.ts';
import { type MessageType, type ProtoField, type ValueType, WIRE, wireOf } from './types.ts';

/** Where a field is in its message: begin and end of each occurrence, one behind the other. A begin below 0 is that of packed values. */
export type Found = number[];
export type FieldsFound = ReadonlyMap<ProtoField, Found>;

/** Where each field is; unknown ones are left out, and those of another wire type. */
export function fieldsIn(bytes: Buffer, type: MessageType): FieldsFound {
  const found = new Map<ProtoField, Found>();
  const reader = new ByteReader(bytes);
  const oneofs = new Map<string, ProtoField>();
  while (reader.left > 0) {
    const tag = tagOf(reader);
    const from = reader.at;
    skipValue(reader, tag, 0);
    const field = type.byNumber.get(tag >>> 3);
    if (field === undefined) continue;
    const wire = field.mapKey === undefined ? wireOf(field.value) : WIRE.bytes;
    const isPacked = field.isRepeated && wire !== WIRE.bytes && (tag & 7) === WIRE.bytes;
    if ((tag & 7) !== wire && !isPacked) continue;
    if (field.oneof !== undefined) {
      const before = oneofs.get(field.oneof);
      if (before !== undefined && before !== field) found.delete(before);
      oneofs.set(field.oneof, field);
    }
    const places = found.get(field) ?? [];
    places.push(isPacked ? -from - 1 : from, reader.at);
    found.set(field, places);
  }
  return found;
}

/** Number of a field and its wire type, as they are written: 29 bits and 3. */
function tagOf(reader: ByteReader): number {
  const tag = reader.varint();
  if (tag < 8 || tag >= 2 ** 32) throw invalid(`there is no field ${tag} at byte ${reader.at}`);
  return Number(tag) >>> 0;
}

function skipValue(reader: ByteReader, tag: number, depth: number): void {
  switch (tag & 7) {
    case WIRE.varint:
      reader.varint();
      return;
    case WIRE.fixed64:
      reader.skip(8);
      return;
    case WIRE.bytes:
      reader.skip(reader.length());
      return;
    case WIRE.fixed32:
      reader.skip(4);
      return;
    case WIRE.groupStart:
      skipGroup(reader, tag, depth + 1);
      return;
    default:
      throw invalid(`the wire type ${tag & 7} at byte ${reader.at} means nothing`);
  }
}

function skipGroup(reader: ByteReader, start: number, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
  for (let tag = tagOf(reader); ; tag = tagOf(reader)) {
    if ((tag & 7) !== WIRE.groupEnd) skipValue(reader, tag, depth);
    else if (tag >>> 3 === start >>> 3) return;
    else throw invalid(`the group at byte ${reader.at} does not end`);
  }
}

/** The readers of key and value, the last ones where there are several. */
export function entryIn(reader: ByteReader, key: ValueType, value: ValueType) {
  const parts: { key?: ByteReader; value?: ByteReader } = {};
  while (reader.left > 0) {
    const tag = tagOf(reader);
    const from = reader.at;
    skipValue(reader, tag, 0);
    const part = new ByteReader(reader.bytes, from, reader.at);
    if (tag === ((1 << 3) | wireOf(key))) parts.key = part;
    if (tag === ((2 << 3) | wireOf(value))) parts.value = part;
  }
  return parts;
}
