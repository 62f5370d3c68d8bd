import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOfFrame, withKey } from '../../../src/core/frame-key.ts';
import { NewestFrames } from '../../../src/core/newest-frames.ts';
import { SendQueue } from '../../../src/core/send-queue.ts';

const frame = (text: string, key: string | undefined = text[0]) => withKey(Buffer.from(text), key);
const texts = (frames: readonly Buffer[]) => frames.map(String);

function queueOf(limit: number, ...records: Buffer[]): SendQueue {
  const queue = new SendQueue(limit, 'latest');
  for (const record of records) queue.push(record);
  return queue;
}

test('a newer record of a key takes the place of the older one, and is counted', () => {
  const queue = queueOf(100, frame('a1'), frame('b1'), frame('a22'), frame('c1'), frame('a3'));
  assert.deepEqual([queue.dataBytes, queue.length], [6, 3]);
  assert.deepEqual([queue.supersededSoFar, queue.droppedSoFar, queue.takeDropped()], [2, 0, 2]);
  assert.deepEqual(texts(queue.take(100)), ['a3', 'b1', 'c1']);
});

test('a key that changes all the time is sent in its turn', () => {
  const queue = queueOf(100, frame('a0'), frame('b0'));
  for (let number = 1; number < 10; number += 1) queue.push(frame(`a${number}`));
  assert.deepEqual(texts(queue.take(2)), ['a9']);
});

test('a record whose older one was taken waits at the end', () => {
  const queue = queueOf(100, frame('a1'), frame('b1'));
  queue.take(2);
  queue.push(frame('a2'));
  queue.push(frame('b2'));
  assert.deepEqual(texts(queue.take(100)), ['b2', 'a2']);
  assert.equal(queue.takeDropped(), 1);
});

test('records without a key are not superseded, nor by a key that looks like their number', () => {
  const queue = queueOf(100, frame('x', undefined), frame('y', undefined), frame('z', '0'), frame('z', '1'));
  queue.push(withKey(Buffer.from('w'), undefined));
  assert.deepEqual(texts(queue.take(100)), ['x', 'y', 'z', 'z', 'w']);
  assert.equal(queue.takeDropped(), 0);
});

test('where one record a key does not fit the oldest go, and not the one that has come', () => {
  const queue = queueOf(6, frame('a1'), frame('b1'), frame('c1'));
  queue.push(frame('a234'));
  assert.deepEqual([queue.supersededSoFar, queue.droppedSoFar, queue.dataBytes], [1, 1, 6]);
  assert.deepEqual(texts(queue.take(100)), ['c1', 'a234']);
});

test('a record that is larger than the queue is dropped itself, and the older one of its key waits on', () => {
  const queue = queueOf(4, frame('a1'));
  assert.equal(queue.push(frame('a2345')), 'dropped');
  assert.deepEqual([queue.supersededSoFar, queue.droppedSoFar], [0, 1]);
  assert.deepEqual(texts(queue.take(100)), ['a1']);
});

test('answers go ahead of records of any key, and are not superseded', () => {
  const queue = queueOf(100, frame('a1'));
  const answer = frame('answer');
  queue.pushControl(answer);
  queue.pushControl(answer);
  queue.push(frame('a2'));
  assert.deepEqual(texts(queue.take(100)), ['answer', 'answer', 'a2']);
});

test('a frame that is that of two records has the key of each', () => {
  const shared = Buffer.from('tick');
  const [first, second, third] = [withKey(shared, 'a'), withKey(shared, 'b'), withKey(shared, undefined)];
  assert.equal(first, shared);
  assert.deepEqual([keyOfFrame(first), keyOfFrame(second), keyOfFrame(third)], ['a', 'b', undefined]);
  assert.deepEqual(texts(queueOf(100, first, second, third).take(100)), ['tick', 'tick', 'tick']);
  const keyless = Buffer.from('tick');
  assert.deepEqual([keyOfFrame(withKey(keyless, undefined)), keyOfFrame(withKey(keyless, 'a'))], [undefined, 'a']);
  assert.equal(keyOfFrame(keyless), undefined);
});

test('a hundred thousand keys are taken one by one without going through those that were', () => {
  const line = new NewestFrames();
  const count = 100_000;
  for (let number = 0; number < count; number += 1) line.push(frame('x', `key ${number}`));
  let steps = 0;
  for (let taken = line.shift(); taken !== undefined; taken = line.shift()) {
    assert.equal(keyOfFrame(taken), `key ${steps}`);
    // Keys that come while others are taken are met as well, in their order.
    if (steps < count) line.push(frame('x', `key ${count + steps}`));
    steps += 1;
  }
  assert.deepEqual([steps, line.length, line.peek()], [2 * count, 0, undefined]);
});
