import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Topic } from '../../../src/actors/topic/topic.ts';
import { Batch } from '../../../src/core/batch.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { LogAdmin } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { TopicCursors } from '../../../src/feeds/resume/cursor-topic.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { createEmbeddedLog } from '../../../src/transports/embedded/index.ts';
import { keptLogger } from '../actors/rig.ts';

async function setUp(t: TestContext, admin: Partial<LogAdmin> = {}) {
  const { logger } = keptLogger();
  const log = createEmbeddedLog({ memory: true, logger, stats: createStats(), clock: systemClock });
  await log.open();
  // The clock's timers keep no process alive, and there is no socket here that would.
  const alive = setInterval(() => {}, 1_000);
  t.after(() => {
    clearInterval(alive);
    return log.close();
  });
  const port = new Topic({ name: 'cursors', log, logger, stats: createStats(), tracing: NO_TRACING });
  const faulty = { reader: log.reader.bind(log), admin: Object.assign(Object.create(log.admin) as LogAdmin, admin) };
  const store = new TopicCursors({ topic: 'cursors', log: faulty, port, clock: systemClock, logger });
  return { log, port, store };
}

const signal = () => new AbortController().signal;

test('the last cursor of each feed is loaded', async (t) => {
  const { log, store } = await setUp(t);
  assert.equal(await store.load('a', signal()), undefined);
  assert.equal((await log.admin.describe('cursors'))?.partitions, 1);
  await store.save('a', { cursor: '8389766145050669870', heardAt: 10 });
  await store.save('b', { cursor: '{"seq":1.10,"part":"x"}', heardAt: 20 });
  await store.save('a', { cursor: '8389766145050669871', heardAt: 30 });
  await store.save('c', { heardAt: 40 });
  assert.deepEqual(await store.load('a', signal()), { cursor: '8389766145050669871', heardAt: 30 });
  assert.equal((await store.load('c', signal()))?.heardAt, 40);
  assert.deepEqual(await store.load('b', signal()), { cursor: '{"seq":1.10,"part":"x"}', heardAt: 20 });
  assert.equal(await store.load('d', signal()), undefined);
});

test('a record that cannot be read does not hide the cursor that was saved before it', async (t) => {
  const { port, store } = await setUp(t);
  await store.load('a', signal());
  await store.save('a', { cursor: '7', heardAt: 10 });
  const texts = ['no json', 'null', '{"heardAt":"soon"}'];
  port.write(new Batch(texts.map((text) => new Message(Buffer.from(text), { key: 'a' }))));
  await port.drained();
  assert.equal((await store.load('a', signal()))?.cursor, '7');
});

test('an unavailable log is waited for; a topic that must not be created is an error', async (t) => {
  let tries = 0;
  const away = await setUp(t, {
    describe: async () => {
      tries += 1;
      if (tries === 1) throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
      return undefined;
    },
  });
  assert.equal(await away.store.load('a', signal()), undefined);
  assert.equal(tries, 2);
  const forbidden = await setUp(t, {
    create: async () => {
      throw new TidegateError('TG_NOT_AUTHORIZED', 'not you');
    },
  });
  await assert.rejects(forbidden.store.load('a', signal()), { code: 'TG_NOT_AUTHORIZED' });
});

test('loading ends when it is aborted, even if the log is unavailable', async (t) => {
  const { store } = await setUp(t, {
    describe: async () => {
      throw new TidegateError('TG_LOG_UNAVAILABLE', 'away');
    },
  });
  const controller = new AbortController();
  const loading = store.load('a', controller.signal);
  controller.abort();
  assert.equal(await loading, undefined);
});

test('saving a cursor that cannot be stored fails', async (t) => {
  const { port, store } = await setUp(t);
  port.abandon();
  await assert.rejects(store.save('a', { heardAt: 1 }), { code: 'TG_STOPPING' });
});
