import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../../src/core/batch.ts';
import type { Frame } from '../../../../src/core/frame.ts';
import { Message } from '../../../../src/core/message.ts';
import { encode, endpointRig, turn, wordCodec } from '../rig.ts';

const records = (...texts: string[]) => new Batch(texts.map((text) => new Message(Buffer.from(text))));
const texts = (batch: Batch | undefined) => batch?.messages.map(({ text }) => text);

test('the frames of one turn, of all connections, are one batch', async (t) => {
  const { connect, batches } = endpointRig(t);
  const [a, b] = [await connect(), await connect()];
  a.sends('a1');
  b.sends('b1');
  a.sends('a2');
  assert.equal(batches.length, 0);
  await turn();
  b.sends('b2');
  await turn();
  assert.deepEqual(batches.map(texts), [['a1', 'b1', 'a2'], ['b2']]);
});

test('records are framed once for all sockets, and are one write for each socket and turn', async (t) => {
  let framed = 0;
  let made = 0;
  const codec = wordCodec({
    record: (message) => {
      made += 1;
      return { data: message.text, binary: false };
    },
  });
  const count = (frame: Frame) => {
    framed += 1;
    return encode(frame);
  };
  const { endpoint, connect, figure } = endpointRig(t, { codec, encode: count });
  const sockets = [await connect(), await connect(), await connect()];
  framed = 0;
  endpoint.deliver(records('r1', 'r2'));
  endpoint.deliver(records('r3'));
  await turn();
  assert.deepEqual([made, framed], [3, 3]);
  for (const socket of sockets) assert.deepEqual(socket.taken(), ['r1|r2|r3|']);
  assert.equal(figure('tidegate_frames_sent_total'), 3 * 3 + 3);
});

test('what a record is the newest value of is asked once, whatever the number of sockets', async (t) => {
  const asked: string[] = [];
  const keyOf = ({ text }: Message) => {
    asked.push(text);
    return text[0] === '-' ? undefined : text[0];
  };
  // One frame for all records, as a codec may give.
  const frame: Frame = { data: 'tick', binary: false };
  const codec = wordCodec({ record: ({ text }) => (text === 'no' ? null : frame) });
  const limits = { messages: 100, bytes: 1_000_000, queue: 1_000, whenFull: 'latest' } as const;
  const { endpoint, connect, figure } = endpointRig(t, { codec, limits, keyOf });
  const sockets = [await connect(), await connect(), await connect()];
  for (const socket of sockets.slice(1)) socket.buffered = 65_536;
  endpoint.deliver(records('a1', 'no', 'b1', 'a2', '-', '-'));
  await turn();
  assert.deepEqual(asked, ['a1', 'b1', 'a2', '-', '-']);
  const dropped = () => ['superseded', 'slow'].map((reason) => figure('tidegate_frames_dropped_total', { reason }));
  assert.deepEqual([sockets[0]?.taken(), dropped()], [['tick|'.repeat(5)], [2, 0]]);
  sockets[1]?.drains();
  assert.deepEqual(sockets[1]?.taken(), [`dropped 1|${'tick|'.repeat(4)}`]);
});

test('clients that are there get the newest of each key once the policy changes to it', async (t) => {
  const { endpoint, connect, figure } = endpointRig(t);
  const socket = await connect();
  const limits = { messages: 100, bytes: 1_000_000, queue: 1_000, whenFull: 'latest' } as const;
  const sweep = { pingInterval: 20, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 };
  endpoint.update({ limits, sweep, keyOf: ({ text }) => text[0] });
  socket.buffered = 65_536;
  endpoint.deliver(records('a1', 'b1', 'a2'));
  await turn();
  assert.equal(figure('tidegate_frames_dropped_total', { reason: 'superseded' }), 1);
  socket.drains();
  assert.deepEqual(socket.taken(), ['dropped 1|a2|b1|']);
});

test('records that a codec does not give to clients are left out', async (t) => {
  const codec = wordCodec({
    record: (message) => (message.text === 'no' ? null : { data: message.text, binary: false }),
  });
  const { endpoint, connect } = endpointRig(t, { codec });
  const socket = await connect();
  endpoint.deliver(records('no'));
  await turn();
  assert.deepEqual(socket.writes, []);
  endpoint.deliver(records('no', 'yes'));
  await turn();
  assert.deepEqual(socket.writes, ['yes|']);
});

test('a delivery is acked at once: a slow client delays no other', (t) => {
  const { endpoint } = endpointRig(t);
  let acked = 0;
  const target = { settled: (_: Message, failure: unknown) => (acked += failure === null ? 1 : 0) };
  endpoint.deliver(new Batch([new Message(Buffer.from('a'), { target })]));
  assert.equal(acked, 1);
});

test('messages that come while no pipeline listens are answered as retryable', async (t) => {
  const { connect, subscription } = endpointRig(t);
  const socket = await connect();
  subscription.unsubscribe();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_FLOW_FAILED|']);
});

