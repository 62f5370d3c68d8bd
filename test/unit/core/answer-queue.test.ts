import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerQueue } from '../../../src/core/answer-queue.ts';

const frame = (text: string) => Buffer.from(text);

function ready(queue: AnswerQueue): string[] {
  const into: Buffer[] = [];
  queue.takeReady(into);
  return into.map(String);
}

test('answers leave in the order of the frames, whatever order they came in', () => {
  const queue = new AnswerQueue();
  const [a, b, c] = [queue.open('a'), queue.open('b'), queue.open('c')];
  queue.fill(c, frame('C'));
  assert.deepEqual(ready(queue), []);
  queue.fill(a, frame('A'));
  assert.deepEqual(ready(queue), ['A']);
  queue.fill(b, frame('B'));
  assert.deepEqual(ready(queue), ['B', 'C']);
  assert.equal(queue.pending, 0);
});

test('a slot filled with null is skipped without an answer', () => {
  const queue = new AnswerQueue();
  const [a, b] = [queue.open(undefined), queue.open(undefined)];
  queue.fill(b, frame('B'));
  queue.fill(a, null);
  assert.deepEqual(ready(queue), ['B']);
});

test('a slot remembers its correlation until it has left', () => {
  const queue = new AnswerQueue();
  const a = queue.open('first');
  const b = queue.open(2);
  assert.equal(queue.correlation(a), 'first');
  queue.fill(a, frame('A'));
  ready(queue);
  assert.equal(queue.correlation(a), undefined);
  assert.equal(queue.correlation(b), 2);
});

test('filling a slot that has left does nothing', () => {
  const queue = new AnswerQueue();
  const a = queue.open(undefined);
  const b = queue.open(undefined);
  queue.fill(a, frame('A'));
  ready(queue);
  queue.fill(a, frame('again'));
  queue.fill(b, frame('B'));
  assert.deepEqual(ready(queue), ['B']);
});
