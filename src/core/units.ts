const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const;

/** A duration as text, such as `5ms`. */
export const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
/** A size as text, such as `64KiB`. */
export const SIZE = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|KiB|MiB|GiB)$/;

/** Milliseconds of a duration such as `5ms`, `1.5s`, `1m`; undefined when the text is none. */
export function parseDuration(text: string): number | undefined {
  return parse(text, DURATION, DURATION_UNITS);
}

/** Bytes of a size such as `64KiB`, `1MiB`, `500B`; undefined when the text is none. */
export function parseSize(text: string): number | undefined {
  return parse(text, SIZE, SIZE_UNITS);
}

/** Such as `100/s`. */
export const RATE = /^(\d+(?:\.\d+)?)\/(s|m|h)$/;

const RATE_UNITS = { s: 1_000, m: 60_000, h: 3_600_000 };

/** How often a second of a rate such as `100/s`, `1.5/m`, `10/h`; undefined when the text is none. */
export function parseRate(text: string): number | undefined {
  const [, count, unit] = RATE.exec(text) ?? [];
  return unit === undefined ? undefined : (Number(count) * 1_000) / RATE_UNITS[unit as keyof typeof RATE_UNITS];
}

/** So much in each period of so many milliseconds, and as much at once. */
export interface Quota {
  readonly count: number;
  readonly period: number;
}

/** Such as `64KiB/s`. */
export const BYTE_RATE = /^(\d+(?:\.\d+)?(?:B|KB|MB|GB|KiB|MiB|GiB))\/(s|m|h)$/;

/** Such as `50/s`, or `100/10s`. */
export const QUOTA = /^(\d+(?:\.\d+)?)\/([1-9]\d{0,3})?(s|m|h)$/;

/** A quota such as `50/s` or `5/m`: `5/m` lets five in at once, and then one each 12 seconds. undefined when the text is none. */
export function parseQuota(text: string): Quota | undefined {
  const [, count, times = '1', unit] = QUOTA.exec(text) ?? [];
  if (unit === undefined) return undefined;
  return { count: Number(count), period: Number(times) * RATE_UNITS[unit as keyof typeof RATE_UNITS] };
}

/** The same in bytes, such as `64KiB/s`. */
export function parseByteQuota(text: string): Quota | undefined {
  const [, size = '', unit] = BYTE_RATE.exec(text) ?? [];
  const count = parseSize(size);
  if (unit === undefined || count === undefined) return undefined;
  return { count, period: RATE_UNITS[unit as keyof typeof RATE_UNITS] };
}

/** The shortest exact form of a number of milliseconds. */
export function formatDuration(milliseconds: number): string {
  return format(
    milliseconds,
    [
      ['d', DURATION_UNITS.d],
      ['h', DURATION_UNITS.h],
      ['m', DURATION_UNITS.m],
      ['s', DURATION_UNITS.s],
    ],
    'ms',
  );
}

/** The shortest exact form of a number of bytes. */
export function formatSize(bytes: number): string {
  return format(
    bytes,
    [
      ['GiB', SIZE_UNITS.GiB],
      ['MiB', SIZE_UNITS.MiB],
      ['KiB', SIZE_UNITS.KiB],
    ],
    'B',
  );
}

function parse(text: string, form: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = form.exec(text);
  const unit = match?.[2] === undefined ? undefined : units[match[2]];
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit);
}

function format(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  for (const [name, factor] of units) {
    if (value !== 0 && value % factor === 0) return `${value / factor}${name}`;
  }
  return `${value}${smallest}`;
}
