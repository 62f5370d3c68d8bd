import fc from 'fast-check';
import type { NoValue } from './no-valid-value.ts';
import type { SchemaPart } from './schema-part.ts';

/** Values of a part at a place of the schema, or why there are none. */
export type Build = (part: SchemaPart, place: string) => fc.Arbitrary<unknown> | NoValue;

/** Values where the schema does not say which. Not more than one level, as nothing reads them. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.integer({ min: -1_000, max: 1_000 }),
  fc.boolean(),
  fc.constant(null),
);
