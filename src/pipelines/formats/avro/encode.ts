import { isJsonObject, quoteValue } from '../../../sdk/index.ts';
import { bytesOfText } from '../base/base64.ts';
import { ByteWriter, zigzag } from '../base/byte-writer.ts';
import { invalid } from '../base/failure.ts';
import { MAX_DEPTH } from '../base/limits.ts';
import { asDouble, asFloat, digitsOf, wholeWithin } from '../base/numbers.ts';
import { decimalBytes, isUuid, timeOfText, unscaled, uuidBytes } from './logical.ts';
import { type AvroField, type AvroJson, type AvroType, branchName, type Logical } from './types.ts';

const INT = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const LONG = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const BYTES_OF_DEFAULT = 1_048_576;

/** A value of JSON in Avro's binary encoding. Throws TG_MESSAGE_INVALID with the place of what does not fit the schema. */
export function encodeAvro(value: unknown, type: AvroType, json: AvroJson, limit: number): Buffer {
  const writer = new ByteWriter(limit);
  new Writing(writer, json === 'avro', json === 'avro').value(value, type);
  return writer.finish();
}

/** The default of a field: of a union its value alone, and bytes as texts. */
export function encodeDefault(type: AvroType, value: unknown): Buffer {
  const writer = new ByteWriter(BYTES_OF_DEFAULT);
  new Writing(writer, false, true).value(value, type);
  return writer.finish();
}

class Writing {
  private readonly writer: ByteWriter;
  private readonly isTagged: boolean;
  /** Bytes are texts with one character each, and logical types what they are made of. */
  private readonly isRaw: boolean;
  private readonly place: (string | number)[] = [];
  private depth = 0;

  constructor(writer: ByteWriter, isTagged: boolean, isRaw: boolean) {
    this.writer = writer;
    this.isTagged = isTagged;
    this.isRaw = isRaw;
  }

  value(value: unknown, type: AvroType): void {
    switch (type.kind) {
      case 'record':
        this.record(value, type);
        return;
      case 'array':
        this.array(value, type.items);
        return;
      case 'map':
        this.map(value, type.values);
        return;
      case 'union':
        this.union(value, type.branches);
        return;
      default:
        if (!this.scalar(value, type)) throw this.misfit(value, type);
    }
  }

  /** Writes a value that has no others within it; false where it does not fit its type. */
  private scalar(value: unknown, type: AvroType): boolean {
    const encoded = this.encoded(value, type);
    if (encoded === undefined) return false;
    if (typeof encoded === 'function') encoded();
    else this.writer.varint(zigzag(encoded));
    return true;
  }

  /** A number to write, or what writes the value; undefined where it does not fit. */
  private encoded(value: unknown, type: AvroType): bigint | (() => void) | undefined {
    const { writer } = this;
    switch (type.kind) {
      case 'null':
        return value === null ? () => {} : undefined;
      case 'boolean':
        return typeof value === 'boolean' ? () => writer.byte(value ? 1 : 0) : undefined;
      case 'int':
        return this.whole(value, INT, type.logical);
      case 'long':
        return this.whole(value, LONG, type.logical);
      case 'float': {
        const float = asFloat(value);
        return float === undefined ? undefined : () => writer.float(float);
      }
      case 'double': {
        const double = asDouble(value);
        return double === undefined ? undefined : () => writer.double(double);
      }
      case 'string':
        return this.text(value, type.logical);
      case 'bytes':
        return this.lengthAnd(this.bytesOf(value, type.logical));
      case 'fixed': {
        const bytes = this.bytesOf(value, type.logical, type.size);
        return bytes?.length === type.size ? () => writer.put(bytes) : undefined;
      }
      case 'enum': {
        const index = typeof value === 'string' ? type.symbols.indexOf(value) : -1;
        return index < 0 ? undefined : BigInt(index);
      }
      default:
        return undefined;
    }
  }

  private whole(value: unknown, [min, max]: readonly [bigint, bigint], logical: Logical | undefined) {
    const number = typeof value === 'string' && !this.isRaw ? timeOfText(value, logical) : wholeWithin(value, min, max);
    return number !== undefined && number >= min && number <= max ? number : undefined;
  }

  private text(value: unknown, logical: Logical | undefined): (() => void) | undefined {
    if (typeof value !== 'string' || (logical?.name === 'uuid' && !this.isRaw && !isUuid(value))) return undefined;
    return () => {
      this.writer.varint(zigzag(BigInt(Buffer.byteLength(value))));
      this.writer.text(value);
    };
  }

  private lengthAnd(bytes: Buffer | undefined): (() => void) | undefined {
    if (bytes === undefined) return undefined;
    return () => {
      this.writer.varint(zigzag(BigInt(bytes.length)));
      this.writer.put(bytes);
    };
  }

  private bytesOf(value: unknown, logical: Logical | undefined, size?: number): Buffer | undefined {
    if (this.isRaw) {
      const isBytes = typeof value === 'string' && !/[^\0-\xff]/.test(value);
      return isBytes ? Buffer.from(value, 'latin1') : undefined;
    }
    if (logical?.name === 'decimal') {
      const number = unscaled(digitsOf(value) ?? '', logical);
      return number === undefined ? undefined : decimalBytes(number, size);
    }
    if (logical?.name === 'duration') return durationBytes(value);
    if (typeof value !== 'string') return undefined;
    return logical?.name === 'uuid' ? uuidBytes(value) : bytesOfText(value);
  }

