import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalMembers } from '../../../src/rooms/local-members.ts';
import type { Newcomer, RoomCommand } from '../../../src/rooms/port.ts';

/** Local members, and what they have asked the log for. */
class LocalMembersRig {
  readonly asked: string[] = [];
  /** Called with a number, as the log answers. */
  readonly answers: ((number: number) => void)[] = [];
  readonly wanted: (() => boolean)[] = [];
  readonly members = new LocalMembers({
    number: (answer, isWanted) => {
      this.asked.push('number');
      this.answers.push(answer);
      this.wanted.push(isWanted);
    },
    claim: (seq, { name }, isWanted) => {
      this.asked.push(`claim ${seq} ${name}`);
      this.wanted.push(isWanted);
    },
    withdraw: (seq) => this.asked.push(`withdraw ${seq}`),
  });
}

const named = (name: string): Newcomer => ({
  identity: { type: 'named', name, details: {}, taken: { code: 1003, reason: 'taken' } },
});
const numbered = (): Newcomer => ({ identity: { type: 'numbered', prefix: 'n-' } });
const hello =
  (content: string) =>
  (to: Newcomer): RoomCommand => ({ type: 'direct', to, from: 'x', content });

test('newcomers wait until the gateway is in the room, then claim in their order', () => {
  const { members, asked } = new LocalMembersRig();
  for (const name of ['b', 'a', 'c']) members.join(named(name));
  assert.deepEqual(asked, []);
  members.open();
  assert.deepEqual(asked, ['claim 1 b', 'claim 2 a', 'claim 3 c']);
  members.shut();
  members.join(named('d'));
  assert.equal(asked.length, 3);
});

test('a numbered newcomer claims its number, and is a member when the claim is read back', () => {
  const { members, asked, answers } = new LocalMembersRig();
  members.open();
  const newcomer = numbered();
  members.join(newcomer);
  answers[0]?.(7);
  assert.deepEqual(asked, ['number', 'claim 1 n-7']);
  assert.deepEqual([members.isIn(newcomer), members.member(1), members.all], [false, undefined, []]);
  assert.deepEqual(members.won(1), { newcomer, early: [] });
  assert.deepEqual([members.isIn(newcomer), members.member(1), members.all], [true, newcomer, [newcomer]]);
});

test('a newcomer that leaves before its claim writes nothing, a later one writes a tombstone', () => {
  const { members, asked, answers, wanted } = new LocalMembersRig();
  members.open();
  const [early, late, member] = [numbered(), named('late'), named('member')];
  for (const newcomer of [early, late, member]) members.join(newcomer);
  members.won(2);
  assert.deepEqual(
    wanted.map((isWanted) => isWanted()),
    [true, true, false],
  );
  for (const newcomer of [early, late, member, member]) members.leave(newcomer);
  answers[0]?.(1);
  assert.deepEqual(asked, ['number', 'claim 1 late', 'claim 2 member', 'withdraw 1', 'withdraw 2']);
  assert.deepEqual([members.won(1), members.lost(1), members.all], [undefined, undefined, []]);
  assert.deepEqual(
    wanted.map((isWanted) => isWanted()),
    [false, false, false],
  );
});

test('a lost claim gets a tombstone: a name is refused, a number is requested again', () => {
  const { members, asked, answers } = new LocalMembersRig();
  members.open();
  const [ann, guest] = [named('ann'), numbered()];
  members.join(ann);
  members.join(guest);
  answers[0]?.(1);
  assert.equal(members.lost(1), ann);
  assert.equal(members.lost(2), undefined);
  answers[1]?.(2);
  assert.deepEqual(asked, [
    'claim 1 ann',
    'number',
    'claim 2 n-1',
    'withdraw 1',
    'withdraw 2',
    'number',
    'claim 3 n-2',
  ]);
  assert.equal(members.won(3)?.newcomer, guest);
  members.leave(ann);
  assert.equal(asked.length, 7, 'a newcomer that was refused has no claim to withdraw');
});

test('commands that come before their member was read back wait for it, up to a limit', () => {
  const { members } = new LocalMembersRig();
  members.open();
  const ann = named('ann');
  members.join(ann);
  members.commandEarly(7, hello('nobody'));
  for (let count = 0; count < 1_000; count += 1) members.commandEarly(1, hello(String(count)));
  const early = members.won(1)?.early ?? [];
  assert.deepEqual([early.length, early[0]], [100, hello('0')(ann)]);
  members.commandEarly(1, hello('late'));
  assert.equal(members.won(1)?.early.length, 0);
});

test('after a fencing all former members are forgotten', () => {
  const { members, asked, answers } = new LocalMembersRig();
  members.open();
  const [asking, claiming, member] = [numbered(), named('claiming'), named('member')];
  for (const newcomer of [asking, claiming, member]) members.join(newcomer);
  members.won(2);
  members.forget();
  answers[0]?.(1);
  for (const newcomer of [asking, claiming, member]) members.leave(newcomer);
  assert.deepEqual([members.won(1), members.all, asked.length], [undefined, [], 3]);
  members.join(named('new'));
  members.open();
  assert.equal(asked[3], 'claim 3 new');
});
