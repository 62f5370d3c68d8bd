import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fifo } from '../../../src/core/fifo.ts';

test('items come out in the order they went in', () => {
  const fifo = new Fifo<number>();
  assert.deepEqual([fifo.length, fifo.peek(), fifo.shift()], [0, undefined, undefined]);
  for (const item of [1, 2, 3]) fifo.push(item);
  assert.deepEqual([fifo.shift(), fifo.peek(), fifo.at(1), fifo.at(2), fifo.length], [1, 2, 3, undefined, 2]);
  fifo.push(4);
  assert.deepEqual([fifo.shift(), fifo.shift(), fifo.shift(), fifo.shift()], [2, 3, 4, undefined]);
});

test('clear gives what was left, and the list can be used again', () => {
  const fifo = new Fifo<number>();
  for (const item of [1, 2, 3]) fifo.push(item);
  fifo.shift();
  assert.deepEqual(fifo.clear(), [2, 3]);
  assert.equal(fifo.length, 0);
  fifo.push(9);
  assert.equal(fifo.shift(), 9);
});

test('a long list that is emptied slowly keeps its order across its own tidying', () => {
  const fifo = new Fifo<number>();
  let next = 0;
  for (let item = 0; item < 5_000; item++) {
    fifo.push(item);
    if (item % 2 === 1) assert.equal(fifo.shift(), next++);
  }
  while (fifo.length > 0) assert.equal(fifo.shift(), next++);
  assert.equal(next, 5_000);
});
