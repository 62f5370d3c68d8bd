import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnsortedHistory } from '../../../../src/actors/endpoint/unsorted-history.ts';
import { Message } from '../../../../src/core/message.ts';
import { shared, textOf } from '../shared.ts';

/** Keeps records that are given as `partition:timestamp:text`; resolves with what is kept, in its order. */
function kept(last: number, bytes: number, ...records: string[]): string[] {
  const past = new UnsortedHistory(last, bytes);
  for (const record of records) {
    const [partition, timestamp, text = ''] = record.split(':');
    const place = { topic: 't', partition: Number(partition), timestamp: Number(timestamp) };
    past.keep(shared(text), new Message(Buffer.from(text), place), undefined);
  }
  const all = past.takeAll().map(({ frame }) => textOf(frame));
  assert.deepEqual(past.takeAll(), []);
  return all;
}

test('the newest records of all partitions are kept, in the order of their time', () => {
  assert.deepEqual(kept(3, 100, '0:1:a', '0:4:d', '1:2:b', '1:3:c'), ['b', 'c', 'd']);
});

test('as many bytes as the limit are kept, and not one more', () => {
  assert.deepEqual(kept(10, 4, '0:1:aa', '0:2:bb'), ['aa', 'bb']);
  assert.deepEqual(kept(10, 3, '0:1:aa', '0:2:bb'), ['bb']);
  assert.deepEqual(kept(10, 3, '0:1:aaaa'), []);
});

test('bytes that were evicted count no more', () => {
  assert.deepEqual(kept(10, 4, '0:1:aa', '0:2:bb', '0:3:cc', '0:4:dd'), ['cc', 'dd']);
});

test('nothing older than an evicted frame is kept: there would be a gap behind it', () => {
  assert.deepEqual(kept(1, 100, '0:5:a', '0:6:b', '1:4:old', '1:5:same', '1:7:new'), ['new']);
  assert.deepEqual(kept(2, 100, '0:5:a', '0:6:b', '1:4:old'), ['a', 'b']);
});

test('a clock that goes back does not change the order within a partition', () => {
  assert.deepEqual(kept(10, 100, '0:9:a', '0:1:b', '1:5:c'), ['c', 'a', 'b']);
});
