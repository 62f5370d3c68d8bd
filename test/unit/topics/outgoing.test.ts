import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { Outgoing } from '../../../src/topics/outgoing.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

class OutgoingRig {
  readonly clock = new HandClock();
  /** Each batch that was passed on to a topic. */
  readonly written: string[] = [];
  readonly outgoing: Outgoing;

  constructor(limit: number, interval: number) {
    const write = (name: string, messages: readonly Message[]) =>
      void this.written.push(`${name}: ${messages.map(({ text }) => text).join(' ')}`);
    this.outgoing = new Outgoing(write, { limit, interval }, this.clock);
  }

  publish(name: string, ...texts: string[]): void {
    for (const text of texts) this.outgoing.publish(name, new Message(Buffer.from(text)));
  }
}

test('messages published in a turn become one batch for each topic, in order', async () => {
  const rig = new OutgoingRig(100, 0);
  const { written } = rig;
  rig.publish('a', '1', '2');
  rig.publish('b', '3');
  rig.publish('a', '4');
  assert.deepEqual(written, []);
  await turn();
  assert.deepEqual(written, ['a: 1 2 4', 'b: 3']);
  rig.publish('b', '5');
  await turn();
  assert.deepEqual(written.slice(2), ['b: 5']);
});

test('with an interval the first message waits that long, and later ones join its batch', () => {
  const rig = new OutgoingRig(100, 200);
  const { clock, written } = rig;
  rig.publish('a', '1');
  clock.advance(150);
  rig.publish('a', '2');
  clock.advance(49);
  assert.deepEqual(written, []);
  clock.advance(1);
  assert.deepEqual(written, ['a: 1 2']);
  rig.publish('a', '3');
  clock.advance(199);
  assert.equal(written.length, 1);
  clock.advance(1);
  assert.deepEqual(written, ['a: 1 2', 'a: 3']);
});

test('at the limit, over all topics together, batches are passed on at once and only once', async () => {
  for (const interval of [0, 200]) {
    const rig = new OutgoingRig(3, interval);
    const { clock, written } = rig;
    rig.publish('a', '1', '2');
    rig.publish('b', '3');
    assert.deepEqual(written, ['a: 1 2', 'b: 3'], `interval ${interval}`);
    clock.advance(1_000);
    await turn();
    assert.equal(written.length, 2);
    assert.equal(clock.pending, 0);
    rig.publish('a', '4', '5');
    assert.equal(written.length, 2, 'the count starts again');
  }
});

test('a flush passes on the collected messages and ends the interval', () => {
  const rig = new OutgoingRig(100, 200);
  const { clock, outgoing, written } = rig;
  outgoing.flush();
  assert.deepEqual(written, []);
  rig.publish('a', '1');
  outgoing.flush();
  assert.deepEqual([written, clock.pending], [['a: 1'], 0]);
});
