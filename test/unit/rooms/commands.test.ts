import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member } from '../../../src/core/membership.ts';
import type { Claim } from '../../../src/presence/claim.ts';
import { RoomCommands, type RoomCommandsOptions } from '../../../src/rooms/commands.ts';
import type { Newcomer, RoomCommand } from '../../../src/rooms/port.ts';

const NEWCOMER: Newcomer = { identity: { type: 'numbered', prefix: 'client-' } };
const CLAIM: Claim<Member> = { key: 'k', incarnation: 'ours', seq: 1, member: { name: 'b', details: {} } };

/** Commands for a member of this gateway that may leave, under a lease that may be lost. */
class CommandsRig {
  isMember = true;
  isHeld = true;
  readonly diary: string[] = [];
  readonly commands = new RoomCommands({
    endpoint: 'room',
    topic: 'control',
    members: { member: () => NEWCOMER, isIn: () => this.isMember },
    incarnation: () => 'ours',
    isHeld: () => this.isHeld,
    isDead: () => false,
    tooLate: () => {},
    commanded: (passed: readonly RoomCommand[]) => {
      for (const command of passed) {
        this.diary.push(`${command.type} passed on`);
        command.done?.(true);
      }
    },
  } as unknown as RoomCommandsOptions);

  direct(content: string): 'sent' | 'unknown' {
    return this.commands.send(CLAIM, { type: 'direct', seq: 1, to: 'b', from: 'a', content }, (isDone) => {
      this.diary.push(`${content} ${isDone ? 'done' : 'lost'}`);
    });
  }
}

const microtask = () => Promise.resolve();

test('a command whose target leaves before it is passed on is lost, and its sender gets an error', async () => {
  const rig = new CommandsRig();
  assert.equal(rig.direct('1'), 'sent');
  rig.isMember = false;
  await microtask();
  assert.deepEqual(rig.diary, ['1 lost']);
  rig.isMember = true;
  rig.direct('2');
  await microtask();
  assert.deepEqual(rig.diary.slice(1), ['direct passed on', '2 done']);
});

test('commands that wait for the lease are passed on once, or lost once', async () => {
  const rig = new CommandsRig();
  rig.isHeld = false;
  rig.direct('1');
  rig.commands.resume();
  await microtask();
  assert.deepEqual(rig.diary, []);
  rig.commands.dropWaiting();
  rig.commands.dropWaiting();
  assert.deepEqual(rig.diary, ['1 lost']);
  rig.isHeld = true;
  rig.commands.resume();
  await microtask();
  assert.deepEqual(rig.diary, ['1 lost']);
});
