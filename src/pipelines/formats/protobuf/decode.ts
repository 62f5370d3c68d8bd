import { ByteReader } from '../base/byte-reader.ts';
import { invalid } from '../base/failure.ts';
import { JsonWriter } from '../base/json-writer.ts';
import { scalarText } from './scalar-text.ts';
import { type MessageType, type ProtoField, type ScalarKind, type ValueType, WIRE, wireOf } from './types.ts';
import { durationText, maskText, timestampText, type WellKnown, wellKnown } from './well-known.ts';
import { entryIn, type FieldsFound, type Found, fieldsIn } from './wire.ts';

export interface ProtobufDecoding {
  /** Names of fields in lowerCamelCase, or as they are in the schema. */
  readonly names: 'json' | 'proto';
  /** Whether fields without presence that are not set are written as 0, empty or false. */
  readonly defaults: boolean;
  /** Bytes of the JSON. */
  readonly limit: number;
}

/** A message in Protobuf's wire format as JSON. https://protobuf.dev/programming-guides/json/ */
export function decodeProtobuf(payload: Buffer, type: MessageType, options: ProtobufDecoding): Buffer {
  const json = new JsonWriter(options.limit);
  new ProtobufReading(json, options).message(payload, type);
  return json.finish();
}

class ProtobufReading {
  private readonly json: JsonWriter;
  private readonly options: ProtobufDecoding;

  constructor(json: JsonWriter, options: ProtobufDecoding) {
    this.json = json;
    this.options = options;
  }

  message(bytes: Buffer, type: MessageType): void {
    const { json } = this;
    const found = fieldsIn(bytes, type);
    const known = wellKnown(type);
    if (known !== undefined) {
      this.wellKnown(known, type, bytes, found);
      return;
    }
    json.begin('{');
    for (const field of type.fields) {
      const occurrences = found.get(field);
      if (occurrences === undefined) this.missing(field);
      else this.field(field, bytes, occurrences);
    }
    json.end('}');
  }

  /** Types that JSON has a form of its own for. */
  private wellKnown(known: WellKnown, type: MessageType, bytes: Buffer, found: FieldsFound): void {
    const first = type.fields[0] as ProtoField; // a well-known type has one
    const occurrences = found.get(first) ?? [];
    switch (known) {
      case 'timestamp':
        this.json.string(timestampText(...this.secondsIn(type, bytes, found)));
        return;
      case 'duration':
        this.json.string(durationText(...this.secondsIn(type, bytes, found)));
        return;
      case 'mask':
        this.json.string(maskText(this.textsIn(bytes, occurrences)));
        return;
      case 'struct':
        this.map(first, 'string', bytes, occurrences);
        return;
      case 'list':
        this.list(first, bytes, occurrences);
        return;
      case 'wrapper':
        occurrences.length === 0 ? this.zero(first.value) : this.last(first.value, bytes, occurrences);
        return;
      case 'value': {
        const [only] = found;
        only === undefined ? this.json.value('null') : this.last(only[0].value, bytes, only[1]);
        return;
      }
    }
  }

  private secondsIn(type: MessageType, bytes: Buffer, found: FieldsFound): [seconds: bigint, nanoseconds: bigint] {
    const [seconds = 0n, nanoseconds = 0n] = type.fields.map((field) => {
      const at = found.get(field)?.at(-2);
      return at === undefined ? 0n : BigInt.asIntN(64, BigInt(new ByteReader(bytes, at).varint()));
    });
    return [seconds, BigInt.asIntN(32, nanoseconds)];
  }

  private textsIn(bytes: Buffer, found: Found): string[] {
    return found.flatMap((at, index) => {
      if (index % 2 === 1) return [];
      const reader = new ByteReader(bytes, at);
      return [reader.text(reader.length())];
    });
  }

  private field(field: ProtoField, bytes: Buffer, found: Found): void {
    this.json.name(this.nameOf(field));
    if (field.mapKey !== undefined) this.map(field, field.mapKey, bytes, found);
    else if (field.isRepeated) this.list(field, bytes, found);
    else this.last(field.value, bytes, found);
  }

