import { ExactNumber } from '../../core/exact-number.ts';
import { setField } from '../../sdk/index.ts';
import { classOf, dataError, doubleText, fieldOf, floatText, isNumber, requireMap, scalarText } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import { replaceNullWithDefault } from './setting.ts';
import { longOf, narrowed, parseWhole } from './whole-numbers.ts';

const TYPES = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'] as const;
/** Further types of Connect's, to which nothing can be cast. */
const OTHER_TYPES = ['array', 'bytes', 'map', 'struct'];

type CastType = (typeof TYPES)[number];

const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

export const cast: PartPlugin = {
  name: 'Cast',
  settings: [
    {
      name: 'spec',
      type: 'LIST',
      default: undefined,
      importance: 'HIGH',
      documentation:
        'Fields and their types, as field1:type,field2:type; or one type for the whole. Types are int8, int16, int32, int64, float32, float64, boolean and string.',
      mistake: (value) => mistakeOf(value as readonly string[]),
    },
    replaceNullWithDefault,
  ],
  create: (given, part) => {
    const casts = given.list('spec').map(parse);
    const [first] = casts;
    const whole = first?.field === undefined ? first?.type : undefined;
    return (record) => {
      const value = record[part];
      if (value === null) return record;
      if (whole !== undefined) return withPart(record, part, castTo(whole, value));
      const map = requireMap(value, 'cast types');
      const changed = { ...map };
      for (const { field = '', type } of casts) setField(changed, field, castTo(type, fieldOf(map, field)));
      return withPart(record, part, changed);
    };
  },
};

interface FieldCast {
  /** undefined: the whole. */
  readonly field: string | undefined;
  readonly type: CastType;
}

function parse(spec: string): FieldCast {
  const [one = '', other] = spec.split(':').map((text) => text.trim());
  const type = (other ?? one).toLowerCase() as CastType; // mistakeOf has seen it
  return { field: other === undefined ? undefined : one, type };
}

function mistakeOf(specs: readonly string[]): string | undefined {
  if (specs.length === 0) return 'Must specify at least one field to cast.';
  for (const spec of specs) {
    const parts = spec.split(':');
    if (parts.length > 2)
      return `Invalid value [${specs.join(', ')}] for configuration spec: Invalid mapping: ${spec}; write field:type`;
    const type = (parts.at(-1) as string).trim(); // split gives at least one
    const name = type.toLowerCase();
    if (OTHER_TYPES.includes(name))
      return `Cast transformation does not support casting to ${type.toUpperCase()}; supported types are [${TYPES.map((one) => one.toUpperCase()).join(', ')}]`;
    if (!TYPES.some((one) => one === name)) return `Invalid type found in casting spec: ${type}`;
  }
  return specs.length > 1 && specs.some((spec) => !spec.includes(':'))
    ? 'Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec'
    : undefined;
}

function castTo(type: CastType, value: unknown): unknown {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) {
    if (type === 'string') return value.toString('base64');
    throw dataError(`Unexpected type in Cast transformation: class ${classOf(value)}`);
  }
  if (typeof value !== 'string' && typeof value !== 'boolean' && !isNumber(value))
    throw dataError(
      `Cast transformation does not support casting from ${Array.isArray(value) ? 'ARRAY' : 'MAP'}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]`,
    );
  switch (type) {
    case 'string':
      return scalarText(value);
    case 'boolean':
      if (typeof value === 'string') return value.toLowerCase() === 'true';
      return typeof value === 'boolean' ? value : longOf(value) !== 0n;
    case 'float32':
    case 'float64':
      return floating(type, value);
    default:
      return whole(Number(type.slice('int'.length)), value);
  }
}

type Scalar = string | boolean | number | ExactNumber;

function whole(bits: number, value: Scalar): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const result = typeof value === 'string' ? parseWhole(value, bits) : narrowed(value, bits);
  if (result === undefined) throw outOfRange(value);
  return result;
}

/** With a point, as Connect writes it: a reader that sees 1.0 knows that it is no whole number. */
function floating(type: 'float32' | 'float64', value: Scalar): ExactNumber {
  if (typeof value === 'string' && !DECIMAL.test(value)) throw outOfRange(value);
  const double = typeof value === 'boolean' ? Number(value) : Number(String(value));
  const digits = type === 'float32' ? floatText(double) : doubleText(double);
  // JSON has neither Infinity nor NaN.
  if (!/\d/.test(digits)) throw outOfRange(value);
  return new ExactNumber(digits);
}

function outOfRange(value: unknown) {
  return dataError(`Value (${String(value).slice(0, 100)}) was out of range for requested data type`);
}
