import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Assignment, type Move } from '../../../src/actors/consumer-group/assignment.ts';

const NAMES = ['a', 'b', 'c'];

function assignmentOf(partitions: number, holders: readonly string[]) {
  const assignment = new Assignment<number, string>();
  assignment.change(
    [],
    Array.from({ length: partitions }, (_, index) => index),
  );
  for (const holder of holders) assignment.join(holder);
  return assignment;
}

const sizes = (assignment: Assignment<number, string>, holders: readonly string[]) =>
  holders.map((holder) => assignment.shareOf(holder).length);

test('partitions wait while there is no holder, and the first one gets all', () => {
  const assignment = assignmentOf(3, []);
  assert.equal(assignment.holderOf(0), undefined);
  assert.deepEqual(assignment.join('a'), [
    { partition: 0, from: undefined, to: 'a' },
    { partition: 1, from: undefined, to: 'a' },
    { partition: 2, from: undefined, to: 'a' },
  ]);
  assert.deepEqual(assignment.join('a'), []);
});

test('a newcomer takes from the fullest what evenness asks for, the newest first', () => {
  const assignment = assignmentOf(6, ['a']);
  assert.deepEqual(assignment.join('b'), [
    { partition: 5, from: 'a', to: 'b' },
    { partition: 4, from: 'a', to: 'b' },
    { partition: 3, from: 'a', to: 'b' },
  ]);
  assert.equal(assignment.join('c').length, 2);
  assert.deepEqual(sizes(assignment, NAMES), [2, 2, 2]);
});

test('a leave moves the holder’s own partitions alone, and the longest waiting holder comes first', () => {
  const assignment = assignmentOf(2, ['a', 'b', 'c', 'd']);
  const [held] = assignment.shareOf('a');
  assert.deepEqual(assignment.leave('a'), [{ partition: held, from: 'a', to: 'c' }]);
  assert.deepEqual(assignment.leave('a'), []);
});

test('partitions of the last holder that leaves wait for the next one', () => {
  const assignment = assignmentOf(2, ['a']);
  assert.deepEqual(
    assignment.leave('a').map(({ to }) => to),
    [undefined, undefined],
  );
  assert.equal(assignment.join('b').length, 2);
});

test('partitions that go and come are evened out', () => {
  const assignment = assignmentOf(6, NAMES);
  const [first, second] = assignment.shareOf('a');
  assert.ok(first !== undefined && second !== undefined);
  const moves = assignment.change([first, second], [6]);
  assert.deepEqual(moves, [
    { partition: first, from: 'a', to: undefined },
    { partition: second, from: 'a', to: undefined },
    { partition: 6, from: undefined, to: 'a' },
  ]);
  assert.deepEqual(sizes(assignment, NAMES), [1, 2, 2]);
});

test('5,000 that join a group of 12 partitions move no more than a few dozen partitions in all', () => {
  const assignment = assignmentOf(12, []);
  let moves = 0;
  for (let index = 0; index < 5_000; index += 1) moves += assignment.join(`h${index}`).length;
  // 12 at first, then 6, 4, 3, 2, 2, 1 ... : at the thirteenth there is nothing left to even out.
  assert.equal(moves, 12 + 6 + 4 + 3 + 2 + 2 + 1 + 1 + 1 + 1 + 1 + 1);
});

type Step =
  | { readonly do: 'join'; readonly who: number }
  | { readonly do: 'leave'; readonly who: number }
  | { readonly do: 'change'; readonly drop: readonly number[]; readonly add: number };

test('whichever holders join and leave: one holder a partition, shares even, and few moves', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant('join' as const), who: fc.nat(15) }),
    fc.record({ do: fc.constant('leave' as const), who: fc.nat(15) }),
    fc.record({ do: fc.constant('change' as const), drop: fc.array(fc.nat(30), { maxLength: 6 }), add: fc.nat(6) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const assignment = new Assignment<number, number>();
      const there = new Set<number>();
      const partitions = new Set<number>();
      let named = 0;
      for (const each of steps) {
        const before = new Map([...partitions].map((partition) => [partition, assignment.holderOf(partition)]));
        const moves = act(each);
        follow(before, moves);
        check(moves, each, before);
      }

      function act(each: Step): Move<number, number>[] {
        if (each.do === 'join') {
          there.add(each.who);
          return assignment.join(each.who);
        }
        if (each.do === 'leave') {
          there.delete(each.who);
          return assignment.leave(each.who);
        }
        const removed = [...new Set(each.drop)].filter((partition) => partitions.delete(partition));
        const added = Array.from({ length: each.add }, () => named++);
        for (const partition of added) partitions.add(partition);
        return assignment.change(removed, added);
      }

      /** What the moves say is what happened. */
      function follow(before: ReadonlyMap<number, number | undefined>, moves: readonly Move<number, number>[]): void {
        const told = new Map(before);
        for (const { partition, from, to } of moves) {
          assert.equal(told.get(partition), from);
          told.set(partition, to);
        }
        for (const partition of partitions) assert.equal(assignment.holderOf(partition), told.get(partition));
      }

      function check(
        moves: readonly Move<number, number>[],
        each: Step,
        before: ReadonlyMap<number, number | undefined>,
      ): void {
        const shares = [...there].map((holder) => assignment.shareOf(holder));
        assert.deepEqual(
          new Set(shares.flat()),
          there.size === 0 ? new Set() : partitions,
          'every partition has a holder while there are any',
        );
        assert.equal(shares.flat().length, there.size === 0 ? 0 : partitions.size, 'and only one');
        const counts = shares.map(({ length }) => length);
        if (counts.length > 0) assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `shares of ${counts}`);
        if (each.do === 'join') assert.ok(moves.length <= Math.ceil(partitions.size / there.size));
        if (each.do === 'leave') {
          const own = [...before].filter(([, holder]) => holder === each.who).map(([partition]) => partition);
          assert.deepEqual(new Set(moves.map(({ partition }) => partition)), new Set(own));
        }
      }
    }),
    { numRuns: 300 },
  );
});
