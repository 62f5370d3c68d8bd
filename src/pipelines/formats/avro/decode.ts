import { ByteReader, unzigzag } from '../base/byte-reader.ts';
import { invalid } from '../base/failure.ts';
import { JsonWriter } from '../base/json-writer.ts';
import { doubleText, floatText } from '../base/numbers.ts';
import { decimalText, timeText, uuidText } from './logical.ts';
import { type AvroJson, type AvroType, branchName, type Logical } from './types.ts';

export interface AvroDecoding {
  readonly json: AvroJson;
  /** Whether times are texts in ISO 8601 or the numbers that were written; of `plain` only. */
  readonly times: 'text' | 'number';
  /** Bytes of the JSON. */
  readonly limit: number;
}

/** A value in Avro's binary encoding as JSON, read by the schema that it was written with. */
export function decodeAvro(payload: Buffer, type: AvroType, options: AvroDecoding): Buffer {
  const reader = new ByteReader(payload);
  const json = new JsonWriter(options.limit);
  new Reading(reader, json, options).value(type);
  if (reader.left > 0) throw invalid(`${reader.left} bytes follow its value`);
  return json.finish();
}

class Reading {
  private readonly reader: ByteReader;
  private readonly json: JsonWriter;
  private readonly isPlain: boolean;
  private readonly isTimeText: boolean;

  constructor(reader: ByteReader, json: JsonWriter, options: AvroDecoding) {
    this.reader = reader;
    this.json = json;
    this.isPlain = options.json === 'plain';
    this.isTimeText = this.isPlain && options.times === 'text';
  }

  value(type: AvroType): void {
    const { reader, json } = this;
    switch (type.kind) {
      case 'null':
        json.value('null');
        return;
      case 'boolean':
        json.value(this.boolean());
        return;
      case 'int':
      case 'long':
        this.whole(type.kind, type.logical);
        return;
      case 'float':
        json.value(floatText(reader.bytes.readFloatLE(reader.skip(4))));
        return;
      case 'double':
        json.value(doubleText(reader.bytes.readDoubleLE(reader.skip(8))));
        return;
      case 'bytes':
        this.bytes(reader.take(this.length()), type.logical);
        return;
      case 'string':
        json.string(reader.text(this.length()));
        return;
      case 'fixed':
        this.bytes(reader.take(type.size), type.logical);
        return;
      case 'enum':
        json.string(this.chosen(type.symbols, 'symbol'));
        return;
      case 'record':
        this.record(type);
        return;
      case 'array':
        this.array(type.items);
        return;
      case 'map':
        this.map(type.values);
        return;
      case 'union':
        this.union(type.branches);
        return;
    }
  }

  private boolean(): string {
    const byte = this.reader.byte();
    if (byte > 1) throw invalid(`the byte ${byte} at ${this.reader.at - 1} is neither true nor false`);
    return byte === 1 ? 'true' : 'false';
  }

  private whole(kind: 'int' | 'long', logical: Logical | undefined): void {
    const value = unzigzag(this.reader.varint());
    if (kind === 'int' && (value < -(2 ** 31) || value >= 2 ** 31)) throw invalid(`${value} is not an int`);
    const text = this.isTimeText ? timeText(value, logical) : undefined;
    if (text === undefined) this.json.value(String(value));
    else this.json.string(text);
  }

  /** A length is signed, though none is below 0. */
  private length(): number {
    const length = unzigzag(this.reader.varint());
    if (length < 0 || length > this.reader.left) throw invalid(`it ends within a value at byte ${this.reader.at}`);
    return Number(length);
  }

  private chosen<T>(choices: readonly T[], what: string): T {
    const index = unzigzag(this.reader.varint());
    const found = typeof index === 'number' ? choices[index] : undefined;
    if (found === undefined) throw invalid(`there is no ${what} ${index} at byte ${this.reader.at}`);
    return found;
  }

  private bytes(bytes: Buffer, logical: Logical | undefined): void {
    if (!this.isPlain) this.json.string(bytes.toString('latin1'));
    else if (logical?.name === 'decimal') this.decimal(bytes, logical);
    else if (logical?.name === 'uuid') this.json.string(uuidText(bytes));
    else if (logical?.name === 'duration') this.duration(bytes);
    else this.json.string(bytes.toString('base64'));
  }

  private decimal(bytes: Buffer, logical: { readonly precision: number; readonly scale: number }): void {
    const text = decimalText(bytes, logical);
    if (text === undefined) throw invalid(`a decimal has more than ${logical.precision} digits`);
    this.json.value(text);
  }

  private duration(bytes: Buffer): void {
    this.json.begin('{');
    for (const [index, name] of ['months', 'days', 'milliseconds'].entries()) {
      this.json.name(name);
      this.json.value(String(bytes.readUInt32LE(4 * index)));
    }
    this.json.end('}');
  }

  private record({ fields }: Extract<AvroType, { kind: 'record' }>): void {
    this.json.begin('{');
    for (const { name, type } of fields) {
      this.json.name(name);
      this.value(type);
    }
    this.json.end('}');
  }

  private array(items: AvroType): void {
    this.json.begin('[');
    for (let count = this.block(); count > 0; count = this.block()) for (; count > 0; count -= 1) this.value(items);
    this.json.end(']');
  }

  private map(values: AvroType): void {
    this.json.begin('{');
    for (let count = this.block(); count > 0; count = this.block())
      for (; count > 0; count -= 1) {
        this.json.name(this.reader.text(this.length()));
        this.value(values);
      }
    this.json.end('}');
  }

  /** How many items come next. Items of no bytes are many for nothing: what is written for them has its limit. */
  private block(): number {
    const count = Number(unzigzag(this.reader.varint()));
    if (count >= 0) return count;
    this.reader.varint();
    return -count;
  }

  private union(branches: readonly AvroType[]): void {
    const branch = this.chosen(branches, 'type of the union');
    if (this.isPlain || branch.kind === 'null') {
      this.value(branch);
      return;
    }
    this.json.begin('{');
    this.json.name(branchName(branch));
    this.value(branch);
    this.json.end('}');
  }
}
