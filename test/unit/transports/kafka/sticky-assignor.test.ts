import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TopicPartition } from '../../../../src/core/log.ts';
import { assign, type Candidate, withoutHeld } from '../../../../src/transports/kafka/group/sticky-assignor.ts';

const newcomer = (id: string, topics = ['t']): Candidate => ({ id, topics, owned: [], generation: -1 });
const key = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;

/** The same members with what they were assigned. */
const settled = (
  candidates: readonly Candidate[],
  assigned: ReadonlyMap<string, readonly TopicPartition[]>,
  generation: number,
) => candidates.map((candidate) => ({ ...candidate, owned: assigned.get(candidate.id) ?? [], generation }));

function moved(
  before: ReadonlyMap<string, readonly TopicPartition[]>,
  after: ReadonlyMap<string, readonly TopicPartition[]>,
) {
  let moves = 0;
  for (const [id, partitions] of after) {
    const had = new Set((before.get(id) ?? []).map(key));
    moves += partitions.filter((partition) => !had.has(key(partition))).length;
  }
  return moves;
}

test('a fourth member of three moves no more than its own share of 64 partitions', () => {
  const counts = new Map([['t', 64]]);
  const three = ['a', 'b', 'c'].map((id) => newcomer(id));
  const before = assign(three, counts);
  const after = assign([...settled(three, before, 1), newcomer('d')], counts);
  assert.equal(after.get('d')?.length, 16);
  assert.equal(moved(before, after), 16);
});

test('when a member goes, only its partitions move', () => {
  const counts = new Map([['t', 12]]);
  const four = ['a', 'b', 'c', 'd'].map((id) => newcomer(id));
  const before = assign(four, counts);
  const rest = settled(four, before, 1).filter(({ id }) => id !== 'b');
  assert.equal(moved(before, assign(rest, counts)), 3);
});

test('as members come and go, only partitions without an owner move, and those that even the shares', () => {
  const counts = new Map([['t', 64]]);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 12 }), (toggles) => {
      let members = [newcomer('z')];
      let before = assign(members, counts);
      for (const [generation, id] of toggles.entries()) {
        const isThere = members.some((member) => member.id === id);
        members = settled(members, before, generation).filter((member) => member.id !== id);
        if (!isThere) members.push(newcomer(id));
        const after = assign(members, counts);
        // What one that goes had is all that moves; one that comes gets its share and no other partition moves.
        const expected = isThere ? (before.get(id)?.length ?? 0) : (after.get(id)?.length ?? 0);
        assert.equal(moved(before, after), expected, `${isThere ? 'without' : 'with'} ${id}`);
        before = after;
      }
    }),
  );
});

test('each partition has one subscribed owner, shares differ by at most one, and a repeat moves nothing', () => {
  const candidates = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(candidates, fc.nat(40), fc.nat(10), (ids, first, second) => {
      const counts = new Map([
        ['t', first],
        ['u', second],
      ]);
      const members = ids.map((id) => newcomer(id, ['t', 'u']));
      const assigned = assign(members, counts);
      const all = [...assigned.values()].flat().map(key);
      assert.equal(new Set(all).size, all.length);
      assert.equal(all.length, first + second);
      const sizes = [...assigned.values()].map(({ length }) => length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      assert.equal(moved(assigned, assign(settled(members, assigned, 1), counts)), 0);
    }),
  );
});

test('a member gets nothing of topics that it does not subscribe to, even where it claims to hold them', () => {
  const liar: Candidate = { id: 'a', topics: ['t'], owned: [{ topic: 'u', partition: 0 }], generation: 9 };
  const assigned = assign(
    [liar, newcomer('b', ['u'])],
    new Map([
      ['t', 1],
      ['u', 2],
    ]),
  );
  assert.deepEqual(assigned.get('a'), [{ topic: 't', partition: 0 }]);
  assert.deepEqual(assigned.get('b'), [
    { topic: 'u', partition: 0 },
    { topic: 'u', partition: 1 },
  ]);
});

test('of two members that claim a partition the one of the newer generation keeps it', () => {
  const claim = [{ topic: 't', partition: 0 }];
  const old: Candidate = { id: 'a', topics: ['t'], owned: claim, generation: 3 };
  const current: Candidate = { id: 'b', topics: ['t'], owned: claim, generation: 4 };
  assert.deepEqual(assign([old, current], new Map([['t', 1]])).get('b'), claim);
});

test('partitions that are gone are assigned to no member', () => {
  const owner: Candidate = { id: 'a', topics: ['t'], owned: [{ topic: 't', partition: 5 }], generation: 1 };
  assert.deepEqual(assign([owner], new Map([['t', 1]])).get('a'), [{ topic: 't', partition: 0 }]);
});

test('a partition that moves is assigned to no member until its owner has let go of it', () => {
  const members = fc.array(
    fc.record({ owned: fc.uniqueArray(fc.nat(11), { maxLength: 12 }), generation: fc.integer({ min: -1, max: 3 }) }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(members, (claims) => {
      const counts = new Map([['t', 12]]);
      const before = claims.map(({ owned, generation }, at) => ({
        ...newcomer(`m${at}`),
        owned: owned.map((partition) => ({ topic: 't', partition })),
        generation,
      }));
      const held = new Map<string, Candidate>();
      for (const member of before.toSorted((one, other) => one.generation - other.generation))
        for (const partition of member.owned)
          if ((held.get(key(partition))?.generation ?? -2) < member.generation) held.set(key(partition), member);
      const first = withoutHeld(before, assign(before, counts));
      for (const [id, partitions] of first.assigned)
        for (const partition of partitions) assert.equal(held.get(key(partition))?.id ?? id, id);
      assert.equal(first.isPartial, [...first.assigned.values()].flat().length < 12);
      // They have let go of what they were not assigned.
      const after = settled(before, first.assigned, 4);
      const second = withoutHeld(after, assign(after, counts));
      assert.equal(second.isPartial, false);
      assert.equal(new Set([...second.assigned.values()].flat().map(key)).size, 12);
      assert.equal(moved(first.assigned, second.assigned), 12 - [...first.assigned.values()].flat().length);
    }),
  );
});
