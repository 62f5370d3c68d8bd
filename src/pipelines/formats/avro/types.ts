/** How a value is meant beyond its type. https://avro.apache.org/docs/1.12.0/specification/#logical-types */
export type Logical =
  | { readonly name: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly name: 'timestamp' | 'local-timestamp'; readonly digits: 3 | 6 | 9 }
  | { readonly name: 'time'; readonly digits: 3 | 6 }
  | { readonly name: 'date' | 'uuid' | 'duration' };

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  /** What the field is where JSON leaves it out, encoded. */
  default?: Buffer;
}

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

export type AvroType =
  | { readonly kind: AvroPrimitive; readonly logical?: Logical | undefined }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number; readonly logical?: Logical | undefined }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  /** Its fields are filled in once their types are known: a record may be within itself. */
  | { readonly kind: 'record'; readonly name: string; readonly fields: AvroField[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] };

/**
 * How values look as JSON.
 * - `plain`: a union is its value alone, bytes are Base64, logical types are texts and numbers that mean the same
 * - `avro`: the JSON encoding of the specification: a union that is not null is an object with the name of the type, bytes
 *   are texts with one character a byte, logical types are what they are made of
 */
export type AvroJson = 'plain' | 'avro';

/** The name of a type within a union. */
export function branchName(type: AvroType): string {
  return 'name' in type ? type.name : type.kind;
}
