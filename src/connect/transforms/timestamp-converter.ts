import { quoteValue } from '../../core/quote.ts';
import { setField } from '../../sdk/index.ts';
import type { DateFormat } from './date-format.ts';
import { bigintOf, classOf, dataError, fieldOf, isLong, type JsonNumber, numberOf, requireMap } from './java-values.ts';
import { type PartPlugin, withPart } from './part-plugin.ts';
import { type Given, replaceNullWithDefault, SettingMistake } from './setting.ts';
import { formatOf } from './timestamp-router.ts';

/** A unit in nanoseconds. */
const NANOSECONDS: Readonly<Record<string, bigint>> = {
  nanoseconds: 1n,
  microseconds: 1_000n,
  milliseconds: 1_000_000n,
  seconds: 1_000_000_000n,
};
const MILLISECOND = 1_000_000n;
const DAY = 86_400_000;
/** Milliseconds: ECMA-262's dates end there. */
const LAST_TIME = 8_640_000_000_000_000n;

export const timestampConverter: PartPlugin = {
  name: 'TimestampConverter',
  settings: [
    {
      name: 'field',
      type: 'STRING',
      default: '',
      importance: 'HIGH',
      documentation: 'Field with the timestamp; empty: the whole is one.',
    },
    {
      name: 'target.type',
      type: 'STRING',
      default: undefined,
      oneOf: ['string', 'unix', 'Date', 'Time', 'Timestamp'],
      importance: 'HIGH',
      documentation:
        'string: text in the form of format. unix: a number of unix.precision. Timestamp, Date and Time: milliseconds, of the point in time, of the beginning of its day, and since that.',
    },
    {
      name: 'format',
      type: 'STRING',
      default: '',
      importance: 'MEDIUM',
      documentation: 'Form of text that is read or written, as in java.text.SimpleDateFormat; in UTC.',
    },
    {
      name: 'unix.precision',
      type: 'STRING',
      default: 'milliseconds',
      oneOf: Object.keys(NANOSECONDS),
      importance: 'LOW',
      documentation: 'Unit of numbers that are read, and of those that are written with unix.',
    },
    replaceNullWithDefault,
  ],
  create: (given, part) => {
    const convert = conversion(given);
    const field = given.text('field') ?? '';
    return (record) => {
      const value = record[part];
      if (value === null || field === '') return withPart(record, part, convert(value));
      const map = requireMap(value, 'converting timestamp formats');
      const changed = { ...map };
      setField(changed, field, convert(fieldOf(map, field)));
      return withPart(record, part, changed);
    };
  },
};

function conversion(given: Given): (value: unknown) => unknown {
  const type = given.text('target.type') ?? '';
  const pattern = given.text('format') ?? '';
  if (type === 'string' && pattern.trim() === '')
    throw new SettingMistake(
      'format',
      'TimestampConverter requires format option to be specified when using string timestamps',
    );
  const format = pattern.trim() === '' ? undefined : formatOf('format', pattern);
  const unit = NANOSECONDS[given.text('unix.precision') ?? ''] ?? MILLISECOND;
  return (value) => (value === null ? null : written(type, timeOf(value, format, unit), format, unit));
}

/** Milliseconds since the epoch. */
function timeOf(value: unknown, format: DateFormat | undefined, unit: bigint): number {
  if (typeof value === 'string') {
    if (format === undefined)
      throw dataError('a timestamp that is text needs the setting format of TimestampConverter');
    const time = format.parse(value);
    if (time !== undefined) return time;
    throw dataError(
      `Could not parse timestamp: value (${quoteValue(value)}) does not match pattern (${format.pattern})`,
    );
  }
  if (!isLong(value))
    throw dataError(`TimestampConverter does not support class ${classOf(value)} objects as timestamps`);
  const time = (bigintOf(value) * unit) / MILLISECOND;
  if (time > LAST_TIME || time < -LAST_TIME)
    throw dataError(`the timestamp ${quoteValue(String(value))} is too far away; set unix.precision to its unit`);
  return Number(time);
}

function written(
  type: string,
  time: number,
  format: DateFormat | undefined,
  unit: bigint,
): string | JsonNumber | undefined {
  switch (type) {
    case 'string':
      return format?.format(time);
    case 'unix':
      return numberOf(String((BigInt(time) * MILLISECOND) / unit));
    case 'Date':
      return Math.floor(time / DAY) * DAY;
    case 'Time':
      return time - Math.floor(time / DAY) * DAY;
    default:
      return time;
  }
}
