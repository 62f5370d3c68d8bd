import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import { type ErrorCode, TidegateError } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import { Outbox, type Post } from '../../../src/tables/outbox.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

class OutboxRig {
  readonly clock = new HandClock();
  readonly kept = keptLogger();
  readonly written: Message[] = [];
  /** What became of the records, as their writer hears it. */
  readonly outcomes: string[] = [];
  readonly outbox = new Outbox({
    name: 't',
    topic: {
      idle: true,
      idle$: NEVER,
      write: ({ messages }: { messages: readonly Message[] }) => void this.written.push(...messages),
    },
    clock: this.clock,
    logger: this.kept.logger,
  });

  post(changes: Partial<Post> = {}): Post {
    return {
      key: 'k',
      value: { a: 1 },
      stored: (offset) => this.outcomes.push(`stored ${offset}`),
      lost: () => this.outcomes.push('lost'),
      ...changes,
    };
  }

  fail(index: number, code: ErrorCode): void {
    this.written[index]?.nack(new TidegateError(code, 'no'));
  }
}

test('a record is written as JSON, a tombstone without a value', () => {
  const rig = new OutboxRig();
  const { written, outbox } = rig;
  outbox.put(rig.post());
  outbox.put(rig.post({ value: null }));
  assert.deepEqual(
    written.map(({ key, text, meta }) => [key, text, meta.tombstone]),
    [
      ['k', '{"a":1}', undefined],
      ['k', '', true],
    ],
  );
});

test('the writer of a record gets its offset', () => {
  const rig = new OutboxRig();
  const { written, outbox, outcomes } = rig;
  outbox.put(rig.post());
  Object.assign(written[0] as Message, { offset: 41 });
  written[0]?.ack();
  assert.deepEqual(outcomes, ['stored 41']);
});

test('a refused record is logged once and written again until the log takes it', () => {
  const rig = new OutboxRig();
  const { clock, written, outbox, outcomes } = rig;
  outbox.put(rig.post());
  outbox.put(rig.post({ key: 'other' }));
  for (const index of [0, 1]) rig.fail(index, 'TG_NOT_AUTHORIZED');
  clock.advance(60_000);
  for (const index of [2, 3]) rig.fail(index, 'TG_NOT_AUTHORIZED');
  clock.advance(60_000);
  assert.deepEqual(
    written.slice(4).map(({ key }) => key),
    ['k', 'other'],
  );
  for (const message of written.slice(4)) message.ack();
  assert.deepEqual([outcomes.length, rig.kept.errors()], [2, ['the log refuses records of t: no']]);
});

test('a refused record that is not wanted any more is not written again', () => {
  const rig = new OutboxRig();
  const { clock, written, outbox, outcomes } = rig;
  let isWanted = true;
  outbox.put(rig.post({ isWanted: () => isWanted }));
  rig.fail(0, 'TG_TOPIC_MISSING');
  isWanted = false;
  clock.advance(60_000);
  outbox.put(rig.post({ isWanted: () => isWanted }));
  rig.fail(1, 'TG_TOPIC_MISSING');
  clock.advance(60_000);
  assert.deepEqual([written.length, outcomes], [2, ['lost', 'lost']]);
});

test('the writer of a record decides by the reason whether it is tried again', () => {
  const rig = new OutboxRig();
  const { clock, written, outbox } = rig;
  const lost: string[] = [];
  const isWanted = ({ code }: TidegateError) => code !== 'TG_RECORD_TOO_LARGE';
  outbox.put({ key: 'k', value: {}, isWanted, lost: ({ code }) => lost.push(code) });
  rig.fail(0, 'TG_NOT_AUTHORIZED');
  clock.advance(2_000);
  assert.deepEqual([written.length, lost], [2, []]);
  rig.fail(1, 'TG_RECORD_TOO_LARGE');
  clock.advance(60_000);
  assert.deepEqual([written.length, lost], [2, ['TG_RECORD_TOO_LARGE']]);
});

test('records that a stopping gateway could not write are lost, without a log line', () => {
  const rig = new OutboxRig();
  const { clock, written, outbox, outcomes } = rig;
  outbox.put(rig.post());
  rig.fail(0, 'TG_STOPPING');
  clock.advance(60_000);
  assert.deepEqual([written.length, outcomes, rig.kept.errors()], [1, ['lost'], []]);
});

test('an outbox that is closed writes nothing again', () => {
  const rig = new OutboxRig();
  const { clock, written, outbox } = rig;
  outbox.put(rig.post());
  outbox.put(rig.post());
  rig.fail(0, 'TG_TOPIC_MISSING');
  outbox.close();
  rig.fail(1, 'TG_TOPIC_MISSING');
  clock.advance(60_000);
  assert.deepEqual([written.length, clock.pending], [2, 0]);
});

test('a refusal after stored records is logged again', () => {
  const rig = new OutboxRig();
  const { clock, written, outbox } = rig;
  outbox.put(rig.post());
  rig.fail(0, 'TG_NOT_AUTHORIZED');
  clock.advance(60_000);
  written[1]?.ack();
  outbox.put(rig.post());
  rig.fail(2, 'TG_NOT_AUTHORIZED');
  assert.equal(rig.kept.errors().length, 2);
});
