import { isJsonObject, quoteValue } from '../../../sdk/index.ts';
import { bytesOfText } from '../base/base64.ts';
import { ByteWriter, zigzag } from '../base/byte-writer.ts';
import { invalid } from '../base/failure.ts';
import { MAX_DEPTH } from '../base/limits.ts';
import { asDouble, asFloat, wholeWithin } from '../base/numbers.ts';
import { INTEGERS, type MessageType, type ProtoField, type ScalarKind, type ValueType, WIRE, wireOf } from './types.ts';
import { durationOfText, maskOfText, timestampOfText, type WellKnown, wellKnown } from './well-known.ts';

/** A value of JSON in Protobuf's wire format. Throws TG_MESSAGE_INVALID with the place of what does not fit the schema. */
export function encodeProtobuf(value: unknown, type: MessageType, limit: number): Buffer {
  return new Writing(limit).message(value, type);
}

class Writing {
  private readonly limit: number;
  private readonly place: (string | number)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  message(value: unknown, type: MessageType): Buffer {
    if (this.place.length > 2 * MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
    const known = wellKnown(type);
    const writer = new ByteWriter(this.limit);
    if (known !== undefined) {
      this.wellKnown(value, known, type, writer);
      return writer.finish();
    }
    if (!isJsonObject(value)) throw this.misfit(value, `the message ${quoteValue(type.name)}`);
    const given = this.fieldsOf(value, type);
    for (const field of type.fields) {
      const inner = given.get(field);
      if (inner !== undefined) this.field(field, inner, writer);
      else if (field.isRequired) throw invalid(`${this.where()} has no ${field.name}, which is required`);
    }
    return writer.finish();
  }

  /** null is a field that is not set, but where null is a value. */
  private fieldsOf(value: Readonly<Record<string, unknown>>, type: MessageType): Map<ProtoField, unknown> {
    const given = new Map<ProtoField, unknown>();
    const oneofs = new Map<string, string>();
    for (const [name, inner] of Object.entries(value)) {
      const field = type.byName.get(name);
      if (field === undefined)
        throw invalid(`${this.where()} has the field ${quoteValue(name)}, which ${type.name} has not`);
      if (inner === null && !isNullable(field)) continue;
      if (given.has(field)) throw invalid(`${this.where()} has the field ${field.name} twice`);
      const other = field.oneof === undefined ? undefined : oneofs.get(field.oneof);
      if (other !== undefined)
        throw invalid(`${this.where()} has both ${other} and ${field.name}, of which only one can be set`);
      if (field.oneof !== undefined) oneofs.set(field.oneof, field.name);
      given.set(field, inner);
    }
    return given;
  }

  private field(field: ProtoField, value: unknown, writer: ByteWriter): void {
    this.place.push(field.jsonName);
    if (field.mapKey !== undefined) this.map(field, field.mapKey, value, writer);
    else if (field.isRepeated) this.list(field, value, writer);
    else if (field.hasPresence || !isZero(value, field.value)) this.tagged(field.number, field.value, value, writer);
    this.place.pop();
  }

  private list(field: ProtoField, value: unknown, writer: ByteWriter): void {
    if (!Array.isArray(value)) throw this.misfit(value, 'a list');
    const packed = field.isPacked && value.length > 0 ? new ByteWriter(this.limit) : undefined;
    for (const [index, item] of value.entries()) {
      this.place.push(index);
      if (packed === undefined) this.tagged(field.number, field.value, item, writer);
      else this.value(item, field.value, packed);
      this.place.pop();
    }
    if (packed !== undefined) putBytes(field.number, packed.finish(), writer);
  }

  private map({ number, value: type }: ProtoField, keyKind: ScalarKind, value: unknown, writer: ByteWriter): void {
    if (!isJsonObject(value)) throw this.misfit(value, 'an object');
    for (const [name, inner] of Object.entries(value)) {
      this.place.push(name);
      const entry = new ByteWriter(this.limit);
      this.tagged(1, { kind: keyKind }, keyOf(name, keyKind), entry);
      this.tagged(2, type, inner, entry);
      putBytes(number, entry.finish(), writer);
      this.place.pop();
    }
  }

  private tagged(number: number, type: ValueType, value: unknown, writer: ByteWriter): void {
    writer.varint(number * 8 + wireOf(type));
    this.value(value, type, writer);
  }

  private value(value: unknown, type: ValueType, writer: ByteWriter): void {
    if (type.kind === 'message') {
      const bytes = this.message(value, type.type);
      writer.varint(bytes.length);
      writer.put(bytes);
    } else if (type.kind === 'enum') {
      const number = value === null ? 0n : enumNumber(value, type.type.numberOf);
      if (number === undefined) throw this.misfit(value, `of the enum ${quoteValue(type.type.name)}`);
      writer.varint(BigInt.asUintN(64, number));
    } else if (!writeScalar(value, type.kind, writer)) {
      throw this.misfit(value, `of the type ${type.kind}`);
    }
  }

  private wellKnown(value: unknown, known: WellKnown, type: MessageType, writer: ByteWriter): void {
    const first = type.fields[0] as ProtoField; // a well-known type has one
    switch (known) {
      case 'timestamp':
        this.seconds(value, timestampOfText, 'a time such as "2026-11-30T06:48:01Z"', writer);
        return;
      case 'duration':
        this.seconds(value, durationOfText, 'a duration such as "1.5s"', writer);
        return;
      case 'mask':
        if (typeof value !== 'string') throw this.misfit(value, 'a text of paths');
        this.list(first, maskOfText(value), writer);
        return;
      case 'struct':
        this.map(first, 'string', value, writer);
        return;
      case 'list':
        this.list(first, value, writer);
        return;
      case 'wrapper':
        if (!isZero(value, first.value)) this.tagged(1, first.value, value, writer);
        return;
      case 'value': {
        const field = type.fields[
          ['null', 'number', 'string', 'boolean', 'object', 'list'].indexOf(shapeOf(value))
        ] as ProtoField;
        this.tagged(field.number, field.value, value, writer);
      }
    }
  }

  private seconds(
    value: unknown,
    parse: (text: string) => readonly [seconds: bigint, nanoseconds: bigint] | undefined,
    wanted: string,
    writer: ByteWriter,
  ): void {
    const parts = typeof value === 'string' ? parse(value) : undefined;
    if (parts === undefined) throw this.misfit(value, wanted);
    for (const [index, part] of parts.entries()) {
      if (part === 0n) continue;
      writer.varint((index + 1) * 8);
      writer.varint(BigInt.asUintN(64, part));
    }
  }

  private where(): string {
    return this.place.length === 0 ? 'it' : quoteValue(`/${this.place.join('/')}`);
  }

  private misfit(value: unknown, wanted: string) {
    const shape = shapeOf(value);
    const what =
      { null: 'null', object: 'an object', list: 'a list' }[shape as string] ??
      quoteValue(JSON.stringify(String(value)));
    return invalid(`${this.where()} is ${what}, and not ${wanted}`);
  }
}

function shapeOf(value: unknown): 'null' | 'number' | 'string' | 'boolean' | 'object' | 'list' {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (isJsonObject(value)) return 'object';
  return typeof value === 'string' || typeof value === 'boolean' ? (typeof value as 'string' | 'boolean') : 'number';
}

function isNullable({ value }: ProtoField): boolean {
  if (value.kind === 'enum') return value.type.name === 'google.protobuf.NullValue';
  return value.kind === 'message' && wellKnown(value.type) === 'value';
}

function isZero(value: unknown, { kind }: ValueType): boolean {
  if (kind === 'message' || kind === 'enum') return kind === 'enum' && value === 0;
  if (kind === 'string' || kind === 'bytes') return value === '';
  return kind === 'bool' ? value === false : value === 0 && !Object.is(value, -0);
}

function putBytes(number: number, bytes: Buffer, writer: ByteWriter): void {
  writer.varint(number * 8 + WIRE.bytes);
  writer.varint(bytes.length);
  writer.put(bytes);
}

function enumNumber(value: unknown, numberOf: ReadonlyMap<string, number>): bigint | undefined {
  if (typeof value !== 'string') return wholeWithin(value, ...(INTEGERS.int32 as readonly [bigint, bigint]));
  const number = numberOf.get(value);
  return number === undefined ? undefined : BigInt(number);
}

function keyOf(name: string, kind: ScalarKind): unknown {
  return kind === 'bool' && (name === 'true' || name === 'false') ? name === 'true' : name;
}

/** False where the value does not fit. */
function writeScalar(value: unknown, kind: ScalarKind, writer: ByteWriter): boolean {
  switch (kind) {
    case 'double':
      return put(asDouble(value), (number) => writer.double(number));
    case 'float':
      return put(asFloat(value), (number) => writer.float(number));
    case 'bool':
      return put(typeof value === 'boolean' ? value : undefined, (flag) => writer.byte(flag ? 1 : 0));
    case 'string':
      return put(typeof value === 'string' ? Buffer.from(value) : undefined, (bytes) => putWhole(bytes, writer));
    case 'bytes':
      return put(typeof value === 'string' ? bytesOfText(value) : undefined, (bytes) => putWhole(bytes, writer));
    default:
      return put(wholeWithin(value, ...(INTEGERS[kind] as readonly [bigint, bigint]), true), (number) => {
        if (kind.includes('fixed')) writer.fixed(number, kind.endsWith('32') ? 4 : 8, false);
        else writer.varint(kind.startsWith('sint') ? zigzag(number) : BigInt.asUintN(64, number));
      });
  }
}

function putWhole(bytes: Buffer, writer: ByteWriter): void {
  writer.varint(bytes.length);
  writer.put(bytes);
}

function put<T>(value: T | undefined, write: (value: T) => void): boolean {
  if (value === undefined) return false;
  write(value);
  return true;
}
