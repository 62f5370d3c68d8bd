import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryTime } from '../../../src/actors/delivery-time.ts';
import { Message } from '../../../src/core/message.ts';
import { HandClock } from '../core/hand-clock.ts';

function setUp() {
  const clock = new HandClock();
  const recorded: [seconds: number, traceId: string | undefined][] = [];
  const delivery = new DeliveryTime({ record: (seconds, traceId) => void recorded.push([seconds, traceId]) }, clock);
  const add = (timestamp: number, traceId?: string) => {
    const message = new Message(Buffer.from('x'), { timestamp });
    if (traceId !== undefined) message.span = { spanContext: () => ({ traceId }) };
    delivery.add(message);
  };
  return { clock, delivery, recorded, add, start: clock.now() };
}

test('the oldest record of a write counts once, with its trace', () => {
  const { clock, delivery, recorded, add, start } = setUp();
  clock.advance(1_000);
  add(start + 700, 'newer');
  add(start + 200, 'oldest');
  add(start + 900, 'newest');
  delivery.written(3);
  delivery.written(3);
  assert.deepEqual(recorded, [[0.8, 'oldest']]);
  add(start + 950);
  delivery.written(1);
  assert.deepEqual(recorded[1], [0.05, undefined]);
});

test('records from before it began do not count, nor those that no client got', () => {
  const { clock, delivery, recorded, add, start } = setUp();
  add(start - 1);
  delivery.written(1);
  add(0);
  delivery.written(1);
  clock.advance(100);
  add(start + 50);
  delivery.written(0);
  delivery.written(1);
  assert.deepEqual(recorded, []);
  delivery.begin();
  add(start + 99);
  add(start + 100);
  clock.advance(10);
  delivery.written(1);
  assert.deepEqual(recorded, [[0.01, undefined]]);
});

test('a record from a machine whose clock is ahead took no time', () => {
  const { delivery, recorded, add, start } = setUp();
  add(start + 5_000);
  delivery.written(1);
  assert.deepEqual(recorded, [[0, undefined]]);
});

test('a clock that is set back leaves out one write', () => {
  const { clock, delivery, recorded, add, start } = setUp();
  clock.advance(-60_000);
  add(clock.now());
  delivery.written(1);
  assert.deepEqual(recorded, []);
  add(clock.now());
  clock.advance(20);
  delivery.written(1);
  assert.deepEqual(recorded, [[0.02, undefined]]);
  assert.ok(clock.now() < start);
});
