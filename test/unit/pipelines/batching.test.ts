import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import { Message } from '../../../src/core/message.ts';
import { type BatchLimits, batching } from '../../../src/pipelines/batching.ts';
import { HandClock } from '../core/hand-clock.ts';
import { HandSink, texts } from './parts.ts';

function setUp(limits: Partial<BatchLimits> = {}) {
  const source = new Subject<Batch>();
  const flush = new Subject<void>();
  const sink = new HandSink();
  const clock = new HandClock();
  const out: string[][] = [];
  const ends: string[] = [];
  const subscription = source
    .pipe(batching({ count: 100, bytes: 1_000_000, period: 50, ...limits }, sink, flush, clock))
    .subscribe({
      next: (batch) => out.push(texts(batch.messages)),
      complete: () => ends.push('complete'),
      error: (error: Error) => ends.push(error.message),
    });
  return { source, flush, sink, clock, out, ends, subscription };
}

/** A batch of messages that cost ten bytes each. */
function batch(...all: string[]): Batch {
  return new Batch(
    all.map((text) => {
      const message = new Message(Buffer.from(text));
      message.cost = 10;
      return message;
    }),
  );
}

test('messages gather while the sink is busy, and leave together after the period', () => {
  const { source, clock, out } = setUp();
  source.next(batch('a', 'b'));
  clock.advance(20);
  source.next(batch('c'));
  clock.advance(29);
  assert.deepEqual(out, []);
  clock.advance(1);
  assert.deepEqual(out, [['a', 'b', 'c']]);
  assert.equal(clock.pending, 0);
});

test('the period begins anew with the first message of the next batch', () => {
  const { source, clock, out } = setUp();
  source.next(batch('a'));
  clock.advance(50);
  clock.advance(30);
  source.next(batch('b'));
  clock.advance(49);
  assert.equal(out.length, 1);
  clock.advance(1);
  assert.deepEqual(out, [['a'], ['b']]);
});

test('a batch that is full leaves at once, and a larger one is cut', () => {
  const { source, clock, out } = setUp({ count: 2 });
  source.next(batch('a', 'b', 'c', 'd', 'e'));
  assert.deepEqual(out, [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  clock.advance(50);
  assert.deepEqual(out.at(-1), ['e']);
});

test('a message that would make the batch too large opens the next one', () => {
  const { source, flush, out } = setUp({ bytes: 25 });
  source.next(batch('a', 'b', 'c'));
  assert.deepEqual(out, [['a', 'b']]);
  flush.next();
  assert.deepEqual(out, [['a', 'b'], ['c']]);
});

test('each batch has the whole limit of bytes, however the one before it left', () => {
  const { source, flush, sink, clock, out } = setUp({ bytes: 25 });
  source.next(batch('a', 'b'));
  flush.next();
  source.next(batch('c', 'd'));
  sink.becameIdle.next();
  source.next(batch('e', 'f'));
  clock.advance(50);
  source.next(batch('g', 'h'));
  flush.next();
  assert.deepEqual(out, [
    ['a', 'b'],
    ['c', 'd'],
    ['e', 'f'],
    ['g', 'h'],
  ]);
});

test('a message that is larger than the limit travels alone', () => {
  const { source, flush, out } = setUp({ bytes: 5 });
  source.next(batch('a', 'b'));
  flush.next();
  assert.deepEqual(out, [['a'], ['b']]);
});

test('an idle sink gets each batch at once, without a timer', () => {
  const { source, sink, clock, out } = setUp();
  sink.idle = true;
  source.next(batch('a', 'b'));
  assert.deepEqual(out, [['a', 'b']]);
  assert.equal(clock.pending, 0);
});

test('a sink that becomes idle gets what has gathered, and nothing where nothing has', () => {
  const { source, sink, clock, out } = setUp();
  source.next(batch('a'));
  sink.becameIdle.next();
  sink.becameIdle.next();
  assert.deepEqual(out, [['a']]);
  assert.equal(clock.pending, 0);
});

test('flush empties the open batch', () => {
  const { source, flush, out } = setUp();
  flush.next();
  source.next(batch('a'));
  flush.next();
  assert.deepEqual(out, [['a']]);
});

test('the end of the source sends what is open first; an error goes straight through', () => {
  const ending = setUp();
  ending.source.next(batch('a'));
  ending.source.complete();
  assert.deepEqual([ending.out, ending.ends], [[['a']], ['complete']]);
  const failing = setUp();
  failing.source.next(batch('a'));
  failing.source.error(new Error('gone'));
  assert.deepEqual([failing.out, failing.ends, failing.clock.pending], [[], ['gone'], 0]);
});

test('an unsubscribe leaves no timer behind, and nothing more is emitted', () => {
  const { source, sink, clock, out, subscription } = setUp();
  source.next(batch('a'));
  subscription.unsubscribe();
  assert.equal(clock.pending, 0);
  sink.becameIdle.next();
  assert.deepEqual(out, []);
  assert.equal(source.observed || sink.becameIdle.observed, false);
});
