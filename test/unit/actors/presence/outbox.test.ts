import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import { Outbox, type Post } from '../../../../src/actors/presence/outbox.ts';
import { type ErrorCode, TidegateError } from '../../../../src/core/errors.ts';
import type { Message } from '../../../../src/core/message.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { keptLogger } from '../rig.ts';

function setUp() {
  const clock = new HandClock();
  const kept = keptLogger();
  const written: Message[] = [];
  const topic = {
    idle: true,
    idle$: NEVER,
    write: ({ messages }: { messages: readonly Message[] }) => void written.push(...messages),
  };
  const outbox = new Outbox({ name: 't', topic, clock, logger: kept.logger });
  const told: string[] = [];
  const post = (changes: Partial<Post> = {}): Post => ({
    key: 'k',
    value: { a: 1 },
    stored: (offset) => told.push(`stored ${offset}`),
    lost: () => told.push('lost'),
    ...changes,
  });
  const fail = (index: number, code: ErrorCode) => written[index]?.nack(new TidegateError(code, 'no'));
  return { clock, written, outbox, told, post, fail, ...kept };
}

test('a record is written as JSON, a tombstone without anything', () => {
  const { written, outbox, post } = setUp();
  outbox.put(post());
  outbox.put(post({ value: null }));
  assert.deepEqual(
    written.map(({ key, text, meta }) => [key, text, meta.tombstone]),
    [
      ['k', '{"a":1}', undefined],
      ['k', '', true],
    ],
  );
});

test('whoever wrote a record is told its offset', () => {
  const { written, outbox, post, told } = setUp();
  outbox.put(post());
  Object.assign(written[0] as Message, { offset: 41 });
  written[0]?.ack();
  assert.deepEqual(told, ['stored 41']);
});

test('what the log refuses is told once and written again until it takes it', () => {
  const { clock, written, outbox, post, told, fail, errors } = setUp();
  outbox.put(post());
  outbox.put(post({ key: 'other' }));
  for (const index of [0, 1]) fail(index, 'TG_NOT_AUTHORIZED');
  clock.advance(60_000);
  for (const index of [2, 3]) fail(index, 'TG_NOT_AUTHORIZED');
  clock.advance(60_000);
  assert.deepEqual(
    written.slice(4).map(({ key }) => key),
    ['k', 'other'],
  );
  for (const message of written.slice(4)) message.ack();
  assert.deepEqual([told.length, errors()], [2, ['the log refuses records of t: no']]);
});

test('what nobody wants any more is not written again', () => {
  const { clock, written, outbox, post, told, fail } = setUp();
  let isWanted = true;
  outbox.put(post({ isWanted: () => isWanted }));
  fail(0, 'TG_TOPIC_MISSING');
  isWanted = false;
  clock.advance(60_000);
  outbox.put(post({ isWanted: () => isWanted }));
  fail(1, 'TG_TOPIC_MISSING');
  clock.advance(60_000);
  assert.deepEqual([written.length, told], [2, ['lost', 'lost']]);
});

test('what a stopping gateway did not get rid of is lost, without complaint', () => {
  const { clock, written, outbox, post, told, fail, errors } = setUp();
  outbox.put(post());
  fail(0, 'TG_STOPPING');
  clock.advance(60_000);
  assert.deepEqual([written.length, told, errors()], [1, ['lost'], []]);
});

test('an outbox that is closed writes nothing again', () => {
  const { clock, written, outbox, post, fail } = setUp();
  outbox.put(post());
  outbox.put(post());
  fail(0, 'TG_TOPIC_MISSING');
  outbox.close();
  fail(1, 'TG_TOPIC_MISSING');
  clock.advance(60_000);
  assert.deepEqual([written.length, clock.pending], [2, 0]);
});
