/** A message type, as much of it as reading and writing need. */
export interface MessageType {
  /** With its package, such as `shop.Order`. */
  readonly name: string;
  /** Filled in once all types are known: a message may be within itself. In the order of the schema. */
  readonly fields: ProtoField[];
  readonly byNumber: Map<number, ProtoField>;
  /** By the names that JSON may have: `order_id` and `orderId`. */
  readonly byName: Map<string, ProtoField>;
}

export interface EnumType {
  readonly name: string;
  readonly numberOf: ReadonlyMap<string, number>;
  readonly nameOf: ReadonlyMap<number, string>;
}

export type ScalarKind =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes';

export type ValueType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'enum'; readonly type: EnumType }
  | { readonly kind: 'message'; readonly type: MessageType };

export interface ProtoField {
  /** As in the schema. */
  readonly name: string;
  /** In lowerCamelCase, or as `json_name` says. */
  readonly jsonName: string;
  readonly number: number;
  readonly value: ValueType;
  readonly isRepeated: boolean;
  readonly isPacked: boolean;
  /** The type of the keys of a map, whose values are of the type `value`. */
  readonly mapKey: ScalarKind | undefined;
  /** Whether a field that is not set differs from one that is 0, empty or false. */
  readonly hasPresence: boolean;
  /** Of several fields with one of these, at most one is set. */
  readonly oneof: string | undefined;
  /** What it must have in proto2. */
  readonly isRequired: boolean;
}

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

/** How a value of each kind is written. https://protobuf.dev/programming-guides/encoding/ */
export function wireOf({ kind }: ValueType): number {
  switch (kind) {
    case 'string':
    case 'bytes':
    case 'message':
      return WIRE.bytes;
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return WIRE.fixed64;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return WIRE.fixed32;
    default:
      return WIRE.varint;
  }
}

/** Integer types: their least and greatest value, and how their JSON is written. */
export const INTEGERS: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};
