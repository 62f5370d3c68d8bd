import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SequenceTracker } from '../../src/feeds/gaps/sequence-tracker.ts';

const plan = fc.record({
  first: fc.bigInt({ min: -10n, max: 2n ** 70n }),
  step: fc.integer({ min: 1, max: 5 }),
  /** Which of the numbers arrive, and of which symbol each of them is. */
  arrivals: fc.array(fc.record({ symbol: fc.constantFrom('"a"', '"b"', '7'), isLost: fc.boolean() }), {
    maxLength: 60,
  }),
  modulus: fc.option(fc.integer({ min: 600, max: 1_000 }), { nil: undefined }),
});

test('the tracker finds exactly what a sequence lacks, by symbol, with a modulus or without', () => {
  fc.assert(
    fc.property(plan, ({ first, step, arrivals, modulus }) => {
      const tracker = new SequenceTracker({ step, modulus, window: 10 });
      const wrapped = (value: bigint) => {
        if (modulus === undefined) return value;
        const m = BigInt(modulus);
        return ((value % m) + m) % m;
      };
      const sent = new Map<string, bigint>();
      const seen = new Map<string, bigint>();
      for (const { symbol, isLost } of arrivals) {
        const value = (sent.get(symbol) ?? first - BigInt(step)) + BigInt(step);
        sent.set(symbol, value);
        if (isLost) continue;
        const found = tracker.take({ by: symbol, value: wrapped(value), connection: 1, at: 0, isRecord: true });
        const last = seen.get(symbol);
        const missing = last === undefined ? 0n : (value - last) / BigInt(step) - 1n;
        assert.equal(found?.missing ?? 0n, missing);
        assert.equal(found?.kind, missing === 0n ? undefined : 'hole');
        if (last !== undefined && found !== undefined) assert.equal(found.after, wrapped(last));
        seen.set(symbol, value);
      }
    }),
    { numRuns: 300 },
  );
});

test('a higher number is a hole, a lower one a jump back; a new connection may begin again', () => {
  const number = fc.record({ value: fc.integer({ min: 0, max: 9 }), isReconnected: fc.boolean() });
  fc.assert(
    fc.property(fc.array(number, { maxLength: 40 }), (numbers) => {
      const tracker = new SequenceTracker({ step: 1, modulus: undefined, window: 1 });
      let connection = 0;
      let last: number | undefined;
      for (const { value, isReconnected } of numbers) {
        if (isReconnected) connection += 1;
        const found = tracker.take({ by: '', value: BigInt(value), connection, at: 0, isRecord: true });
        const isHole = last !== undefined && value > last + 1;
        const isBack = last !== undefined && value < last && !isReconnected;
        assert.equal(found?.kind, isHole ? 'hole' : isBack ? 'back' : undefined);
        last = value;
      }
    }),
  );
});
