import fc from 'fast-check';
import type { Act } from './state-story.ts';

const read = fc.integer({ min: 1, max: 8 }).map((n): Act => ({ do: 'read', n }));
const store = fc.integer({ min: 1, max: 6 }).map((n): Act => ({ do: 'store', n }));

/** What happens to gateways, with `more` of what else may happen. */
export const actsWith = (...more: fc.Arbitrary<Act>[]): fc.Arbitrary<Act[]> =>
  fc.array(
    fc.oneof(
      { weight: 5, arbitrary: read },
      { weight: 3, arbitrary: store },
      { weight: 2, arbitrary: fc.constant<Act>({ do: 'commit' }) },
      { weight: 1, arbitrary: fc.constant<Act>({ do: 'crash' }) },
      ...more.map((arbitrary) => ({ weight: 2, arbitrary })),
    ),
    { maxLength: 60, size: 'max' },
  );

export const spacings = fc.constantFrom(1, 1, 4, 256);

/** Keys and times, which mostly rise as those of records do: some are late, some early, some equal. */
export const places = fc
  .array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), time: fc.integer({ min: 0, max: 120 }) }), {
    minLength: 1,
    maxLength: 60,
    size: 'max',
  })
  .map((list) => list.map(({ key, time }, i) => ({ key, time: 1_000 + i * 4 + time })));
