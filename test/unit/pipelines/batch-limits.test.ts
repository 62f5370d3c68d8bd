import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import { Message } from '../../../src/core/message.ts';
import { type BatchLimits, batching } from '../../../src/pipelines/batching.ts';
import { HandClock } from '../core/hand-clock.ts';
import { HandSink, texts } from './parts.ts';

function setUp(limits: Partial<BatchLimits>) {
  const source = new Subject<Batch>();
  const flush = new Subject<void>();
  const clock = new HandClock();
  const out: string[][] = [];
  source
    .pipe(batching({ count: 100, bytes: 1_000_000, period: 50, ...limits }, new HandSink(), flush, clock))
    .subscribe((batch) => out.push(texts(batch.messages)));
  const send = (...all: string[]) =>
    source.next(
      new Batch(
        all.map((text) => {
          const message = new Message(Buffer.from(text));
          message.cost = 10;
          return message;
        }),
      ),
    );
  return { send, flush, clock, out };
}

test('a batch may have exactly as many bytes as the limit says, the first one too', () => {
  const { send, clock, out } = setUp({ bytes: 20 });
  send('a', 'b', 'c');
  assert.deepEqual(out, [['a', 'b']]);
  clock.advance(50);
  assert.deepEqual(out, [['a', 'b'], ['c']]);
});

test('bytes that were flushed do not count for the next batch, however often that happens', () => {
  const { send, flush, out } = setUp({ bytes: 20 });
  for (const [one, two] of ['ab', 'cd', 'ef']) {
    send(one as string, two as string);
    flush.next();
  }
  assert.deepEqual(out, [
    ['a', 'b'],
    ['c', 'd'],
    ['e', 'f'],
  ]);
});

test('bytes that left because the count was full do not count for the next batch', () => {
  const { send, flush, out } = setUp({ bytes: 25, count: 2 });
  send('a', 'b', 'c');
  send('d');
  flush.next();
  assert.deepEqual(out, [
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('a batch that left because it was full leaves no timer behind, nor does an empty one begin one', () => {
  const { send, clock, out } = setUp({ count: 2 });
  send('a');
  assert.equal(clock.pending, 1);
  send('b');
  assert.deepEqual([out, clock.pending], [[['a', 'b']], 0]);
  send('c', 'd');
  send();
  assert.deepEqual([out.length, clock.pending], [2, 0]);
});