  private record(value: unknown, type: Extract<AvroType, { kind: 'record' }>): void {
    if (!isJsonObject(value)) throw this.misfit(value, type);
    let used = 0;
    for (const field of type.fields) {
      if (Object.hasOwn(value, field.name)) {
        used += 1;
        this.within(field.name, value[field.name], field.type);
      } else {
        this.missing(field);
      }
    }
    if (used === Object.keys(value).length) return;
    const known = new Set(type.fields.map(({ name }) => name));
    const unknown = Object.keys(value).find((name) => !known.has(name)) ?? '';
    throw invalid(`${this.where()} has the field ${quoteValue(unknown)}, which ${type.name} has not`);
  }

  private missing(field: AvroField): void {
    if (field.default !== undefined) {
      this.writer.put(field.default);
      return;
    }
    if (!mayBeNull(field.type)) throw invalid(`${this.where()} has no ${quoteValue(field.name)}`);
    this.within(field.name, null, field.type);
  }

  private array(value: unknown, items: AvroType): void {
    if (!Array.isArray(value)) throw this.misfit(value, { kind: 'array', items });
    if (value.length > 0) this.writer.varint(zigzag(BigInt(value.length)));
    for (const [index, item] of value.entries()) this.within(index, item, items);
    this.writer.byte(0);
  }

  private map(value: unknown, values: AvroType): void {
    if (!isJsonObject(value)) throw this.misfit(value, { kind: 'map', values });
    const entries = Object.entries(value);
    if (entries.length > 0) this.writer.varint(zigzag(BigInt(entries.length)));
    for (const [name, inner] of entries) {
      this.text(name, undefined)?.();
      this.within(name, inner, values);
    }
    this.writer.byte(0);
  }

  private union(value: unknown, branches: readonly AvroType[]): void {
    const isTagged = this.isTagged && value !== null;
    const [tag, ...others] = isTagged && isJsonObject(value) ? Object.keys(value) : [];
    const inner = isTagged && tag !== undefined ? (value as Record<string, unknown>)[tag] : value;
    const index = branches.findIndex((branch) =>
      isTagged ? branchName(branch) === tag && others.length === 0 : this.fits(value, branch),
    );
    const branch = branches[index];
    if (branch === undefined) throw this.misfit(value, { kind: 'union', branches });
    this.writer.varint(zigzag(BigInt(index)));
    this.nested(inner, branch);
  }

  /** Of objects only the names of the fields are looked at: to try what is within would double the time at each level. */
  private fits(value: unknown, type: AvroType): boolean {
    if (type.kind === 'array') return Array.isArray(value);
    if (type.kind === 'map') return isJsonObject(value);
    if (type.kind !== 'record') return this.encoded(value, type) !== undefined;
    if (!isJsonObject(value)) return false;
    const names = new Set(type.fields.map(({ name }) => name));
    const isComplete = type.fields.every(
      (field) => Object.hasOwn(value, field.name) || field.default !== undefined || mayBeNull(field.type),
    );
    return isComplete && Object.keys(value).every((name) => names.has(name));
  }

  private within(step: string | number, value: unknown, type: AvroType): void {
    this.place.push(step);
    this.nested(value, type);
    this.place.pop();
  }

  private nested(value: unknown, type: AvroType): void {
    this.depth += 1;
    if (this.depth > 2 * MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.value(value, type);
    this.depth -= 1;
  }

  private where(): string {
    return this.place.length === 0 ? 'it' : quoteValue(`/${this.place.join('/')}`);
  }

  private misfit(value: unknown, type: AvroType) {
    return invalid(`${this.where()} is ${kindOf(value)}, and not ${wanted(type)}`);
  }
}

function mayBeNull(type: AvroType): boolean {
  return type.kind === 'null' || (type.kind === 'union' && type.branches.some(({ kind }) => kind === 'null'));
}

function durationBytes(value: unknown): Buffer | undefined {
  if (!isJsonObject(value) || Object.keys(value).length !== 3) return undefined;
  const bytes = Buffer.alloc(12);
  for (const [index, name] of ['months', 'days', 'milliseconds'].entries()) {
    const part = wholeWithin(value[name], 0n, 2n ** 32n - 1n);
    if (part === undefined) return undefined;
    bytes.writeUInt32LE(Number(part), 4 * index);
  }
  return bytes;
}

function wanted(type: AvroType): string {
  if (type.kind === 'union') return `one of ${quoteValue(type.branches.map(branchName).join(', '))}`;
  if ('name' in type) return `the ${type.kind} ${quoteValue(type.name)}`;
  const logical = 'logical' in type && type.logical !== undefined ? ` (${type.logical.name})` : '';
  return `of the type ${type.kind}${logical}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isJsonObject(value)) return 'an object';
  return quoteValue(typeof value === 'string' ? JSON.stringify(value) : String(value));
}
