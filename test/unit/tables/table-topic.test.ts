import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import { type ErrorCode, TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { TableTopic } from '../../../src/tables/table-topic.ts';
import { FakeLog, type FakeReader } from '../actors/fake-log.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

class TableTopicRig {
  readonly clock = new HandClock();
  readonly applied: string[] = [];
  readonly topic: TableTopic;
  readonly reader: FakeReader;
  private readonly written: Message[] = [];

  constructor() {
    const log = new FakeLog();
    this.topic = new TableTopic({
      name: 'configs',
      log,
      port: { write: (batch: Batch) => this.written.push(...batch.messages) } as never,
      clock: this.clock,
      logger: keptLogger().logger,
      apply: (message) => this.applied.push(String(message.key)),
      recreated: () => this.applied.push('recreated'),
    });
    this.topic.open();
    [this.reader] = log.readers as [FakeReader];
  }

  /** Keys of the records that are written and not stored. */
  get keys(): string[] {
    return this.written.map(({ key }) => String(key));
  }

  read(key: string, offset: number): void {
    const message = new Message(Buffer.from('{}'), { key, topic: 'configs', partition: 0, offset });
    this.reader.batches$.next(new Batch([message]));
  }

  /** The lane has stored the oldest of the records that are not stored. */
  store(offset: number): void {
    const message = this.written.shift() as Message;
    message.offset = offset;
    message.ack();
  }

  /** The log refuses all records that are written and not stored. */
  refuse(code: ErrorCode): void {
    for (const message of this.written.splice(0)) message.nack(new TidegateError(code, 'no'));
  }
}

test('a write resolves when it was read back', async () => {
  const rig = new TableTopicRig();
  const { topic, applied } = rig;
  const written = topic.write('a', {});
  rig.store(7);
  rig.read('a', 7);
  assert.equal(await written, 7);
  assert.deepEqual(applied, ['a']);
});

test('after the topic was created again, writes that were not read back are rejected as unknown', async () => {
  const rig = new TableTopicRig();
  const { topic, reader, applied } = rig;
  rig.read('old', 500);
  const before = topic.write('a', {});
  const after = topic.write('b', {});
  rig.store(501);
  reader.gaps$.next({ topic: 'configs', partition: 0, from: 501, to: 0, recreated: true });
  await assert.rejects(before, { code: 'TG_LOG_UNAVAILABLE', message: /configs was deleted and created again/ });
  let isOver = false;
  void after.then(() => {
    isOver = true;
  });
  rig.store(3);
  rig.read('other', 2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false, 'offsets of the old one say nothing of the new one');
  rig.read('b', 3);
  assert.equal(await after, 3);
  assert.deepEqual(applied, ['old', 'recreated', 'other', 'b']);
});

test('a write that the log refuses is rejected and not tried again', async () => {
  const rig = new TableTopicRig();
  const { topic, clock } = rig;
  for (const code of ['TG_RECORD_TOO_LARGE', 'TG_NOT_AUTHORIZED', 'TG_TOPIC_MISSING'] as const) {
    const write = topic.write('a', {});
    rig.refuse(code);
    await assert.rejects(write, { code, message: 'no' });
  }
  clock.advance(60_000);
  assert.deepEqual(rig.keys, []);
  const later = topic.write('b', {});
  rig.store(0);
  rig.read('b', 0);
  assert.equal(await later, 0);
});

test('upToDate waits until the log takes records again', async () => {
  const rig = new TableTopicRig();
  const { topic, clock } = rig;
  const upToDate = topic.upToDate('barrier');
  rig.refuse('TG_TOPIC_MISSING');
  clock.advance(2_000);
  assert.deepEqual(rig.keys, ['barrier']);
  rig.store(0);
  rig.read('barrier', 0);
  await upToDate;
});

test('a put is written again, unless the log will never take it', () => {
  const rig = new TableTopicRig();
  const { topic, clock } = rig;
  topic.put('a', {});
  rig.refuse('TG_NOT_AUTHORIZED');
  clock.advance(2_000);
  assert.deepEqual(rig.keys, ['a']);
  for (const code of ['TG_RECORD_TOO_LARGE', 'TG_RECORD_REFUSED'] as const) {
    topic.put('b', {});
    rig.refuse(code);
    clock.advance(60_000);
    assert.deepEqual(rig.keys, [], code);
  }
});

test('on close pending writes are rejected as unknown, not as refused', async () => {
  const rig = new TableTopicRig();
  const { topic } = rig;
  const write = topic.write('a', {});
  rig.refuse('TG_STOPPING');
  await assert.rejects(write, { code: 'TG_STOPPING', message: /before it was known/ });
  const second = topic.write('b', {});
  void topic.close();
  await assert.rejects(second, { code: 'TG_STOPPING' });
});
