import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member } from '../../../src/core/membership.ts';
import type { PresenceRecord } from '../../../src/presence/records.ts';
import type { RosterEvent } from '../../../src/presence/roster.ts';
import { memberRecords } from '../../../src/rooms/member-records.ts';
import { RoomRoster } from '../../../src/rooms/roster.ts';

const RECORDS = memberRecords('chat');

/** A roster of the incarnation `me`: each method applies a record and returns the events, in short words. */
class RosterRig {
  readonly roster = new RoomRoster('me');

  constructor({ isRebuilding = false } = {}) {
    if (!isRebuilding) this.roster.rebuilt();
  }

  claim(incarnation: string, seq: number, name: string): string[] {
    const member = { name, details: {} };
    return this.apply({ type: 'member', key: RECORDS.memberKey(incarnation, seq), incarnation, seq, member });
  }

  /** The tombstone of a claim. */
  leave(incarnation: string, seq: number): string[] {
    return this.apply({ type: 'tombstone', of: 'member', key: RECORDS.memberKey(incarnation, seq), incarnation });
  }

  lease(incarnation: string, number = 1, timestamp = 0): string[] {
    return this.apply({ type: 'lease', key: RECORDS.leaseKey(incarnation), incarnation, number, timestamp });
  }

  /** The tombstone of a lease. */
  sayGoodbye(incarnation: string): string[] {
    return this.apply({ type: 'tombstone', of: 'lease', key: RECORDS.leaseKey(incarnation), incarnation });
  }

  die(incarnation: string, by: string, timestamp = 0, until?: number): string[] {
    return this.apply({ type: 'dead', key: RECORDS.deadKey(incarnation), incarnation, by, timestamp, until });
  }

  /** The tombstone of a death. */
  forget(incarnation: string): string[] {
    return this.apply({ type: 'tombstone', of: 'dead', key: RECORDS.deadKey(incarnation), incarnation });
  }

  private apply(record: PresenceRecord<Member>): string[] {
    return this.roster.apply(record).map(shortly);
  }
}

function shortly(event: RosterEvent<Member>): string {
  switch (event.type) {
    case 'joined':
    case 'left':
    case 'lost':
      return `${event.type} ${event.claim.member.name} ${event.claim.incarnation}/${event.claim.seq}`;
    case 'tombstone':
      return `tombstone ${event.key}`;
    case 'declare-dead':
      return `declare-dead ${event.incarnation}`;
    default:
      return event.type;
  }
}

test('the first claim of a name holds it, and only its own gateway learns of a second one', () => {
  const rig = new RosterRig();
  assert.deepEqual(rig.claim('a', 1, 'ann'), ['joined ann a/1']);
  assert.deepEqual(rig.claim('b', 1, 'ann'), []);
  assert.deepEqual(rig.claim('me', 1, 'ann'), ['lost ann me/1']);
  assert.deepEqual(rig.roster.names, ['ann']);
});

test('a name is free when its claims have their tombstones, also those that came second', () => {
  const rig = new RosterRig();
  rig.claim('a', 1, 'ann');
  rig.claim('b', 1, 'ann');
  assert.deepEqual(rig.leave('a', 1), ['left ann a/1']);
  assert.deepEqual(rig.roster.names, []);
  assert.deepEqual(rig.claim('c', 1, 'ann'), [], 'the lost claim of b is still before it');
  assert.deepEqual(rig.leave('b', 1), []);
  assert.deepEqual(rig.leave('c', 1), []);
  assert.deepEqual(rig.claim('a', 2, 'ann'), ['joined ann a/2']);
});

test('a tombstone of an unknown claim changes nothing', () => {
  const rig = new RosterRig();
  assert.deepEqual(rig.leave('a', 1), []);
  assert.deepEqual(rig.roster.others, []);
});

test('names are in the order of joining, in the same list until a member joins or leaves', () => {
  const rig = new RosterRig();
  for (const [seq, name] of ['eve', 'ann', 'bob'].entries()) rig.claim('a', seq, name);
  assert.deepEqual(rig.roster.names, ['eve', 'ann', 'bob']);
  assert.equal(rig.roster.names, rig.roster.names);
  rig.leave('a', 0);
  rig.claim('a', 3, 'eve');
  assert.deepEqual(rig.roster.names, ['ann', 'bob', 'eve']);
});

test('a dead gateway loses its members, and nothing that it still writes counts', () => {
  const rig = new RosterRig();
  rig.claim('a', 1, 'ann');
  rig.claim('a', 2, 'bob');
  rig.claim('b', 1, 'ann');
  rig.lease('a');
  assert.deepEqual(rig.die('a', 'b'), ['left ann a/1', 'left bob a/2']);
  assert.deepEqual(rig.claim('a', 3, 'eve'), []);
  assert.deepEqual(rig.lease('a', 2), []);
  assert.deepEqual(rig.leave('a', 1), []);
  assert.deepEqual(rig.die('a', 'c'), []);
  assert.deepEqual(rig.claim('c', 1, 'bob'), ['joined bob c/1']);
  assert.deepEqual([rig.roster.names, rig.roster.others], [['bob'], ['b', 'c']]);
});

test('the gateway that declared a death writes tombstones for all records, also for later ones', () => {
  const rig = new RosterRig();
  rig.claim('a', 1, 'ann');
  rig.lease('a');
  assert.deepEqual(rig.die('a', 'me'), ['left ann a/1', 'tombstone chat/member/a/1', 'tombstone chat/lease/a']);
  assert.deepEqual(rig.claim('a', 2, 'bob'), ['tombstone chat/member/a/2']);
  assert.deepEqual(rig.lease('a', 2), ['tombstone chat/lease/a']);
});

