import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { assignSticky, type Candidate } from '../../../../src/transports/embedded/assignment.ts';
import type { PartitionState, TopicState } from '../../../../src/transports/embedded/topic-state.ts';

describe('the sticky assignment', () => {
  test('gives every partition to one member that wants it, evenly among members of the same topics', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), (counts, memberCount) => {
        const partitions = topicsOf(counts).flatMap((topic) => topic.partitions);
        const members = membersOf(memberCount, counts.length);
        const shares = assignSticky(partitions, members, new Map());
        assert.deepEqual(new Set([...shares.values()].flat()), new Set(partitions));
        assert.equal([...shares.values()].flat().length, partitions.length);
        const lengths = [...shares.values()].map(({ length }) => length);
        assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1);
      }),
    );
  });

  test('moves no more than evenness asks for when members come and go', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), fc.array(fc.boolean(), { maxLength: 12 }), (count, changes) => {
        const partitions = topicsOf([count]).flatMap((topic) => topic.partitions);
        let members = membersOf(2, 1);
        let owners = ownersOf(assignSticky(partitions, members, new Map()));
        for (const isJoin of changes) {
          if (isJoin) members = [...members, ...membersOf(1, 1)];
          else if (members.length > 1) members = members.slice(1);
          const after = ownersOf(assignSticky(partitions, members, owners));
          const stayed = (owner: Candidate | undefined) => owner !== undefined && members.includes(owner);
          const moved = partitions.filter((one) => stayed(owners.get(one)) && owners.get(one) !== after.get(one));
          const mostToNewcomer = isJoin ? Math.floor(count / members.length) : 0;
          assert.ok(moved.length <= mostToNewcomer, `${moved.length} moved, ${mostToNewcomer} had to`);
          owners = after;
        }
      }),
    );
  });

  test('leaves a partition alone that nobody wants', () => {
    const [a, b] = topicsOf([1, 1]);
    assert.ok(a !== undefined && b !== undefined);
    const member = { topics: new Set(['t0']) };
    const shares = assignSticky([...a.partitions, ...b.partitions], [member], new Map());
    assert.deepEqual(shares.get(member), a.partitions);
  });
});

function topicsOf(counts: readonly number[]): TopicState[] {
  return counts.map((count, id) => {
    const topic: TopicState = { id, name: `t${id}`, config: {}, partitions: [], deleted: false };
    for (let index = 0; index < count; index += 1) {
      topic.partitions.push({ topic, index, start: 0, end: 0, bytes: 0, watchers: new Set() });
    }
    return topic;
  });
}

function membersOf(count: number, topics: number): Candidate[] {
  const names = Array.from({ length: topics }, (_, id) => `t${id}`);
  return Array.from({ length: count }, () => ({ topics: new Set(names) }));
}

function ownersOf(shares: ReadonlyMap<Candidate, readonly PartitionState[]>): Map<PartitionState, Candidate> {
  const owners = new Map<PartitionState, Candidate>();
  for (const [member, share] of shares) for (const partition of share) owners.set(partition, member);
  return owners;
}
