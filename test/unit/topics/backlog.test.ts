import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import { topics } from '../../../src/codecs/topics/index.ts';
import type { Batch } from '../../../src/core/batch.ts';
import type { Codec } from '../../../src/core/component.ts';
import { FakeLog } from '../actors/fake-log.ts';
import type { FakeSocket } from '../actors/fake-socket.ts';
import { endpointRig, turn } from '../actors/rig.ts';
import { EVERYTHING } from './fakes.ts';
import { makeService } from './service.ts';

test('a client with too many unanswered requests is not read until half of them are answered', async (t) => {
  const log = new FakeLog();
  const answers: (() => void)[] = [];
  log.admin.create = () => new Promise((resolve) => answers.push(() => resolve(true)));
  const service = makeService({ log });
  const { connect, endpoint } = endpointRig(t, {
    topics: service,
    permissions: EVERYTHING,
    codec: topics.create({ commit: 'auto' }, undefined as never) as Codec,
    limits: { messages: 4, bytes: 1_000_000, queue: 1_000, whenFull: 'disconnect' },
  });
  const socket = await connect();
  const ask = (id: number) => socket.sends(JSON.stringify({ id, t: 'topic', a: 'create', p: [`t${id}`] }));
  for (const id of [1, 2, 3]) ask(id);
  assert.deepEqual(socket.orders, []);
  ask(4);
  assert.deepEqual(socket.orders, ['pause']);
  await turn();
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
  const drained = endpoint.drain(0);
  endpoint.drainNow();
  assert.deepEqual(socket.orders.slice(2), ['resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('while the log stores nothing, all clients together stay within the in-flight limit', async (t) => {
  const log = new FakeLog();
  await log.admin.create({ name: 't' });
  const written: Batch[] = [];
  const service = makeService(
    { log, openTopic: () => ({ write: (batch) => void written.push(batch), idle: true, idle$: NEVER }) },
    { in_flight: { messages: 1_000_000, bytes: 10_000 } },
  );
  // Each client alone may have far more.
  const { connect } = endpointRig(t, {
    topics: service,
    permissions: EVERYTHING,
    codec: topics.create({ commit: 'auto' }, undefined as never) as Codec,
    limits: { messages: 4_096, bytes: 1_048_576, queue: 100_000, whenFull: 'disconnect' },
  });
  const sockets: FakeSocket[] = [];
  for (let client = 0; client < 20; client += 1) sockets.push(await connect());
  const isPaused = (socket: FakeSocket) => socket.orders.at(-1) === 'pause';
  const frame = JSON.stringify({ id: 1, t: 'notif', a: 'create', p: { t: 't', m: 'x'.repeat(744) } });
  for (let round = 0; round < 50; round += 1) for (const socket of sockets) if (!isPaused(socket)) socket.sends(frame);
  await turn();
  // 1,000 bytes a message: ten shut the gate, and a client that comes then has its frame taken and is read no further.
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
