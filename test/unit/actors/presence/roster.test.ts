import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PresenceRecord, PresenceRecords } from '../../../../src/actors/presence/records.ts';
import { Roster, type RosterEvent } from '../../../../src/actors/presence/roster.ts';

const RECORDS = new PresenceRecords('chat');

/** A roster of the incarnation `me`, and what it makes of records, in short words. */
function roster(isRebuilding = false) {
  const it = new Roster('me');
  if (!isRebuilding) it.rebuilt();
  const apply = (record: PresenceRecord) => it.apply(record).map(shortly);
  return {
    it,
    claims: (incarnation: string, seq: number, name: string) =>
      apply({
        type: 'member',
        key: RECORDS.memberKey(incarnation, seq),
        incarnation,
        seq,
        member: { name, details: {} },
      }),
    buries: (incarnation: string, seq: number) =>
      apply({ type: 'tombstone', of: 'member', key: RECORDS.memberKey(incarnation, seq), incarnation }),
    renews: (incarnation: string, number = 1) =>
      apply({ type: 'lease', key: RECORDS.leaseKey(incarnation), incarnation, number }),
    resigns: (incarnation: string) =>
      apply({ type: 'tombstone', of: 'lease', key: RECORDS.leaseKey(incarnation), incarnation }),
    dies: (incarnation: string, by: string, timestamp = 0) =>
      apply({ type: 'dead', key: RECORDS.deadKey(incarnation), incarnation, by, timestamp }),
    forgets: (incarnation: string) =>
      apply({ type: 'tombstone', of: 'dead', key: RECORDS.deadKey(incarnation), incarnation }),
  };
}

function shortly(event: RosterEvent): string {
  switch (event.type) {
    case 'joined':
    case 'left':
    case 'lost':
      return `${event.type} ${event.claim.member.name} ${event.claim.incarnation}/${event.claim.seq}`;
    case 'bury':
      return `bury ${event.key}`;
    case 'declare':
      return `declare ${event.incarnation}`;
    default:
      return event.type;
  }
}

test('the first claim of a name has it, and a second one is told to nobody but its own gateway', () => {
  const { it, claims } = roster();
  assert.deepEqual(claims('a', 1, 'ann'), ['joined ann a/1']);
  assert.deepEqual(claims('b', 1, 'ann'), []);
  assert.deepEqual(claims('me', 1, 'ann'), ['lost ann me/1']);
  assert.deepEqual(it.names, ['ann']);
});

test('a name is free when its claims have their tombstones, also those that came second', () => {
  const { it, claims, buries } = roster();
  claims('a', 1, 'ann');
  claims('b', 1, 'ann');
  assert.deepEqual(buries('a', 1), ['left ann a/1']);
  assert.deepEqual(it.names, []);
  assert.deepEqual(claims('c', 1, 'ann'), [], 'the lost claim of b still stands before it');
  assert.deepEqual(buries('b', 1), []);
  assert.deepEqual(buries('c', 1), []);
  assert.deepEqual(claims('a', 2, 'ann'), ['joined ann a/2']);
});

test('a tombstone of a claim that nobody knows is of no matter', () => {
  const { it, buries } = roster();
  assert.deepEqual(buries('a', 1), []);
  assert.deepEqual(it.others, []);
});

test('names come in the order of joining, in the same list until somebody comes or goes', () => {
  const { it, claims, buries } = roster();
  for (const [seq, name] of ['eve', 'ann', 'bob'].entries()) claims('a', seq, name);
  assert.deepEqual(it.names, ['eve', 'ann', 'bob']);
  assert.equal(it.names, it.names);
  buries('a', 0);
  claims('a', 3, 'eve');
  assert.deepEqual(it.names, ['ann', 'bob', 'eve']);
});

test('at its death a gateway loses its members, and whatever it still writes counts for nothing', () => {
  const { it, claims, dies, renews, buries } = roster();
  claims('a', 1, 'ann');
  claims('a', 2, 'bob');
  claims('b', 1, 'ann');
  renews('a');
  assert.deepEqual(dies('a', 'b'), ['left ann a/1', 'left bob a/2']);
  assert.deepEqual(claims('a', 3, 'eve'), []);
  assert.deepEqual(renews('a', 2), []);
  assert.deepEqual(buries('a', 1), []);
  assert.deepEqual(dies('a', 'c'), []);
  assert.deepEqual(claims('c', 1, 'bob'), ['joined bob c/1']);
  assert.deepEqual([it.names, it.others], [['bob'], ['b', 'c']]);
});

