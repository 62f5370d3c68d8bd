import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outgoing } from '../../../../src/actors/topic-service/outgoing.ts';
import { Message } from '../../../../src/core/message.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { turn } from '../rig.ts';

function setUp(limit: number, interval: number) {
  const clock = new HandClock();
  /** Each batch that reached a topic. */
  const written: string[] = [];
  const write = (name: string, messages: readonly Message[]) =>
    void written.push(`${name}: ${messages.map(({ text }) => text).join(' ')}`);
  const outgoing = new Outgoing(write, { limit, interval }, clock);
  const publish = (name: string, ...texts: string[]) => {
    for (const text of texts) outgoing.publish(name, new Message(Buffer.from(text)));
  };
  return { clock, outgoing, publish, written };
}

test('what clients publish in a turn goes on as one batch for each topic, in its order', async () => {
  const { publish, written } = setUp(100, 0);
  publish('a', '1', '2');
  publish('b', '3');
  publish('a', '4');
  assert.deepEqual(written, []);
  await turn();
  assert.deepEqual(written, ['a: 1 2 4', 'b: 3']);
  publish('b', '5');
  await turn();
  assert.deepEqual(written.slice(2), ['b: 5']);
});

test('with an interval the first of them waits that long, and whatever comes meanwhile goes with it', () => {
  const { clock, publish, written } = setUp(100, 200);
  publish('a', '1');
  clock.advance(150);
  publish('a', '2');
  clock.advance(49);
  assert.deepEqual(written, []);
  clock.advance(1);
  assert.deepEqual(written, ['a: 1 2']);
  publish('a', '3');
  clock.advance(199);
  assert.equal(written.length, 1);
  clock.advance(1);
  assert.deepEqual(written, ['a: 1 2', 'a: 3']);
});

test('at the limit, which counts all topics together, they go at once, and nothing is left behind to go again', async () => {
  for (const interval of [0, 200]) {
    const { clock, publish, written } = setUp(3, interval);
    publish('a', '1', '2');
    publish('b', '3');
    assert.deepEqual(written, ['a: 1 2', 'b: 3'], `interval ${interval}`);
    clock.advance(1_000);
    await turn();
    assert.equal(written.length, 2);
    assert.equal(clock.pending, 0);
    publish('a', '4', '5');
    assert.equal(written.length, 2, 'the count begins anew');
  }
});

test('a flush sends what has gathered and ends the waiting', () => {
  const { clock, outgoing, publish, written } = setUp(100, 200);
  outgoing.flush();
  assert.deepEqual(written, []);
  publish('a', '1');
  outgoing.flush();
  assert.deepEqual([written, clock.pending], [['a: 1'], 0]);
});
