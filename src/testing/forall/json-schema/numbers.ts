import fc from 'fast-check';
import { numberIn, type SchemaObject } from './schema-part.ts';

/** Numbers without limits are within 32 bits: larger ones show how doubles round, and nothing about a pipeline. */
const SPAN = 2 ** 31;

/** Numbers within the limits of a part, or why there are none. Those of a step with decimals may miss it: they are checked. */
export function numbersOf(part: SchemaObject, isInteger: boolean): fc.Arbitrary<number> | string {
  const { min, max, fits, words } = limitsOf(part);
  if (min > max) return `${words} leave no number`;
  const step = numberIn(part, 'multipleOf') ?? (isInteger ? 1 : undefined);
  if (step !== undefined) return multiples(step, { min, max }, fits) ?? `${words} leave no multiple of ${step}`;
  const whole = multiples(1, { min, max }, fits);
  const hundredths = multiples(0.01, { min, max }, fits);
  const any = fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).filter(fits).map(withoutMinusZero);
  // One point, which is excluded, would be looked for without an end.
  if (min === max && !fits(min)) return `${words} leave no number`;
  const choices = [whole, hundredths].filter((choice) => choice !== undefined);
  return fc.oneof({ withCrossShrink: true }, ...choices, any);
}

function limitsOf(part: SchemaObject) {
  const minimum = numberIn(part, 'minimum');
  const maximum = numberIn(part, 'maximum');
  const above = numberIn(part, 'exclusiveMinimum');
  const below = numberIn(part, 'exclusiveMaximum');
  const least = Math.max(minimum ?? -Infinity, above ?? -Infinity);
  const most = Math.min(maximum ?? Infinity, below ?? Infinity);
  const fits = (value: number) =>
    value >= least && value <= most && (above === undefined || value > above) && (below === undefined || value < below);
  const words = Object.entries({ minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below })
    .flatMap(([keyword, value]) => (value === undefined ? [] : [`${keyword} ${value}`]))
    .join(' and ');
  const min = Number.isFinite(least) ? least : Math.min(-SPAN, most - SPAN);
  const max = Number.isFinite(most) ? most : Math.max(SPAN, least + SPAN);
  return { min, max, fits, words };
}

function multiples(
  step: number,
  { min, max }: { readonly min: number; readonly max: number },
  fits: (value: number) => boolean,
): fc.Arbitrary<number> | undefined {
  // Rounded to what is written: 3 steps of 0.1 are 0.3.
  const times = (count: number) => withoutMinusZero(Number((count * step).toPrecision(15)));
  let first = Math.max(Math.ceil(min / step), Number.MIN_SAFE_INTEGER);
  let last = Math.min(Math.floor(max / step), Number.MAX_SAFE_INTEGER);
  while (first <= last && !fits(times(first))) first += 1;
  while (first <= last && !fits(times(last))) last -= 1;
  return first > last ? undefined : fc.integer({ min: first, max: last }).map(times, (value) => numberOf(value) / step);
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new Error('not a number');
  return value;
}

/** JSON has none. */
function withoutMinusZero(value: number): number {
  return value === 0 ? 0 : value;
}
