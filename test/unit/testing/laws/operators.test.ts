import { describe, test } from 'node:test';
import fc from 'fast-check';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { operatorLaws } from '../../../../src/testing/laws/operator-laws.ts';

const RUNS = Number(process.env.RUNS ?? 10);

/** What the examples of operators read of their records. */
const records = fc.record({
  amount: fc.integer({ min: 0, max: 9 }),
  p: fc.integer({ min: 0, max: 9 }),
  price: fc.integer({ min: 0, max: 9 }),
  user: fc.constantFrom('u', 'v'),
  symbol: fc.constantFrom('s', 't'),
  order: fc.constantFrom(1, 2),
  page: fc.constantFrom('/', '/a'),
  outcome: fc.constantFrom('failed', 'failed', 'ok'),
  type: fc.constantFrom('order', 'payment'),
});

describe('the operators keep the laws', () => {
  for (const spec of builtinRegistry().all('operator'))
    for (const { title, check } of operatorLaws(spec, { runs: RUNS, records })) test(title, check);
});