test('messages to an endpoint that no pipeline is to read are answered at once', async (t) => {
  const { connect } = endpointRig(t, {}, false);
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_FLOW_FAILED|']);
});

test('before a pipeline has opened the endpoint its sockets are held', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  endpoint.pause();
  const socket = await connect();
  socket.sends('a');
  assert.deepEqual(socket.orders, ['pause']);
  assert.equal(endpoint.actor.getSnapshot().value, 'congested');
});

test('draining closes every connection within the window and resolves with the last one gone', async (t) => {
  const { endpoint, connect, clock } = endpointRig(t);
  const sockets = [await connect(), await connect()];
  let isOver = false;
  const drained = endpoint.drain(0).then(() => {
    isOver = true;
  });
  clock.advance(0);
  for (const socket of sockets) assert.deepEqual(socket.orders, ['resume', 'close 1012 service restart']);
  sockets[0]?.closes(1012);
  await turn();
  assert.equal(isOver, false);
  sockets[1]?.closes(1012);
  await drained;
  assert.equal(endpoint.actor.getSnapshot().status, 'done');
});

test('until its slot comes a connection is served as usual', async (t) => {
  const { endpoint, connect, messages } = endpointRig(t);
  const socket = await connect();
  const drained = endpoint.drain(3_600_000);
  socket.sends('a');
  await turn();
  messages()[0]?.ack();
  endpoint.deliver(records('r'));
  await turn();
  assert.deepEqual([socket.taken(), socket.orders], [['ack a|', 'r|'], []]);
  endpoint.drainNow();
  assert.deepEqual(socket.orders, ['resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('an endpoint without clients drains at once', async (t) => {
  const { endpoint } = endpointRig(t);
  await endpoint.drain(10_000);
  assert.equal(endpoint.actor.getSnapshot().value, 'closed');
});

test('cut ends every connection without a word', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const sockets = [await connect(), await connect()];
  endpoint.cut();
  for (const socket of sockets) assert.deepEqual(socket.orders, ['terminate']);
});

test('messages read and not settled are counted, and logged at the end where there are no answers', async (t) => {
  const { endpoint, connect, errors, figure, messages } = endpointRig(t, { codec: wordCodec({ answers: false }) });
  const socket = await connect();
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  await turn();
  messages()[0]?.ack();
  assert.equal(endpoint.unsettled, 2);
  const drained = endpoint.drain(0);
  endpoint.drainNow();
  assert.equal(figure('tidegate_unanswered_total'), 2);
  assert.match(errors().join(), /2 messages were read and are not known to be in the log/);
  for (const message of messages()) message.ack();
  socket.closes(1012);
  await drained;
});

test('a connection whose own machine fails is cut, and the others go on', async (t) => {
  const { endpoint, connect, errors } = endpointRig(t);
  const [broken, other] = [await connect(), await connect()];
  broken.pause = () => {
    throw new Error('socket bug');
  };
  endpoint.pause();
  broken.sends('a');
  await turn();
  assert.deepEqual(broken.orders, ['terminate']);
  assert.match(errors().join(), /a connection failed and is cut/);
  broken.closes(1006);
  assert.equal(endpoint.size, 1);
  endpoint.resume();
  other.sends('b');
  assert.deepEqual(other.orders, []);
});

test('metrics tell how many are connected, paused and how much waits for them', async (t) => {
  const { endpoint, connect, stats } = endpointRig(t);
  const [a, b] = [await connect(), await connect()];
  b.buffered = 65_536;
  endpoint.pause();
  a.sends('a');
  endpoint.deliver(records('12345'));
  await turn();
  const read = (name: string) => stats.snapshot().find((metric) => metric.name === name)?.points[0];
  const values = ['tidegate_connections', 'tidegate_sockets_paused', 'tidegate_send_queue_bytes'].map(
    (name) => (read(name) as { value: number } | undefined)?.value,
  );
  assert.deepEqual(values, [2, 1, 6]);
});

test('where clients only receive, one that sends is answered that it may not, and goes on receiving', async (t) => {
  const { connect } = endpointRig(t, { isOutputOnly: true });
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_NOT_ALLOWED|']);
  assert.deepEqual(socket.orders, [], 'it is neither paused nor closed');
});

test('where clients only receive, one that sends is closed with 1003 if its codec has no answers', async (t) => {
  const { connect } = endpointRig(t, { isOutputOnly: true, codec: wordCodec({ answers: false }) });
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.orders, ['resume', 'close 1003 no messages are taken here']);
});

test('machines of connections that come and go share few names, which xstate remembers for ever', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const { members } = endpoint as unknown as { members: Iterable<{ actor: { id: string } }> };
  const names = new Set<string>();
  await connect();
  for (let count = 0; count < 50; count += 1) {
    const socket = await connect();
    for (const { actor } of members) names.add(actor.id);
    socket.closes();
  }
  assert.equal(endpoint.size, 1);
  assert.equal(names.size, 2);
});
