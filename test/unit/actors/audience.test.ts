import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/core/batch.ts';
import type { Frame } from '../../../src/core/component.ts';
import { Message } from '../../../src/core/message.ts';
import { encode, endpoint, turn, wordCodec } from './rig.ts';

const records = (...texts: string[]) => new Batch(texts.map((text) => new Message(Buffer.from(text))));
const texts = (batch: Batch | undefined) => batch?.messages.map(({ text }) => text);

test('the frames of one turn, of all connections, are one batch', async (t) => {
  const { connect, batches } = endpoint(t);
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
  const { audience, connect, figure } = endpoint(t, { codec, encode: count });
  const sockets = [await connect(), await connect(), await connect()];
  framed = 0;
  audience.deliver(records('r1', 'r2'));
  audience.deliver(records('r3'));
  await turn();
  assert.deepEqual([made, framed], [3, 3]);
  for (const socket of sockets) assert.deepEqual(socket.taken(), ['r1|r2|r3|']);
  assert.equal(figure('tidegate_frames_sent_total'), 3 * 3 + 3);
});

test('records that a codec does not give to clients are left out', async (t) => {
  const codec = wordCodec({
    record: (message) => (message.text === 'no' ? null : { data: message.text, binary: false }),
  });
  const { audience, connect } = endpoint(t, { codec });
  const socket = await connect();
  audience.deliver(records('no'));
  await turn();
  assert.deepEqual(socket.writes, []);
  audience.deliver(records('no', 'yes'));
  await turn();
  assert.deepEqual(socket.writes, ['yes|']);
});

test('a delivery is acked at once: a slow client holds up nobody', (t) => {
  const { audience } = endpoint(t);
  let acked = 0;
  const target = { settled: (_: Message, failure: unknown) => (acked += failure === null ? 1 : 0) };
  audience.deliver(new Batch([new Message(Buffer.from('a'), { target })]));
  assert.equal(acked, 1);
});

test('messages that come while no pipeline listens are answered as retryable', async (t) => {
  const { connect, subscription } = endpoint(t);
  const socket = await connect();
  subscription.unsubscribe();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_FLOW_FAILED|']);
});

test('messages that come before the first pipeline listens are kept for it, in order', async (t) => {
  const { connect, open, messages, batches } = endpoint(t, { isRead: true }, false);
  const [one, two] = [await connect(), await connect()];
  one.sends('a');
  await turn();
  two.sends('b');
  await turn();
  assert.deepEqual([one.taken(), two.taken(), batches], [[], [], []]);
  assert.deepEqual([one.orders, two.orders], [['pause'], ['pause']]);
  open();
  assert.deepEqual(batches.map(texts), [['a', 'b']]);
  one.sends('c');
  await turn();
  assert.deepEqual(batches.map(texts), [['a', 'b'], ['c']]);
  for (const message of messages()) message.ack();
  await turn();
  assert.deepEqual([one.taken(), two.taken()], [['ack a|ack c|'], ['ack b|']]);
});

test('messages that were kept come first, also where the pipeline listens before it opens the endpoint', async (t) => {
  const { audience, connect, batches } = endpoint(t, { isRead: true }, false);
  const socket = await connect();
  socket.sends('a');
  await turn();
  audience.received$.subscribe((batch) => batches.push(batch));
  socket.sends('b');
  await turn();
  audience.resume();
  assert.deepEqual(batches.map(texts), [['a'], ['b']]);
});

test('messages that were kept are answered as retryable where the pipeline breaks before it listens', async (t) => {
  const { audience, connect } = endpoint(t, { isRead: true }, false);
  const socket = await connect();
  socket.sends('a');
  await turn();
  audience.pause();
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_FLOW_FAILED|']);
  socket.sends('b');
  await turn();
  assert.deepEqual(socket.taken(), ['nack b TG_FLOW_FAILED|']);
});

test('messages that were kept are answered as retryable where the gateway stops', async (t) => {
  const { audience, connect } = endpoint(t, { isRead: true }, false);
  const socket = await connect();
  socket.sends('a');
  await turn();
  void audience.drain(3_600_000);
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_STOPPING|']);
});

test('messages to an endpoint that no pipeline is to read are answered at once', async (t) => {
  const { connect } = endpoint(t, {}, false);
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_FLOW_FAILED|']);
});

test('before a pipeline has opened the endpoint its sockets are held', async (t) => {
  const { audience, connect } = endpoint(t);
  audience.pause();
  const socket = await connect();
  socket.sends('a');
  assert.deepEqual(socket.orders, ['pause']);
  assert.equal(audience.actor.getSnapshot().value, 'congested');
});

