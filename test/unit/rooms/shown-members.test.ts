import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberRecords } from '../../../src/rooms/member-records.ts';
import type { Change } from '../../../src/rooms/port.ts';
import { RoomRoster } from '../../../src/rooms/roster.ts';
import { ShownMembers } from '../../../src/rooms/shown-members.ts';

const RECORDS = memberRecords('chat');

/** A roster with these members: incarnation and name of each. */
function rosterOf(...members: readonly (readonly [incarnation: string, name: string])[]): RoomRoster {
  const roster = new RoomRoster('me');
  for (const [seq, [incarnation, name]] of members.entries()) {
    const key = RECORDS.memberKey(incarnation, seq);
    roster.apply({ type: 'member', key, incarnation, seq, member: { name, details: {} } });
  }
  return roster;
}

const brief = (change: Change) => (change.type === 'taken' ? 'taken' : `${change.type} ${change.member.name}`);

test('the first roster shows all members, and the next one only what has changed', () => {
  const calls: string[][] = [];
  const shown = new ShownMembers((changes) => calls.push(changes.map(brief)));
  shown.show(rosterOf(['a', 'ann'], ['a', 'bob']));
  shown.flush();
  shown.show(rosterOf(['a', 'ann'], ['b', 'eve']));
  shown.flush();
  assert.deepEqual(calls, [
    ['joined ann', 'joined bob'],
    ['left bob', 'joined eve'],
  ]);
});

test('a name with another holder than before leaves and joins', () => {
  const calls: string[][] = [];
  const shown = new ShownMembers((changes) => calls.push(changes.map(brief)));
  shown.show(rosterOf(['a', 'ann']));
  shown.flush();
  shown.show(rosterOf(['b', 'ann']));
  shown.flush();
  assert.deepEqual(calls[1], ['left ann', 'joined ann']);
});

test('changes of a batch are passed on together, and never an empty list', () => {
  const calls: string[][] = [];
  const shown = new ShownMembers((changes) => calls.push(changes.map(brief)));
  shown.flush();
  for (const name of ['ann', 'bob']) shown.add({ type: 'joined', member: { name, details: {} } });
  assert.equal(calls.length, 0);
  shown.flush();
  shown.flush();
  assert.deepEqual(calls, [['joined ann', 'joined bob']]);
});