  private value(type: ValueType, reader: ByteReader): void {
    const { json } = this;
    const { kind } = type;
    if (kind === 'message') {
      this.message(reader.take(reader.length()), type.type);
      return;
    }
    if (kind === 'string') {
      json.string(reader.text(reader.length()));
      return;
    }
    if (kind === 'bytes') {
      json.string(reader.take(reader.length()).toString('base64'));
      return;
    }
    if (kind !== 'enum') {
      json.value(scalarText(kind, reader));
      return;
    }
    const { nameOf, name } = type.type;
    const number = Number(BigInt.asIntN(32, BigInt(reader.varint())));
    // The one value of this enum is null.
    if (name === 'google.protobuf.NullValue') {
      json.value('null');
      return;
    }
    const known = nameOf.get(number);
    known === undefined ? json.value(String(number)) : json.string(known);
    return;
  }

  private nameOf({ name, jsonName }: ProtoField): string {
    return this.options.names === 'proto' ? name : jsonName;
  }

  /** Of a message that comes several times, all together are one; of anything else the last one counts. */
  private last(type: ValueType, bytes: Buffer, found: Found): void {
    if (type.kind === 'message' && found.length > 2) {
      const parts: Buffer[] = [];
      for (let at = 0; at < found.length; at += 2) {
        const part = new ByteReader(bytes, found[at], found[at + 1]);
        parts.push(part.take(part.length()));
      }
      this.message(Buffer.concat(parts), type.type);
      return;
    }
    this.value(type, new ByteReader(bytes, found.at(-2), found.at(-1)));
  }

  private list({ value }: ProtoField, bytes: Buffer, found: Found): void {
    this.json.begin('[');
    const isPackable = wireOf(value) !== WIRE.bytes;
    for (let at = 0; at < found.length; at += 2) {
      const from = found[at] as number;
      // A place below 0 is that of values packed one behind the other.
      if (from >= 0 || !isPackable) {
        this.value(value, new ByteReader(bytes, from, found[at + 1]));
        continue;
      }
      const packed = new ByteReader(bytes, -from - 1, found[at + 1]);
      packed.length();
      while (packed.left > 0) this.value(value, packed);
    }
    this.json.end(']');
  }

  private map({ value }: ProtoField, keyKind: ScalarKind, bytes: Buffer, found: Found): void {
    this.json.begin('{');
    const key = { kind: keyKind } as const;
    for (let at = 0; at < found.length; at += 2) {
      const whole = new ByteReader(bytes, found[at], found[at + 1]);
      const entry = new ByteReader(whole.take(whole.length()));
      const parts = entryIn(entry, key, value);
      this.json.name(parts.key === undefined ? zeroName(keyKind) : keyText(keyKind, parts.key));
      if (parts.value === undefined) this.zero(value);
      else this.value(value, parts.value);
    }
    this.json.end('}');
  }

  private missing(field: ProtoField): void {
    if (field.isRequired) throw invalid(`it has no ${field.name}, which is required`);
    if (!this.options.defaults) return;
    const isList = field.isRepeated || field.mapKey !== undefined;
    if (!isList && field.hasPresence) return;
    this.json.name(this.nameOf(field));
    if (field.mapKey !== undefined) this.json.value('{}');
    else if (field.isRepeated) this.json.value('[]');
    else this.zero(field.value);
  }

  /** What a field without presence is where it is not set. */
  private zero(type: ValueType): void {
    if (type.kind === 'message') {
      this.message(Buffer.alloc(0), type.type);
      return;
    }
    const zeros = Buffer.alloc(8);
    this.value(type, new ByteReader(zeros));
  }
}

function keyText(kind: ScalarKind, reader: ByteReader): string {
  return kind === 'string'
    ? reader.text(reader.length())
    : scalarText(kind as Exclude<ScalarKind, 'string' | 'bytes'>, reader).replaceAll('"', '');
}

function zeroName(kind: ScalarKind): string {
  if (kind === 'string') return '';
  return kind === 'bool' ? 'false' : '0';
}
