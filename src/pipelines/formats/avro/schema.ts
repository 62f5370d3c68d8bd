import { isJsonObject, quoteValue } from '../../../sdk/index.ts';
import { MAX_DEPTH } from '../base/limits.ts';
import { encodeDefault } from './encode.ts';
import { logicalOf } from './logical.ts';
import type { AvroField, AvroPrimitive, AvroType } from './types.ts';

const PRIMITIVES: ReadonlySet<string> = new Set<AvroPrimitive>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;
/** Bytes of a value of the type `fixed`. */
const MAX_FIXED = 1_048_576;

/**
 * The type that the text of a schema describes. `references`: texts of schemas whose names it uses, those first that others
 * use. Throws an Error that says what is wrong.
 */
export function parseAvro(text: string, references: readonly string[] = []): AvroType {
  const reading = new SchemaReading();
  for (const reference of references) reading.read(reference);
  const type = reading.read(text);
  reading.encodeDefaults();
  return type;
}

/** The full name of the record, enum or fixed that a schema describes; undefined where it has none. */
export function avroName(type: AvroType): string | undefined {
  return 'name' in type ? type.name : undefined;
}

/** Parses schemas that know each other's names. */
class SchemaReading {
  private readonly named = new Map<string, AvroType>();
  private readonly defaults: { readonly field: AvroField; readonly value: unknown; readonly place: string }[] = [];

  read(text: string): AvroType {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      // A schema may be the name of a type alone, without quotation marks.
      if (!NAME.test(text.trim())) throw new Error(`the Avro schema is not JSON: ${(error as Error).message}`);
      json = text.trim();
    }
    return this.type(json, '', 0);
  }

  /** Once all names are known. */
  encodeDefaults(): void {
    for (const { field, value, place } of this.defaults) {
      try {
        field.default = encodeDefault(field.type, value);
      } catch (error) {
        throw new Error(`the Avro schema has a default of ${place} that cannot be used: ${(error as Error).message}`);
      }
    }
  }

  private type(json: unknown, namespace: string, depth: number): AvroType {
    if (depth > MAX_DEPTH) throw new Error(`the Avro schema is nested more than ${MAX_DEPTH} levels deep`);
    if (typeof json === 'string') return this.byName(json, namespace);
    if (Array.isArray(json)) return this.union(json, namespace, depth);
    if (!isJsonObject(json)) throw new Error(`the Avro schema has ${JSON.stringify(json)} where a type is due`);
    const kind = json.type;
    // { "type": { "type": "string" } } is the type within.
    if (typeof kind !== 'string') return this.type(kind, namespace, depth + 1);
    switch (kind) {
      case 'record':
      case 'error':
        return this.record(json, namespace, depth);
      case 'enum':
        return this.name({ kind, name: fullName(json, namespace), symbols: symbolsOf(json) });
      case 'fixed':
        return this.name({ kind, name: fullName(json, namespace), size: sizeOf(json), logical: logicalOf(json) });
      case 'array':
        return { kind, items: this.type(json.items, namespace, depth + 1) };
      case 'map':
        return { kind, values: this.type(json.values, namespace, depth + 1) };
      default:
        if (!PRIMITIVES.has(kind)) return this.byName(kind, namespace);
        return { kind: kind as AvroPrimitive, logical: logicalOf(json) };
    }
  }

  private byName(name: string, namespace: string): AvroType {
    if (PRIMITIVES.has(name)) return { kind: name as AvroPrimitive };
    const found = this.named.get(qualified(name, namespace)) ?? this.named.get(name);
    if (found === undefined) throw new Error(`the Avro schema has no type ${quoteValue(name)}`);
    return found;
  }

  private name<T extends AvroType & { readonly name: string }>(type: T): T {
    if (this.named.has(type.name)) throw new Error(`the Avro schema has two types ${quoteValue(type.name)}`);
    this.named.set(type.name, type);
    return type;
  }

  private union(json: readonly unknown[], namespace: string, depth: number): AvroType {
    const branches = json.map((branch) => this.type(branch, namespace, depth + 1));
    const names = branches.map((branch) => ('name' in branch ? branch.name : branch.kind));
    if (names.includes('union')) throw new Error('the Avro schema has a union within a union');
    if (new Set(names).size < names.length)
      throw new Error('the Avro schema has a union with two branches of one type');
    return { kind: 'union', branches };
  }

  private record(json: Readonly<Record<string, unknown>>, namespace: string, depth: number): AvroType {
    const name = fullName(json, namespace);
    const record = this.name({ kind: 'record' as const, name, fields: [] as AvroField[] });
    if (!Array.isArray(json.fields)) throw new Error(`the Avro schema has a record ${quoteValue(name)} without fields`);
    for (const field of json.fields as unknown[]) {
      if (!isJsonObject(field) || typeof field.name !== 'string' || !NAME.test(field.name))
        throw new Error(`the Avro schema has a field of ${quoteValue(name)} without a name that Avro allows`);
      const place = `${quoteValue(name)}.${quoteValue(field.name)}`;
      if (record.fields.some((other) => other.name === field.name))
        throw new Error(`the Avro schema has two fields ${place}`);
      const made: AvroField = { name: field.name, type: this.type(field.type, namespaceOf(name), depth + 1) };
      record.fields.push(made);
      if ('default' in field) this.defaults.push({ field: made, value: field.default, place });
    }
    return record;
  }
}

function fullName(json: Readonly<Record<string, unknown>>, around: string): string {
  const { name, namespace } = json;
  if (typeof name !== 'string' || !NAME.test(name))
    throw new Error(
      `the Avro schema has a type ${quoteValue(JSON.stringify(name) ?? 'without a name')}; a name is letters, digits and _`,
    );
  return qualified(name, typeof namespace === 'string' ? namespace : around);
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

function symbolsOf({ name, symbols }: Readonly<Record<string, unknown>>): string[] {
  const isList = Array.isArray(symbols) && symbols.every((symbol) => typeof symbol === 'string');
  if (isList && new Set(symbols).size === symbols.length) return symbols as string[];
  throw new Error(`the Avro schema has an enum ${String(name)} without a list of different symbols`);
}

function sizeOf({ name, size }: Readonly<Record<string, unknown>>): number {
  if (typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= MAX_FIXED) return size;
  throw new Error(`the Avro schema has a fixed ${String(name)} without a size of at most ${MAX_FIXED}`);
}