test('who declared a gateway dead buries all that it left, and all that comes later', () => {
  const { claims, dies, renews } = roster();
  claims('a', 1, 'ann');
  renews('a');
  assert.deepEqual(dies('a', 'me'), ['left ann a/1', 'bury chat/member/a/1', 'bury chat/lease/a']);
  assert.deepEqual(claims('a', 2, 'bob'), ['bury chat/member/a/2']);
  assert.deepEqual(renews('a', 2), ['bury chat/lease/a']);
});

test('of two who declare the same death both sweep up', () => {
  const { claims, dies, buries } = roster();
  claims('a', 1, 'ann');
  claims('a', 2, 'bob');
  assert.deepEqual(dies('a', 'b'), ['left ann a/1', 'left bob a/2']);
  buries('a', 1);
  assert.deepEqual(dies('a', 'me'), ['bury chat/member/a/2']);
  assert.deepEqual(dies('a', 'me'), []);
});

test('a gateway is declared dead when three own leases came back without a sign of life from it', () => {
  const { renews, claims } = roster();
  renews('a');
  renews('b');
  assert.deepEqual(renews('me', 1), ['echoed']);
  assert.deepEqual(renews('me', 2), ['echoed']);
  claims('b', 1, 'bob');
  assert.deepEqual(renews('me', 3), ['echoed', 'declare a']);
  assert.deepEqual(renews('me', 4), ['echoed']);
  assert.deepEqual(renews('me', 5), ['echoed', 'declare b']);
  assert.deepEqual(renews('me', 6), ['echoed', 'declare a'], 'again, as the death has not come');
});

test('leases of others, and an own one that stands twice in the log, are no measure of time', () => {
  const { renews } = roster();
  renews('a');
  for (const number of [1, 2, 3, 4, 5]) assert.deepEqual(renews('b', number), []);
  assert.deepEqual(renews('me', 1), ['echoed']);
  assert.deepEqual(renews('me', 1), []);
  assert.deepEqual(renews('me', 1), []);
  assert.deepEqual(renews('me', 2), ['echoed']);
});

test('a log that stood still is held against nobody', () => {
  const { it, renews } = roster();
  renews('a');
  renews('me', 1);
  renews('me', 2);
  it.forgive();
  for (const number of [3, 4, 5]) assert.deepEqual(renews('me', number), ['echoed']);
  assert.deepEqual(renews('me', 6), ['echoed', 'declare a']);
});

test('a gateway that says goodbye is forgotten, one that leaves members behind is not', () => {
  const { it, claims, renews, resigns, buries } = roster();
  renews('a');
  renews('b');
  claims('b', 1, 'bob');
  resigns('a');
  resigns('b');
  assert.deepEqual(it.others, ['b']);
  buries('b', 1);
  assert.deepEqual(it.others, []);
});

test('our own death fences us, after our members have left, and so does a trace of it', () => {
  const { claims, dies } = roster();
  claims('me', 1, 'ann');
  assert.deepEqual(dies('me', 'a'), ['left ann me/1', 'fenced']);
  const other = roster();
  other.claims('me', 1, 'ann');
  assert.deepEqual(other.forgets('me'), ['left ann me/1', 'fenced']);
});

test('old deaths are swept away last, after what the dead have left', () => {
  const { it, claims, dies, forgets } = roster();
  claims('a', 1, 'ann');
  dies('a', 'b', 1_000);
  dies('c', 'b', 3_000);
  claims('a', 2, 'bob');
  assert.deepEqual(it.garbage(1_000, RECORDS), []);
  assert.deepEqual(it.garbage(2_000, RECORDS), ['chat/member/a/1', 'chat/member/a/2', 'chat/dead/a']);
  forgets('a');
  assert.deepEqual(it.garbage(2_000, RECORDS), []);
});

test('a claim that was in doubt when the roster was rebuilt has the name when the one before it goes', () => {
  const { it, claims, dies } = roster(true);
  // Two found the death of a: compaction kept the later record only, behind a claim that came in between.
  claims('a', 1, 'ann');
  claims('b', 1, 'ann');
  assert.deepEqual(dies('a', 'c'), ['left ann a/1', 'joined ann b/1']);
  it.rebuilt();
  assert.deepEqual(claims('c', 1, 'ann'), []);
  assert.deepEqual(dies('b', 'c'), ['left ann b/1']);
});

test('a gateway that dies with two claims of a name does not leave it to itself', () => {
  const { claims, dies } = roster(true);
  claims('a', 1, 'ann');
  claims('a', 2, 'ann');
  assert.deepEqual(dies('a', 'b'), ['left ann a/1']);
});
