import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { assignSticky, assignTogether } from '../../../src/transports/sticky-assignment.ts';

interface Partition {
  readonly topic: string;
  readonly index: number;
}

interface Member {
  readonly topics: ReadonlySet<string>;
}

const assign = (partitions: readonly Partition[], members: readonly Member[], owners: ReadonlyMap<Partition, Member>) =>
  assignSticky(partitions, members, {
    wants: ({ topics }, { topic }) => topics.has(topic),
    ownerOf: (partition) => owners.get(partition),
  });

const together = (
  partitions: readonly Partition[],
  members: readonly Member[],
  owners: ReadonlyMap<Partition, Member>,
  topics: number,
) =>
  assignTogether(
    partitions,
    members,
    { wants: (member, { topic }) => member.topics.has(topic), ownerOf: (partition) => owners.get(partition) },
    { topics, numberOf: ({ index }) => index },
  );

describe('the assignment of topics that are joined', () => {
  test('gives partitions of one number to one member, evenly, and moves no more than that asks for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.boolean(), { maxLength: 12 }), (count, changes) => {
        const partitions = partitionsOf([count, count]);
        let members = membersOf(1, 2);
        let owners = new Map<Partition, Member>();
        for (const isJoin of [true, ...changes]) {
          if (isJoin) members = [...members, ...membersOf(1, 2)];
          else if (members.length > 1) members = members.slice(1);
          const shares = together(partitions, members, owners, 2);
          assert.equal([...shares.values()].flat().length, partitions.length);
          for (const share of shares.values()) {
            const numbers = share.map(({ index }) => index).sort((a, b) => a - b);
            assert.deepEqual(
              numbers,
              [...new Set(numbers)].flatMap((index) => [index, index]),
            );
          }
          const lengths = [...shares.values()].map(({ length }) => length);
          assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 2, String(lengths));
          const after = ownersOf(shares);
          const stayed = (owner: Member | undefined) => owner !== undefined && members.includes(owner);
          const moved = partitions.filter((one) => stayed(owners.get(one)) && owners.get(one) !== after.get(one));
          assert.ok(moved.length <= (isJoin ? 2 * Math.floor(count / members.length) : 0));
          owners = after;
        }
      }),
    );
  });

  test('leaves out what not every topic has, and brings together what others had apart', () => {
    const partitions = partitionsOf([3, 2]);
    const [one, other] = membersOf(2, 2) as [Member, Member];
    const apart = new Map(partitions.map((partition) => [partition, partition.topic === 't0' ? one : other]));
    const shares = together(partitions, [one, other], apart, 2);
    for (const share of shares.values())
      assert.deepEqual([...new Set(share.map(({ index }) => index))].length, share.length / 2);
    assert.equal([...shares.values()].flat().length, 4);
    assert.deepEqual(
      [...together(partitionsOf([3]), [one], new Map(), 2).values()],
      [[]],
      'the other topic is not there',
    );
  });
});

describe('the sticky assignment', () => {
  test('gives every partition to one member that wants it, evenly among members of the same topics', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), (counts, memberCount) => {
        const partitions = partitionsOf(counts);
        const members = membersOf(memberCount, counts.length);
        const shares = assign(partitions, members, new Map());
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
        const partitions = partitionsOf([count]);
        let members = membersOf(2, 1);
        let owners = ownersOf(assign(partitions, members, new Map()));
        for (const isJoin of changes) {
          if (isJoin) members = [...members, ...membersOf(1, 1)];
          else if (members.length > 1) members = members.slice(1);
          const after = ownersOf(assign(partitions, members, owners));
          const stayed = (owner: Member | undefined) => owner !== undefined && members.includes(owner);
          const moved = partitions.filter((one) => stayed(owners.get(one)) && owners.get(one) !== after.get(one));
          const mostToNewcomer = isJoin ? Math.floor(count / members.length) : 0;
          assert.ok(moved.length <= mostToNewcomer, `${moved.length} moved, ${mostToNewcomer} had to`);
          owners = after;
        }
      }),
    );
  });

  test('assigns no member a partition that none is subscribed to', () => {
    const partitions = partitionsOf([1, 1]);
    const member = { topics: new Set(['t0']) };
    assert.deepEqual(assign(partitions, [member], new Map()).get(member), [{ topic: 't0', index: 0 }]);
  });
});

function partitionsOf(counts: readonly number[]): Partition[] {
  return counts.flatMap((count, id) => Array.from({ length: count }, (_, index) => ({ topic: `t${id}`, index })));
}

function membersOf(count: number, topics: number): Member[] {
  const names = Array.from({ length: topics }, (_, id) => `t${id}`);
  return Array.from({ length: count }, () => ({ topics: new Set(names) }));
}

function ownersOf(shares: ReadonlyMap<Member, readonly Partition[]>): Map<Partition, Member> {
  const owners = new Map<Partition, Member>();
  for (const [member, share] of shares) for (const partition of share) owners.set(partition, member);
  return owners;
}
