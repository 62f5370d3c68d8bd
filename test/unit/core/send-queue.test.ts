import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendQueue } from '../../../src/core/send-queue.ts';

const frame = (text: string) => Buffer.from(text);
const texts = (frames: readonly Buffer[]) => frames.map(String);

for (const whenFull of ['block', 'disconnect'] as const) {
  test(`with ${whenFull} a frame that does not fit is not taken, and nothing is dropped`, () => {
    const queue = new SendQueue(4, whenFull);
    assert.equal(queue.push(frame('abc')), 'queued');
    assert.equal(queue.push(frame('de')), 'full');
    assert.equal(queue.push(frame('d')), 'queued');
    assert.equal(queue.droppedSoFar, 0);
    assert.deepEqual(texts(queue.take(100)), ['abc', 'd']);
  });
}

test('with drop_oldest as many frames make room as are needed', () => {
  const queue = new SendQueue(6, 'drop_oldest');
  for (const text of ['aa', 'bb', 'cc']) queue.push(frame(text));
  assert.equal(queue.push(frame('ddd')), 'queued');
  assert.equal(queue.dataBytes, 5);
  assert.deepEqual(texts(queue.take(100)), ['cc', 'ddd']);
  assert.equal(queue.takeDropped(), 2);
  assert.equal(queue.takeDropped(), 0);
});

test('with drop_oldest a frame larger than the queue is dropped itself and costs no other its place', () => {
  const queue = new SendQueue(4, 'drop_oldest');
  queue.push(frame('aa'));
  assert.equal(queue.push(frame('bbbbb')), 'dropped');
  assert.deepEqual(texts(queue.take(100)), ['aa']);
});

test('with drop_newest the frame that does not fit is dropped', () => {
  const queue = new SendQueue(4, 'drop_newest');
  queue.push(frame('aaa'));
  assert.equal(queue.push(frame('bb')), 'dropped');
  assert.equal(queue.push(frame('c')), 'queued');
  assert.deepEqual(texts(queue.take(100)), ['aaa', 'c']);
  assert.equal(queue.takeDropped(), 1);
});

test('control frames are taken beyond the limit and go ahead of data', () => {
  const queue = new SendQueue(2, 'drop_newest');
  queue.push(frame('d1'));
  queue.pushControl(frame('control 1'));
  queue.pushControl(frame('control 2'));
  assert.deepEqual([queue.dataBytes, queue.controlBytes, queue.bytes, queue.length], [2, 18, 20, 3]);
  assert.deepEqual(texts(queue.take(100)), ['control 1', 'control 2', 'd1']);
  assert.deepEqual([queue.bytes, queue.length], [0, 0]);
});

test('take gives at least one frame, and then as many as fit', () => {
  const queue = new SendQueue(100, 'block');
  for (const text of ['aaaaa', 'bb', 'cc', 'dd']) queue.push(frame(text));
  assert.deepEqual(texts(queue.take(3)), ['aaaaa']);
  assert.deepEqual(texts(queue.take(4)), ['bb', 'cc']);
  assert.deepEqual(texts(queue.take(1)), ['dd']);
  assert.deepEqual(queue.take(1), []);
});
