import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueuedFrames } from '../../../src/core/queued-frames.ts';
import { SendQueue } from '../../../src/core/send-queue.ts';

const texts = (frames: readonly Buffer[]) => frames.map(String);

test('all control frames are taken at once, in order; data frames and their bytes stay', () => {
  const queue = new SendQueue(100, 'block');
  queue.push(Buffer.from('data'));
  queue.pushControl(Buffer.from('one'));
  queue.pushControl(Buffer.from('three'));
  assert.deepEqual([queue.bytes, queue.controlBytes, queue.dataBytes, queue.length], [12, 8, 4, 3]);
  assert.deepEqual(texts(queue.takeControl()), ['one', 'three']);
  assert.deepEqual([queue.bytes, queue.controlBytes, queue.dataBytes, queue.length], [4, 0, 4, 1]);
  assert.deepEqual(texts(queue.takeControl()), []);
  assert.deepEqual(texts(queue.take(100)), ['data']);
  assert.equal(queue.bytes, 0);
});

test('a data frame fits exactly up to the limit, whatever control frames wait', () => {
  const queue = new SendQueue(10, 'block');
  queue.pushControl(Buffer.alloc(50));
  assert.equal(queue.push(Buffer.alloc(10)), 'queued');
  assert.equal(queue.push(Buffer.alloc(1)), 'full');
});

test('what is taken fits exactly, and the first frame always goes', () => {
  const queue = new SendQueue(100, 'block');
  for (const size of [5, 5, 5]) queue.push(Buffer.alloc(size));
  assert.equal(queue.take(10).length, 2);
  assert.equal(queue.take(1).length, 1);
  assert.equal(queue.length, 0);
});

test('a frame that is larger than the limit is dropped, and no other for it', () => {
  const queue = new SendQueue(10, 'drop_oldest');
  queue.push(Buffer.alloc(10));
  assert.equal(queue.push(Buffer.alloc(11)), 'dropped');
  assert.deepEqual([queue.dataBytes, queue.takeDropped(), queue.takeDropped()], [10, 1, 0]);
  assert.equal(queue.push(Buffer.alloc(10)), 'queued');
  assert.deepEqual([queue.dataBytes, queue.takeDropped()], [10, 1]);
});

test('what leaves a queue, by whichever way, is in the memory of all queues no more', () => {
  const weights = new QueuedFrames();
  const fill = () => {
    const queue = new SendQueue(100, 'block', weights);
    queue.push(Buffer.alloc(10));
    queue.pushControl(Buffer.alloc(20));
    return queue;
  };
  const before = weights.bytes;
  const one = fill();
  one.takeControl();
  one.take(100);
  assert.equal(weights.bytes, before);
  const other = fill();
  assert.ok(weights.bytes >= before + 30);
  other.clear();
  assert.equal(weights.bytes, before);
});
