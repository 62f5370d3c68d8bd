import { invalid } from '../base/failure.ts';
import { fromIsoText, isoText, shortened } from '../base/iso-time.ts';
import type { MessageType } from './types.ts';

/** Types of Protobuf itself that have a form of their own in JSON. https://protobuf.dev/programming-guides/json/ */
export type WellKnown = 'timestamp' | 'duration' | 'wrapper' | 'struct' | 'value' | 'list' | 'mask';

const PACKAGE = 'google.protobuf.';

/** With the kinds of their fields: a type of another schema may have the name. */
const FORMS: Readonly<Record<string, readonly [WellKnown, fields: string]>> = {
  Timestamp: ['timestamp', 'int64,int32'],
  Duration: ['duration', 'int64,int32'],
  DoubleValue: ['wrapper', 'double'],
  FloatValue: ['wrapper', 'float'],
  Int64Value: ['wrapper', 'int64'],
  UInt64Value: ['wrapper', 'uint64'],
  Int32Value: ['wrapper', 'int32'],
  UInt32Value: ['wrapper', 'uint32'],
  BoolValue: ['wrapper', 'bool'],
  StringValue: ['wrapper', 'string'],
  BytesValue: ['wrapper', 'bytes'],
  Struct: ['struct', 'message'],
  Value: ['value', 'enum,double,string,bool,message,message'],
  ListValue: ['list', 'message'],
  FieldMask: ['mask', 'string'],
};

const NANOSECONDS = 1_000_000_000n;
/** Years 1 to 9999, as Protobuf has it. */
const [MIN_SECONDS, MAX_SECONDS] = [-62_135_596_800n, 253_402_300_799n];
const MAX_DURATION = 315_576_000_000n;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

export function wellKnown({ name, fields }: MessageType): WellKnown | undefined {
  if (!name.startsWith(PACKAGE)) return undefined;
  const short = name.slice(PACKAGE.length);
  const [form, kinds] = Object.hasOwn(FORMS, short) ? (FORMS[short] ?? []) : [];
  return fields.map(({ value }) => value.kind).join() === kinds ? form : undefined;
}

export function timestampText(seconds: bigint, nanoseconds: bigint): string {
  const isTime = seconds >= MIN_SECONDS && seconds <= MAX_SECONDS && nanoseconds >= 0n && nanoseconds < NANOSECONDS;
  const text = isTime ? isoText(seconds * NANOSECONDS + nanoseconds, 9) : undefined;
  if (text === undefined) throw invalid('it has a Timestamp that is no point in time of the years 1 to 9999');
  return shortened(text);
}

/** Seconds and nanoseconds; undefined where the text is no such time. */
export function timestampOfText(text: string): readonly [seconds: bigint, nanoseconds: bigint] | undefined {
  const value = fromIsoText(text, 9);
  if (value === undefined) return undefined;
  const nanoseconds = ((value % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  const seconds = (value - nanoseconds) / NANOSECONDS;
  return seconds >= MIN_SECONDS && seconds <= MAX_SECONDS ? [seconds, nanoseconds] : undefined;
}

export function durationText(seconds: bigint, nanoseconds: bigint): string {
  const total = seconds * NANOSECONDS + nanoseconds;
  const isOne = total <= MAX_DURATION * NANOSECONDS && total >= -MAX_DURATION * NANOSECONDS;
  if (!isOne || seconds * nanoseconds < 0n || nanoseconds <= -NANOSECONDS || nanoseconds >= NANOSECONDS)
    throw invalid('it has a Duration that is none');
  const size = total < 0n ? -total : total;
  const fraction = String(size % NANOSECONDS).padStart(9, '0');
  return `${total < 0n ? '-' : ''}${shortened(`${size / NANOSECONDS}.${fraction}`)}s`;
}

export function durationOfText(text: string): readonly [seconds: bigint, nanoseconds: bigint] | undefined {
  const [, sign, whole, fraction = ''] = DURATION.exec(text) ?? [];
  if (whole === undefined || BigInt(whole) > MAX_DURATION) return undefined;
  const factor = sign === '-' ? -1n : 1n;
  return [factor * BigInt(whole), factor * BigInt(fraction.padEnd(9, '0'))];
}

export function maskText(paths: readonly string[]): string {
  return paths.map((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())).join(',');
}

export function maskOfText(text: string): string[] {
  return text === ''
    ? []
    : text.split(',').map((path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}
