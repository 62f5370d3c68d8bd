import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../../../src/actors/endpoint/connection.ts';
import { Batch } from '../../../../src/core/batch.ts';
import { ClientMemory } from '../../../../src/core/client-memory.ts';
import type { Codec } from '../../../../src/core/component.ts';
import { Message } from '../../../../src/core/message.ts';
import { FakeSocket } from '../fake-socket.ts';
import { endpointRig, turn, wordCodec } from '../rig.ts';

test('a socket that is being closed is not counted as paused any more', async (t) => {
  const { endpoint, connect, stats } = endpointRig(t);
  const paused = () => {
    const metric = stats.snapshot().find(({ name }) => name === 'tidegate_sockets_paused');
    return (metric?.points[0] as { value: number } | undefined)?.value;
  };
  const [closed, gone] = [await connect(), await connect()];
  endpoint.pause();
  for (const socket of [closed, gone]) socket.sends('a');
  assert.equal(paused(), 2);
  closed.sends('!close');
  assert.equal(paused(), 1);
  gone.closes(1006);
  assert.equal(paused(), 0);
});

test('a client that is being closed gets no record, and nothing is held for it', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const socket = await connect();
  socket.isStuck = true;
  socket.partial = 500;
  endpoint.deliver(new Batch([new Message(Buffer.from('r'))]));
  await turn();
  assert.ok(endpoint.heldBytes >= 500);
  socket.sends('!close');
  socket.taken();
  endpoint.deliver(new Batch([new Message(Buffer.from('r'))]));
  await turn();
  assert.deepEqual([socket.taken(), endpoint.heldBytes], [[], 0]);
  socket.sendsPing();
  socket.drains();
  assert.deepEqual(socket.orders, ['resume', 'close 4001 as asked']);
});

test('a codec that throws for records of a subscription closes its client once, and nothing else fails', (t) => {
  const topics = {
    notify: () => {
      throw new Error('codec bug');
    },
  };
  const codec = { ...wordCodec(), topics: topics as unknown as NonNullable<Codec['topics']> };
  const { endpoint, errors } = endpointRig(t, { codec });
  const socket = new FakeSocket();
  const info = { clientId: 'c', endpoint: 'rooms', params: {}, query: {} };
  const connection = new Connection(endpoint.context, endpoint.clients, socket, info, undefined);
  connection.parts.topicPeer?.notify([new Message(Buffer.from('r'))]);
  connection.parts.topicPeer?.notify([new Message(Buffer.from('r'))]);
  assert.deepEqual(socket.orders, ['resume', 'close 1011 internal error']);
  assert.deepEqual(errors(), ['the codec failed (notify), closing its client']);
});

test('a client that leaves while records wait for it gives back their memory, and they are counted', async (t) => {
  const memory = new ClientMemory();
  const { endpoint, connect, figure } = endpointRig(t, { memory });
  const socket = await connect();
  socket.buffered = 65_536;
  endpoint.deliver(new Batch(['a', 'b'].map((text) => new Message(Buffer.from(text)))));
  await turn();
  assert.ok(memory.held > 0);
  socket.closes(1006);
  assert.deepEqual([memory.held, figure('tidegate_frames_dropped_total', { reason: 'closed' })], [0, 2]);
});
