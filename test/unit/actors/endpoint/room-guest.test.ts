import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomGuest } from '../../../../src/actors/endpoint/room-guest.ts';
import type { Effect } from '../../../../src/core/effect.ts';
import type { MemberEvent } from '../../../../src/core/membership.ts';

const DIRECT: MemberEvent = { type: 'direct', from: 'a', content: 'hello' };

/** A guest whose codec answers each event with those effects; a close closes its peer. */
function setUp(effects: readonly Effect[], hasRoom = true) {
  const did: string[] = [];
  const peer = { isOpen: true, isAdmitted: true };
  const conversation = {
    apply: (applied: readonly Effect[]) => {
      for (const { type } of applied) did.push(type);
      if (applied.some(({ type }) => type === 'close')) peer.isOpen = false;
    },
  };
  const context = {
    codec: { membership: { event: () => effects } },
    clock: { now: () => 0 },
    encode: ({ data }: { data: string }) => Buffer.from(data),
  };
  const outbound = {
    offer: (frame: Buffer) => {
      did.push(`offered ${frame}`);
      return hasRoom;
    },
  };
  const guest = new RoomGuest(peer as never, context as never, conversation as never, outbound as never);
  return { guest, did, peer };
}

const reply: Effect = { type: 'reply', frame: { data: 'a: hello', binary: false } };
const close: Effect = { type: 'close', code: 4001, reason: 'no more' };

test('a direct message is offered to the queue, and says whether there was room for it', () => {
  for (const hasRoom of [true, false]) {
    const { guest, did } = setUp([reply], hasRoom);
    assert.equal(guest.hear(DIRECT), hasRoom);
    assert.deepEqual(did, ['offered a: hello']);
  }
});

test('a direct message that closes its client is offered no more behind the close', () => {
  const { guest, did } = setUp([close, reply]);
  assert.equal(guest.hear(DIRECT), false);
  assert.deepEqual(did, ['close']);
});

test('a client that is not in, or is closing, hears nothing', () => {
  const { guest, did, peer } = setUp([reply]);
  peer.isAdmitted = false;
  assert.equal(guest.hear(DIRECT), false);
  peer.isAdmitted = true;
  peer.isOpen = false;
  assert.equal(guest.hear(DIRECT), false);
  assert.deepEqual(did, []);
});
