import fc from 'fast-check';
import { ExactNumber } from '../../core/exact-number.ts';

/** Integers far above 2^53, as many ids are. */
export const bigInteger: fc.Arbitrary<ExactNumber> = fc
  .bigInt({ min: 2n ** 53n, max: 2n ** 70n })
  .map((value) => new ExactNumber(String(value)));

/** Names that processors treat in a way of their own, and any other text. */
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'id', 'items', 'customer', 'name', 'card', 'a.b', '__proto__'),
  fc.string(),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 0, -1.5, 'Ada', '', '4111'),
    fc.string({ unit: 'grapheme' }),
    bigInteger,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

/** Any JSON value, as `message.json` gives it: a number that a double would change is an ExactNumber. */
export const anyJson: fc.Arbitrary<unknown> = value;

/** A JSON object, as most payloads are. */
export const anyJsonObject: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .array(fc.tuple(name, value), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries));
