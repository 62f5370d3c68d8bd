import { dayText, fromDayText, fromIsoText, fromTimeOfDayText, isoText, timeOfDayText } from '../base/iso-time.ts';
import type { Logical } from './types.ts';

/** Digits of a decimal; those of Connect and of databases have some tens. */
const MAX_PRECISION = 1_000;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What logical types are made of. */
const TIMES: Readonly<Record<string, readonly [kind: string, logical: Logical]>> = {
  date: ['int', { name: 'date' }],
  'time-millis': ['int', { name: 'time', digits: 3 }],
  'time-micros': ['long', { name: 'time', digits: 6 }],
  'timestamp-millis': ['long', { name: 'timestamp', digits: 3 }],
  'timestamp-micros': ['long', { name: 'timestamp', digits: 6 }],
  'timestamp-nanos': ['long', { name: 'timestamp', digits: 9 }],
  'local-timestamp-millis': ['long', { name: 'local-timestamp', digits: 3 }],
  'local-timestamp-micros': ['long', { name: 'local-timestamp', digits: 6 }],
  'local-timestamp-nanos': ['long', { name: 'local-timestamp', digits: 9 }],
  uuid: ['string', { name: 'uuid' }],
};

/** The logical type of a schema. One that is not known, or does not fit its type, is none, as the specification says. */
export function logicalOf(schema: Readonly<Record<string, unknown>>): Logical | undefined {
  const { type, logicalType } = schema;
  if (typeof logicalType !== 'string') return undefined;
  if (logicalType === 'decimal') return type === 'bytes' || type === 'fixed' ? decimalOf(schema) : undefined;
  if (type === 'fixed') {
    if (logicalType === 'uuid' && schema.size === 16) return { name: 'uuid' };
    return logicalType === 'duration' && schema.size === 12 ? { name: 'duration' } : undefined;
  }
  const [kind, logical] = Object.hasOwn(TIMES, logicalType) ? (TIMES[logicalType] ?? []) : [];
  return kind === type ? logical : undefined;
}

function decimalOf({ precision, scale = 0 }: Readonly<Record<string, unknown>>): Logical | undefined {
  const isWhole = (value: unknown, min: number, max: number): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  if (!isWhole(precision, 1, MAX_PRECISION) || !isWhole(scale, 0, precision)) return undefined;
  return { name: 'decimal', precision, scale };
}

/** A whole number as text where it is a time of that kind; undefined: it stays a number. */
export function timeText(value: number | bigint, logical: Logical | undefined): string | undefined {
  switch (logical?.name) {
    case 'timestamp':
      return isoText(BigInt(value), logical.digits);
    case 'local-timestamp':
      return isoText(BigInt(value), logical.digits, true);
    case 'time':
      return timeOfDayText(Number(value), logical.digits);
    case 'date':
      return dayText(Number(value));
    default:
      return undefined;
  }
}

/** The way back; undefined where the text is no such time. */
export function timeOfText(text: string, logical: Logical | undefined): bigint | undefined {
  switch (logical?.name) {
    case 'timestamp':
      return fromIsoText(text, logical.digits);
    case 'local-timestamp':
      return fromIsoText(text, logical.digits, true);
    case 'time':
      return whole(fromTimeOfDayText(text, logical.digits));
    case 'date':
      return whole(fromDayText(text));
    default:
      return undefined;
  }
}

function whole(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

/** A decimal as JSON has it, with all digits of its scale. undefined: it has more digits than its precision. */
export function decimalText(
  bytes: Buffer,
  { precision, scale }: { precision: number; scale: number },
): string | undefined {
  // Three bits hold less than a digit, so no number that fits is longer, beside bytes in front that mean nothing.
  if (bytes.length > precision + 16) return undefined;
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  if (digits.replace(/^0+/, '').length > precision) return undefined;
  const point = digits.length - scale;
  const fraction = scale === 0 ? '' : `.${digits.slice(point)}`;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
}

/** The number of a JSON text in units of the scale. undefined: it has more digits than the decimal. */
export function unscaled(
  digits: string,
  { precision, scale }: { precision: number; scale: number },
): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(digits) ?? [];
  if (whole === '') return undefined;
  const significant = `${whole}${fraction}`.replace(/^0+/, '');
  // Where the last digit is, in units of the scale.
  const shift = Number(exponent) - fraction.length + scale;
  if (significant === '') return 0n;
  if (significant.length + Math.max(shift, 0) > precision + Math.max(-shift, 0)) return undefined;
  const cut = shift < 0 ? significant.slice(shift) : '';
  if (/[^0]/.test(cut) || (shift < 0 && -shift >= significant.length)) return undefined;
  const kept = shift < 0 ? significant.slice(0, shift) : significant + '0'.repeat(shift);
  const value = BigInt(kept);
  return sign === '-' ? -value : value;
}

/** Two's complement, big-endian, in `size` bytes or in as few as it needs. undefined: it needs more. */
export function decimalBytes(value: bigint, size?: number): Buffer | undefined {
  let count = 1;
  while (BigInt.asIntN(8 * count, value) !== value) count += 1;
  if (size !== undefined && count > size) return undefined;
  const length = size ?? count;
  return Buffer.from(
    BigInt.asUintN(8 * length, value)
      .toString(16)
      .padStart(2 * length, '0'),
    'hex',
  );
}

export function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export function uuidBytes(text: string): Buffer | undefined {
  return isUuid(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : undefined;
}
