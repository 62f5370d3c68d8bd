/*
 * Points in time as text in ISO 8601 and as whole numbers of a unit, which a double does not hold where it is small:
 * microseconds and nanoseconds. `digits`: those of the unit behind the second, such as 3 for milliseconds.
 */

/** Milliseconds that a Date takes, either way. */
const MAX_MILLISECONDS = 8_640_000_000_000_000n;
const MILLISECONDS_A_DAY = 86_400_000;

const TIME = /^((?:[+-]\d{6}|\d{4})-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/;
const DAY_TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/;

/** Text with exactly these digits behind the second. undefined: no date has it. */
export function isoText(value: bigint, digits: 3 | 6 | 9, isLocal = false): string | undefined {
  const perMillisecond = 10n ** BigInt(digits - 3);
  const rest = ((value % perMillisecond) + perMillisecond) % perMillisecond;
  const milliseconds = (value - rest) / perMillisecond;
  if (milliseconds > MAX_MILLISECONDS || milliseconds < -MAX_MILLISECONDS) return undefined;
  const text = new Date(Number(milliseconds)).toISOString().slice(0, -1);
  const fraction = digits === 3 ? '' : String(rest).padStart(digits - 3, '0');
  return `${text}${fraction}${isLocal ? '' : 'Z'}`;
}

/** The way back. undefined: it is no point in time, or finer than the unit. A local time has no offset, all others have one. */
export function fromIsoText(text: string, digits: 3 | 6 | 9, isLocal = false): bigint | undefined {
  const [, day = '', time = '', fraction = '', offset] = TIME.exec(text) ?? [];
  if (day === '' || (offset === undefined) !== isLocal) return undefined;
  const seconds = Date.parse(`${day}T${time}Z`);
  // A Date makes the 2nd of March of the 30th of February.
  if (Number.isNaN(seconds) || !new Date(seconds).toISOString().startsWith(`${day}T${time}`)) return undefined;
  const shift = offsetOf(offset ?? 'Z');
  const rest = fractionOf(fraction, digits);
  if (shift === undefined || rest === undefined) return undefined;
  return BigInt(seconds - shift) * 10n ** BigInt(digits - 3) + rest;
}

/** `2026-11-30` for days since 1970. undefined: no date has it. */
export function dayText(days: number): string | undefined {
  const text = isoText(BigInt(days) * BigInt(MILLISECONDS_A_DAY), 3);
  return text?.slice(0, text.indexOf('T'));
}

export function fromDayText(text: string): number | undefined {
  const milliseconds = fromIsoText(`${text}T00:00:00Z`, 3);
  return milliseconds === undefined ? undefined : Number(milliseconds) / MILLISECONDS_A_DAY;
}

/** `06:48:01.123` for a time of day. undefined: no day has it. */
export function timeOfDayText(value: number, digits: 3 | 6): string | undefined {
  if (value < 0 || value >= MILLISECONDS_A_DAY * 10 ** (digits - 3)) return undefined;
  return isoText(BigInt(value), digits, true)?.slice('1970-01-01T'.length);
}

export function fromTimeOfDayText(text: string, digits: 3 | 6): number | undefined {
  if (!DAY_TIME.test(text)) return undefined;
  const value = fromIsoText(`1970-01-01T${text}`, digits, true);
  return value === undefined ? undefined : Number(value);
}

/** Milliseconds. */
function offsetOf(offset: string): number | undefined {
  if (offset === 'Z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(4))];
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function fractionOf(fraction: string, digits: number): bigint | undefined {
  const [kept, finer] = [fraction.slice(0, digits), fraction.slice(digits)];
  return /[^0]/.test(finer) ? undefined : BigInt(kept.padEnd(digits, '0'));
}

/** The same time with no, three or six digits behind the second where the others are 0, as Protobuf writes it. */
export function shortened(text: string): string {
  return text.replace(/(?:000){1,3}(?=Z?$)/, '').replace(/\.(?=Z?$)/, '');
}
