import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import { TopicService } from '../../../../src/actors/topic-service/topic-service.ts';
import { topics } from '../../../../src/codecs/topics/index.ts';
import type { Batch } from '../../../../src/core/batch.ts';
import type { Codec } from '../../../../src/core/component.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { FakeLog } from '../fake-log.ts';
import type { FakeSocket } from '../fake-socket.ts';
import { endpoint, keptLogger, turn } from '../rig.ts';

test('a client that asks faster than the log answers is read no further, and goes on when half of it is answered', async (t) => {
  const log = new FakeLog();
  const answers: (() => void)[] = [];
  log.admin.topics = () => new Promise((resolve) => answers.push(() => resolve(new Map([['t', 1]]))));
  const service = new TopicService({
    log,
    groups: { join: () => assert.fail('nobody joins') },
    topic: () => assert.fail('nobody publishes'),
    opened: () => undefined,
    patience: 0,
    allow: { create: ['*'], read: ['*'], write: ['*'], groups: ['*'] },
    ownGroups: new Set(),
    group: 'g',
    from: 'latest',
    limits: { topics: 3, creates: 4 },
    inFlight: { messages: 1_000, bytes: 1_000_000 },
    publish: { limit: 100, interval: 0 },
    notify: { limit: 100, interval: 0 },
    timing: {},
    paused: false,
    clock: new HandClock(),
    logger: keptLogger().logger,
  });
  const { connect, audience } = endpoint(t, {
    topics: service,
    codec: topics.create({ commit: 'auto' }, undefined as never) as Codec,
    limits: { messages: 4, bytes: 1_000_000, queue: 1_000, whenFull: 'disconnect' },
  });
  const socket = await connect();
  const ask = (id: number) => socket.sends(JSON.stringify({ id, t: 'topic', a: 'list' }));
  for (const id of [1, 2, 3]) ask(id);
  assert.deepEqual(socket.orders, []);
  ask(4);
  assert.deepEqual(socket.orders, ['pause']);
  answers.shift()?.();
  await turn();
  assert.deepEqual(socket.orders, ['pause']);
  answers.shift()?.();
  await turn();
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  assert.deepEqual(
    socket.writes.map((text) => JSON.parse(text.replace('|', '')).refid),
    [1, 2],
  );
  // Who only waits for an answer is no reason to wait at a stop.
  const drained = audience.drain(0);
  audience.drainNow();
  assert.deepEqual(socket.orders.slice(2), ['resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('while the log stores nothing, clients together hold no more than their endpoint may have on its way', async (t) => {
  const log = new FakeLog();
  await log.admin.create({ name: 't' });
  const written: Batch[] = [];
  const service = new TopicService({
    log,
    groups: { join: () => assert.fail('nobody joins') },
    topic: () => ({ write: (batch) => void written.push(batch), idle: true, idle$: NEVER }),
    opened: () => undefined,
    patience: 0,
    allow: { create: [], read: [], write: ['*'], groups: [] },
    ownGroups: new Set(),
    group: 'g',
    from: 'latest',
    limits: { topics: 3, creates: 4 },
    inFlight: { messages: 1_000_000, bytes: 10_000 },
    publish: { limit: 100, interval: 0 },
    notify: { limit: 100, interval: 0 },
    timing: {},
    paused: false,
    clock: new HandClock(),
    logger: keptLogger().logger,
  });
  // Each client alone may have far more.
  const { connect } = endpoint(t, {
    topics: service,
    codec: topics.create({ commit: 'auto' }, undefined as never) as Codec,
    limits: { messages: 4_096, bytes: 1_048_576, queue: 100_000, whenFull: 'disconnect' },
  });
  const sockets: FakeSocket[] = [];
  for (let client = 0; client < 20; client += 1) sockets.push(await connect());
  const isPaused = (socket: FakeSocket) => socket.orders.at(-1) === 'pause';
  const frame = JSON.stringify({ id: 1, t: 'notif', a: 'create', p: { t: 't', m: 'x'.repeat(744) } });
  for (let round = 0; round < 50; round += 1) for (const socket of sockets) if (!isPaused(socket)) socket.sends(frame);
  await turn();
  // 1,000 bytes a message: ten shut the gate, and whoever comes then has its frame taken and is read no further.
  assert.ok(sockets.every(isPaused));
  assert.equal(service.unsettled, 10 + 19);
  // At half of what it may be they are all read again.
  const messages = written.flatMap((batch) => batch.messages);
  for (const message of messages.splice(0, 23)) message.ack();
  assert.ok(sockets.every(isPaused));
  messages.shift()?.ack();
  assert.equal(service.unsettled, 5);
  assert.ok(!sockets.some(isPaused));
});