test('two gateways that declare the same death both write the tombstones', () => {
  const rig = new RosterRig();
  rig.claim('a', 1, 'ann');
  rig.claim('a', 2, 'bob');
  assert.deepEqual(rig.die('a', 'b'), ['left ann a/1', 'left bob a/2']);
  rig.leave('a', 1);
  assert.deepEqual(rig.die('a', 'me'), ['tombstone chat/member/a/2']);
  assert.deepEqual(rig.die('a', 'me'), []);
});

test('a gateway is declared dead after three own leases without a record of it', () => {
  const rig = new RosterRig();
  rig.lease('a');
  rig.lease('b');
  assert.deepEqual(rig.lease('me', 1), ['renewed']);
  assert.deepEqual(rig.lease('me', 2), ['renewed']);
  rig.claim('b', 1, 'bob');
  assert.deepEqual(rig.lease('me', 3), ['renewed', 'declare-dead a']);
  assert.deepEqual(rig.lease('me', 4), ['renewed']);
  assert.deepEqual(rig.lease('me', 5), ['renewed', 'declare-dead b']);
  assert.deepEqual(rig.lease('me', 6), ['renewed', 'declare-dead a'], 'again, as the death has not come');
});

test('leases of others, and duplicates of own ones, do not count as time', () => {
  const rig = new RosterRig();
  rig.lease('a');
  for (const number of [1, 2, 3, 4, 5]) assert.deepEqual(rig.lease('b', number), []);
  assert.deepEqual(rig.lease('me', 1), ['renewed']);
  assert.deepEqual(rig.lease('me', 1), []);
  assert.deepEqual(rig.lease('me', 1), []);
  assert.deepEqual(rig.lease('me', 2), ['renewed']);
});

test('no gateway is declared dead because the log made no progress', () => {
  const rig = new RosterRig();
  rig.lease('a');
  rig.lease('me', 1);
  rig.lease('me', 2);
  rig.roster.forgiveSilence();
  for (const number of [3, 4, 5]) assert.deepEqual(rig.lease('me', number), ['renewed']);
  assert.deepEqual(rig.lease('me', 6), ['renewed', 'declare-dead a']);
});

test('a gateway that says goodbye is forgotten, one that leaves members behind is not', () => {
  const rig = new RosterRig();
  rig.lease('a');
  rig.lease('b');
  rig.claim('b', 1, 'bob');
  rig.sayGoodbye('a');
  rig.sayGoodbye('b');
  assert.deepEqual(rig.roster.others, ['b']);
  rig.leave('b', 1);
  assert.deepEqual(rig.roster.others, []);
});

test('our own death fences us after our members have left, and so does its tombstone', () => {
  const rig = new RosterRig();
  rig.claim('me', 1, 'ann');
  assert.deepEqual(rig.die('me', 'a'), ['left ann me/1', 'fenced']);
  const other = new RosterRig();
  other.claim('me', 1, 'ann');
  assert.deepEqual(other.forget('me'), ['left ann me/1', 'fenced']);
});

test('old deaths are removed after the other records of the dead', () => {
  const rig = new RosterRig();
  rig.claim('a', 1, 'ann');
  rig.die('a', 'b', 1_000);
  rig.die('c', 'b', 3_000);
  rig.claim('a', 2, 'bob');
  assert.deepEqual(rig.roster.garbage(1_000, RECORDS), []);
  assert.deepEqual(rig.roster.garbage(2_000, RECORDS), ['chat/member/a/1', 'chat/member/a/2', 'chat/dead/a']);
  rig.forget('a');
  assert.deepEqual(rig.roster.garbage(2_000, RECORDS), []);
});

test('a claim that was read during a rebuild gets the name when the claim before it ends', () => {
  const rig = new RosterRig({ isRebuilding: true });
  // Two found the death of a: compaction kept the later record only, behind a claim that came in between.
  rig.claim('a', 1, 'ann');
  rig.claim('b', 1, 'ann');
  assert.deepEqual(rig.die('a', 'c'), ['left ann a/1', 'joined ann b/1']);
  rig.roster.rebuilt();
  assert.deepEqual(rig.claim('c', 1, 'ann'), []);
  assert.deepEqual(rig.die('b', 'c'), ['left ann b/1']);
});

test('a gateway that dies with two claims of a name does not inherit from itself', () => {
  const rig = new RosterRig({ isRebuilding: true });
  rig.claim('a', 1, 'ann');
  rig.claim('a', 2, 'ann');
  assert.deepEqual(rig.die('a', 'b'), ['left ann a/1']);
});

test('messages of a dead gateway are too late only if sent after its lease had ended by its clock', () => {
  const rig = new RosterRig({ isRebuilding: true });
  rig.lease('old', 1, 1_000);
  assert.equal(rig.roster.leasedAt('old'), 1_000);
  rig.die('old', 'other', 99_000, 1_300);
  rig.roster.rebuilt();
  assert.equal(rig.roster.isDead('old'), true);
  assert.deepEqual(
    [1_299, 1_300].map((at) => [rig.roster.hadExpired('old', at), rig.roster.isTooLate('old', at)]),
    [
      [false, false],
      [true, true],
    ],
  );
  assert.deepEqual([rig.roster.hadExpired('unknown', 9_999), rig.roster.isTooLate('unknown', 9_999)], [false, false]);
});

test('after a witnessed death all messages of that gateway are too late, whatever the clocks say', () => {
  const rig = new RosterRig();
  rig.claim('old', 1, 'ann');
  assert.equal(rig.roster.isTooLate('old', 1), false);
  rig.die('old', 'other', 99_000);
  assert.equal(rig.roster.isTooLate('old', 1), true);
  assert.equal(rig.roster.hadExpired('old', 1), false, 'an earlier version did not write when the lease had ended');
});
