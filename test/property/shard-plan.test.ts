import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ShardPlan } from '../../src/feeds/shards/shard-plan.ts';
import { isInShare } from '../../src/feeds/shards/shard-share.ts';

const symbol = fc.constantFrom(...'abcdefghijklmnopqrst');
const lists = fc.array(fc.uniqueArray(symbol), { minLength: 1, maxLength: 12 });
const limit = fc.integer({ min: 1, max: 6 });

function placesOf(plan: ShardPlan): Map<string, number> {
  const places = plan.used.flatMap(({ number, symbols }) => [...symbols].map((each) => [each, number] as const));
  assert.equal(new Set(places.map(([each]) => each)).size, places.length, 'a symbol has two connections');
  return new Map(places);
}

test('each symbol of the list has exactly one connection, and none has more than per_connection', () => {
  fc.assert(
    fc.property(lists, limit, (steps, perConnection) => {
      const plan = new ShardPlan(perConnection);
      for (const step of steps) {
        plan.update(new Set(step));
        assert.deepEqual([...placesOf(plan).keys()].sort(), [...step].sort());
        assert.equal(plan.size, step.length);
        for (const { symbols } of plan.used) assert.ok(symbols.size <= perConnection && symbols.size > 0);
      }
    }),
  );
});

test('a symbol that stays in the list is never moved', () => {
  fc.assert(
    fc.property(lists, limit, (steps, perConnection) => {
      const plan = new ShardPlan(perConnection);
      for (const step of steps) {
        const before = placesOf(plan);
        plan.update(new Set(step));
        for (const [each, place] of placesOf(plan)) assert.ok(!before.has(each) || before.get(each) === place);
      }
    }),
  );
});

test('a change names exactly the connections whose symbols are others, and the symbols that are new', () => {
  fc.assert(
    fc.property(lists, limit, (steps, perConnection) => {
      const plan = new ShardPlan(perConnection);
      for (const step of steps) {
        const before = new Map(plan.used.map(({ number, symbols }) => [number, [...symbols].sort().join()]));
        const places = placesOf(plan);
        const { opened, changed, emptied, added, removed } = plan.update(new Set(step));
        const after = new Map(plan.used.map(({ number, symbols }) => [number, [...symbols].sort().join()]));
        const numbers = (test: (number: number) => boolean) =>
          [...new Set([...before.keys(), ...after.keys()])].filter(test).sort();
        const named = (shards: readonly { number: number }[]) => shards.map(({ number }) => number).sort();
        assert.deepEqual(
          named(opened),
          numbers((number) => !before.has(number)),
        );
        assert.deepEqual(
          named(emptied),
          numbers((number) => !after.has(number)),
        );
        // A symbol may take the place of another one.
        assert.deepEqual(
          named(changed),
          numbers((number) => before.has(number) && after.has(number) && before.get(number) !== after.get(number)),
        );
        const fresh = [...added].flatMap(([{ number }, symbols]) => symbols.map((each) => [each, number]));
        assert.deepEqual(fresh.sort(), [...placesOf(plan)].filter(([each]) => !places.has(each)).sort());
        assert.equal(removed, [...places.keys()].filter((each) => !step.includes(each)).length);
      }
    }),
  );
});

test('holes are filled before there is another connection', () => {
  fc.assert(
    fc.property(lists, limit, (steps, perConnection) => {
      const plan = new ShardPlan(perConnection);
      for (const step of steps) {
        const { opened } = plan.update(new Set(step));
        if (opened.length === 0) continue;
        // Whatever is before the last new connection is full.
        const last = Math.max(...opened.map(({ number }) => number));
        for (const { number, symbols } of plan.used) assert.ok(number >= last || symbols.size === perConnection);
      }
    }),
  );
});

test('a plan that was saved places the same list in the same way', () => {
  fc.assert(
    fc.property(lists, limit, (steps, perConnection) => {
      const plan = new ShardPlan(perConnection);
      for (const step of steps) plan.update(new Set(step));
      const other = new ShardPlan(perConnection);
      other.restore(JSON.parse(JSON.stringify(plan.saved())));
      assert.deepEqual(placesOf(other), placesOf(plan));
      const list = new Set(steps.at(-1));
      const { opened, changed, emptied } = other.update(list);
      assert.deepEqual([opened, changed, emptied], [[], [], []]);
    }),
  );
});

test('a saved plan of a higher limit leaves out what has no room', () => {
  fc.assert(
    fc.property(lists, limit, limit, (steps, before, now) => {
      const plan = new ShardPlan(before);
      for (const step of steps) plan.update(new Set(step));
      const other = new ShardPlan(now);
      other.restore(plan.saved());
      other.update(new Set(steps.at(-1)));
      assert.deepEqual([...placesOf(other).keys()].sort(), [...(steps.at(-1) ?? [])].sort());
      for (const { symbols } of other.used) assert.ok(symbols.size <= now);
    }),
  );
});

test('each symbol is in exactly one share, and stays there or moves to the new share if there is one more', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 8 }), (each, of) => {
      const shareOf = (parts: number) =>
        Array.from({ length: parts }, (_, at) => at + 1).filter((number) => isInShare(each, { number, of: parts }));
      const [before, after] = [shareOf(of), shareOf(of + 1)];
      assert.equal(before.length, 1);
      assert.equal(after.length, 1);
      assert.ok(after[0] === before[0] || after[0] === of + 1);
    }),
  );
});

test('shares are about equal', () => {
  const counts = [1, 2, 3, 4].map(
    (number) =>
      Array.from({ length: 1_000 }, (_, at) => `S${at}`).filter((each) => isInShare(each, { number, of: 4 })).length,
  );
  for (const count of counts) assert.ok(count > 190 && count < 310, `${counts}`);
});