test('draining closes every connection within the window and resolves with the last one gone', async (t) => {
  const { audience, connect } = endpoint(t);
  const sockets = [await connect(), await connect()];
  let isOver = false;
  const drained = audience.drain(0).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const socket of sockets) assert.deepEqual(socket.orders, ['resume', 'close 1012 service restart']);
  sockets[0]?.closes(1012);
  await turn();
  assert.equal(isOver, false);
  sockets[1]?.closes(1012);
  await drained;
  assert.equal(audience.actor.getSnapshot().status, 'done');
});

test('until its slot comes a connection is served as usual', async (t) => {
  const { audience, connect, messages } = endpoint(t);
  const socket = await connect();
  const drained = audience.drain(3_600_000);
  socket.sends('a');
  await turn();
  messages()[0]?.ack();
  audience.deliver(records('r'));
  await turn();
  assert.deepEqual([socket.taken(), socket.orders], [['ack a|', 'r|'], []]);
  audience.drainNow();
  assert.deepEqual(socket.orders, ['resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('an audience without anybody drains at once', async (t) => {
  const { audience } = endpoint(t);
  await audience.drain(10_000);
  assert.equal(audience.actor.getSnapshot().value, 'closed');
});

test('cut ends every connection without a word', async (t) => {
  const { audience, connect } = endpoint(t);
  const sockets = [await connect(), await connect()];
  audience.cut();
  for (const socket of sockets) assert.deepEqual(socket.orders, ['terminate']);
});

test('what is held for clients is the sum of unfinished messages and send queues; the largest holder goes first', async (t) => {
  const { audience, connect } = endpoint(t);
  const [reading, slow, small] = [await connect(), await connect(), await connect()];
  reading.partial = 700;
  slow.buffered = 65_536;
  small.partial = 10;
  audience.deliver(records('x'.repeat(499)));
  await turn();
  assert.equal(audience.heldBytes, 700 + 500 + 10);
  audience.cutLargest();
  assert.equal(reading.orders.at(-1), 'close 1009 out of memory');
  audience.cutLargest();
  assert.equal(slow.orders.at(-1), 'close 1013 out of memory');
  assert.deepEqual(small.orders, []);
});

test('what was read and not settled is counted, and in the end told where no answer can', async (t) => {
  const { audience, connect, errors, figure, messages } = endpoint(t, { codec: wordCodec({ answers: false }) });
  const socket = await connect();
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  await turn();
  messages()[0]?.ack();
  assert.equal(audience.unsettled, 2);
  const drained = audience.drain(0);
  audience.drainNow();
  assert.equal(figure('tidegate_unanswered_total'), 2);
  assert.match(errors().join(), /2 messages were read and are not known to be in the log/);
  for (const message of messages()) message.ack();
  socket.closes(1012);
  await drained;
});

test('a connection whose own machine fails is cut, and the others go on', async (t) => {
  const { audience, connect, errors } = endpoint(t);
  const [broken, other] = [await connect(), await connect()];
  broken.pause = () => {
    throw new Error('socket bug');
  };
  audience.pause();
  broken.sends('a');
  await turn();
  assert.deepEqual(broken.orders, ['terminate']);
  assert.match(errors().join(), /a connection failed and is cut/);
  broken.closes(1006);
  assert.equal(audience.size, 1);
  audience.resume();
  other.sends('b');
  assert.deepEqual(other.orders, []);
});

test('figures tell how many are connected, paused and how much waits for them', async (t) => {
  const { audience, connect, stats } = endpoint(t);
  const [a, b] = [await connect(), await connect()];
  b.buffered = 65_536;
  audience.pause();
  a.sends('a');
  audience.deliver(records('12345'));
  await turn();
  const read = (name: string) => stats.snapshot().find((metric) => metric.name === name)?.points[0];
  const values = ['tidegate_connections', 'tidegate_sockets_paused', 'tidegate_send_queue_bytes'].map(
    (name) => (read(name) as { value: number } | undefined)?.value,
  );
  assert.deepEqual(values, [2, 1, 6]);
});

test('where clients only receive, one that sends is answered that it may not, and goes on receiving', async (t) => {
  const { connect } = endpoint(t, { isOutputOnly: true });
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_NOT_ALLOWED|']);
  assert.deepEqual(socket.orders, [], 'it is neither paused nor closed');
});

test('where clients only receive, one that sends is closed with 1003 if its codec has no answers', async (t) => {
  const { connect } = endpoint(t, { isOutputOnly: true, codec: wordCodec({ answers: false }) });
  const socket = await connect();
  socket.sends('a');
  await turn();
  assert.deepEqual(socket.orders, ['resume', 'close 1003 no messages are taken here']);
});
