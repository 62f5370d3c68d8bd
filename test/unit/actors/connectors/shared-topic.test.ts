import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedTopic } from '../../../../src/actors/connectors/shared-topic.ts';
import { Batch } from '../../../../src/core/batch.ts';
import { Message } from '../../../../src/core/message.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { FakeLog, type FakeReader } from '../fake-log.ts';
import { keptLogger } from '../rig.ts';

function setUp() {
  const log = new FakeLog();
  const written: Message[] = [];
  const applied: string[] = [];
  const topic = new SharedTopic({
    name: 'configs',
    log,
    port: { write: (batch: Batch) => written.push(...batch.messages) } as never,
    clock: new HandClock(),
    logger: keptLogger().logger,
    apply: (message) => applied.push(String(message.key)),
    recreated: () => applied.push('recreated'),
  });
  topic.open();
  const [reader] = log.readers as [FakeReader];
  const read = (key: string, offset: number) => {
    const message = new Message(Buffer.from('{}'), { key, topic: 'configs', partition: 0, offset });
    reader.batches$.next(new Batch([message]));
  };
  /** The lane has stored the oldest record that is not. */
  const store = (offset: number) => {
    const message = written.shift() as Message;
    message.offset = offset;
    message.ack();
  };
  return { topic, reader, read, store, applied };
}

test('a write is over when it was read back', async () => {
  const { topic, read, store, applied } = setUp();
  const written = topic.write('a', {});
  store(7);
  read('a', 7);
  assert.equal(await written, 7);
  assert.deepEqual(applied, ['a']);
});

test('where the topic was deleted and created again, what was stored and not read back is not known to be written', async () => {
  const { topic, reader, read, store, applied } = setUp();
  read('old', 500);
  const before = topic.write('a', {});
  const after = topic.write('b', {});
  store(501);
  reader.gaps$.next({ topic: 'configs', partition: 0, from: 501, to: 0, recreated: true });
  await assert.rejects(before, { code: 'TG_LOG_UNAVAILABLE', message: /configs was deleted and created again/ });
  let isOver = false;
  void after.then(() => {
    isOver = true;
  });
  store(3);
  read('other', 2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false, 'offsets of the old one say nothing of the new one');
  read('b', 3);
  assert.equal(await after, 3);
  assert.deepEqual(applied, ['old', 'recreated', 'other', 'b']);
});
