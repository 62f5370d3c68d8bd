import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { authoredBy } from '../../../src/rooms/authorship.ts';
import { RoomLease } from '../../../src/rooms/room-lease.ts';

const by = (incarnation: string) => new Message(Buffer.from('hello'), { headers: authoredBy(incarnation) });

/** The write lease of a gateway whose current incarnation is `now`. */
class RoomLeaseRig {
  readonly incarnation = { id: 'now', isOver: false, isHeld: true };
  readonly lease = new RoomLease('chat', () => this.incarnation);
  changes = 0;

  constructor() {
    this.lease.changed$.subscribe(() => {
      this.changes += 1;
    });
  }

  refusal(message: Message): string | undefined {
    return this.lease.refusal(message)?.message;
  }
}

test('a message is refused unless its incarnation is the current one, and not over', () => {
  const rig = new RoomLeaseRig();
  assert.equal(rig.refusal(by('now')), undefined);
  assert.match(rig.refusal(by('before')) ?? '', /declared this one dead/);
  assert.equal(rig.refusal(new Message(Buffer.from('of no member'))), undefined);
  rig.incarnation.isOver = true;
  assert.match(rig.refusal(by('now')) ?? '', /declared this one dead/);
});

test('at the deadline of a stop all messages are refused, and those that wait are asked again', () => {
  const rig = new RoomLeaseRig();
  rig.lease.renewed();
  assert.equal(rig.changes, 1);
  rig.lease.abandon();
  assert.equal(rig.changes, 2);
  assert.match(rig.refusal(by('now')) ?? '', /the gateway stopped before/);
});

test('messages may be written only while the incarnation holds its lease', () => {
  const rig = new RoomLeaseRig();
  assert.equal(rig.lease.isHeld, true);
  rig.incarnation.isHeld = false;
  assert.equal(rig.lease.isHeld, false);
  assert.equal(new RoomLease('chat', () => undefined).isHeld, false);
});
