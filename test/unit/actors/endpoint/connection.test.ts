import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../../src/core/batch.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import { NO_TRACING, type Tracing } from '../../../../src/telemetry/tracing.ts';
import { FakeSocket } from '../fake-socket.ts';
import { endpointRig, turn, wordCodec } from '../rig.ts';

const REFUSED = new TidegateError('TG_RECORD_REFUSED', 'no');
const STOPPING = new TidegateError('TG_STOPPING', 'later');

const records = (...texts: string[]) => new Batch(texts.map((text) => new Message(Buffer.from(text))));

test('a new connection is greeted in the turn it came', async (t) => {
  const { endpoint } = endpointRig(t);
  const socket = new FakeSocket();
  endpoint.join(socket, { params: {}, query: {} }, undefined);
  assert.deepEqual(socket.writes, []);
  await turn();
  assert.deepEqual(socket.taken(), ['welcome you|']);
  socket.closes();
});

test('answers leave in the order of the frames, refusals included, whatever order the log answers in', async (t) => {
  const { connect, messages } = endpointRig(t);
  const socket = await connect();
  for (const word of ['a', '?b', 'c', 'd']) socket.sends(word);
  await turn();
  const [a, c, d] = messages();
  assert.deepEqual(socket.taken(), []);
  d?.nack(REFUSED);
  c?.ack();
  await turn();
  assert.deepEqual(socket.taken(), []);
  a?.ack();
  await turn();
  assert.deepEqual(socket.taken(), ['ack a|refused ?b|ack c|nack d TG_RECORD_REFUSED|']);
});

test('the answers of one turn are one write, and each is counted by its result', async (t) => {
  const { connect, messages, figure } = endpointRig(t);
  const socket = await connect();
  for (const word of ['a', 'b', 'c', '?d']) socket.sends(word);
  await turn();
  const [a, b, c] = messages();
  a?.ack();
  b?.nack(REFUSED);
  c?.nack(STOPPING);
  await turn();
  assert.equal(socket.taken().length, 1);
  const results = ['ack', 'error', 'retryable'].map((result) => figure('tidegate_answers_total', { result }));
  assert.deepEqual(results, [1, 1, 1]);
  assert.equal(figure('tidegate_frames_rejected_total', { reason: 'question' }), 1);
  assert.equal(figure('tidegate_frames_received_total'), 4);
  assert.equal(figure('tidegate_frames_sent_total'), 5);
});

/** Words answered with what became of them. */
const saying = wordCodec({
  settled: (_state, word, rejection, _now, outcome) => ({
    data: `${rejection === null ? 'ack' : 'nack'} ${word} ${rejection?.code ?? outcome}`,
    binary: false,
  }),
});

test('an answer says what became of the message, and is counted so', async (t) => {
  const { connect, messages, figure } = endpointRig(t, { codec: saying });
  const socket = await connect();
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  await turn();
  const [a, b, c] = messages();
  a?.ack();
  b?.ack('filtered');
  const letter = c?.derive({ payload: Buffer.from('letter') });
  if (letter !== undefined) letter.outcome = 'dead_letter';
  letter?.ack();
  await turn();
  assert.deepEqual(socket.taken(), ['ack a stored|ack b filtered|ack c dead_letter|']);
  const results = ['ack', 'filtered', 'dead_letter', 'error'].map((result) =>
    figure('tidegate_answers_total', { result }),
  );
  assert.deepEqual(results, [1, 1, 1, 0]);
});

test('a message that a processor ended is an error where the endpoint says so', async (t) => {
  const { connect, messages, figure } = endpointRig(t, { codec: saying, filteredIsError: true });
  const socket = await connect();
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  await turn();
  const [a, b, c] = messages();
  a?.ack('filtered');
  b?.split([{ payload: Buffer.from('x') }]).forEach((part) => void part.ack('filtered'));
  c?.ack();
  await turn();
  assert.deepEqual(socket.taken(), ['nack a TG_MESSAGE_FILTERED|nack b TG_MESSAGE_FILTERED|ack c stored|']);
  assert.deepEqual(
    [figure('tidegate_answers_total', { result: 'error' }), figure('tidegate_answers_total', { result: 'filtered' })],
    [2, 0],
  );
});

test('a frame that the codec refuses is answered at once, and is a failed message if configured', async (t) => {
  const { connect, messages, endpoint, figure } = endpointRig(t, { keepsRejected: true });
  const socket = await connect();
  for (const word of ['a', '?b', 'c']) socket.sends(word);
  await turn();
  assert.deepEqual(
    messages().map(({ text, refusal }) => [text, refusal?.code, refusal?.message]),
    [
      ['a', undefined, undefined],
      ['?b', 'TG_MESSAGE_INVALID', 'endpoints.rooms: the codec refused the frame (question)'],
      ['c', undefined, undefined],
    ],
  );
  assert.equal(endpoint.unsettled, 3);
  messages()[0]?.ack();
  await turn();
  assert.deepEqual(socket.taken(), ['ack a|refused ?b|']);
  // Whatever becomes of it, its sender has its answer.
  messages()[1]?.nack(REFUSED);
  messages()[2]?.ack();
  await turn();
  assert.deepEqual(socket.taken(), ['ack c|']);
  assert.equal(endpoint.unsettled, 0);
  assert.equal(figure('tidegate_answers_total', { result: 'error' }), 0);
});

test('a refused frame goes on with the text that its client got, cut where that is long', async (t) => {
  const told = ['the frame is not JSON', `${'x'.repeat(499)}\u{1F600}`];
  const codec = wordCodec({
    frame: (_state, data) => [
      { type: 'reply', frame: { data, binary: false }, rejected: 'not_json', why: told[Number(data)] ?? '' },
    ],
  });
  const { connect, messages } = endpointRig(t, { codec, keepsRejected: true });
  const socket = await connect();
  for (const at of ['0', '1']) socket.sends(at);
  await turn();
  assert.deepEqual(
    messages().map(({ refusal }) => refusal?.message),
    [
      'endpoints.rooms: the codec refused the frame (not_json): the frame is not JSON',
      `endpoints.rooms: the codec refused the frame (not_json): ${'x'.repeat(499)}...`,
    ],
  );
  for (const message of messages()) message.nack(REFUSED);
});

test('a refused frame that becomes no dead letter closes no client, also of a codec without answers', async (t) => {
  const { connect, messages } = endpointRig(t, { codec: wordCodec({ answers: false }), keepsRejected: true });
  const socket = await connect();
  socket.sends('?b');
  await turn();
  messages()[0]?.nack(REFUSED);
  await turn();
  assert.deepEqual([socket.orders, socket.taken()], [[], ['refused ?b|']]);
});

test('a refused frame counts against the limits of its client, as any other', async (t) => {
  const limits = { messages: 2, bytes: 1_000_000, queue: 1_000, whenFull: 'disconnect' as const };
  const { connect, messages } = endpointRig(t, { limits, keepsRejected: true });
  const socket = await connect();
  socket.sends('?a');
  assert.deepEqual(socket.orders, []);
  socket.sends('?b');
  assert.deepEqual(socket.orders, ['pause']);
  await turn();
  for (const message of messages()) message.nack(REFUSED);
  assert.deepEqual(socket.orders, ['pause', 'resume']);
});

test('a binary frame is kept as one, also where a codec without answers closes its client for it', async (t) => {
  const codec = wordCodec({
    answers: false,
    frame: () => [{ type: 'close', code: 1003, reason: 'takes text' }],
  });
  const { connect, messages } = endpointRig(t, { codec, keepsRejected: true });
  const socket = await connect();
  socket.sends('a', true);
  await turn();
  const [kept] = messages();
  assert.deepEqual(
    [kept?.headers, kept?.refusal?.message.includes('takes text')],
    [[['websocket-frame', 'binary']], true],
  );
  kept?.nack(REFUSED);
  assert.deepEqual(socket.orders, ['resume', 'close 1003 takes text']);
});

test('where nothing is said a refused frame is answered, and nothing more', async (t) => {
  const { connect, messages } = endpointRig(t);
  const socket = await connect();
  socket.sends('?b');
  await turn();
  assert.deepEqual([messages().length, socket.taken()], [0, ['refused ?b|']]);
});

test('an invalid traceparent costs no message and goes no further; one of a later version goes on as 00', async (t) => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
  const codec = wordCodec({
    frame: (_state, data) => [{ type: 'publish', message: { payload: data, traceparent: data.toString() } }],
  });
  const { connect, messages } = endpointRig(t, { codec });
  const socket = await connect();
  for (const traceparent of ['garbage', `00-${id}-01`, `01-${id}-01-more`, `ff-${id}-01`]) socket.sends(traceparent);
  await turn();
  assert.deepEqual(
    messages().map(({ trace }) => trace?.traceparent),
    [undefined, `00-${id}-01`, `00-${id}-01`, undefined],
  );
});

test('the outcome of a message can be reported with its sender', async (t) => {
  const { endpoint, messages } = endpointRig(t);
  const socket = new FakeSocket();
  const { clientId } = endpoint.join(socket, { params: { client_id: '7' }, query: {} }, undefined);
  socket.sends('a');
  await turn();
  const { sender } = messages()[0] ?? {};
  assert.deepEqual([sender?.clientId, sender?.endpoint, sender?.params], [clientId, 'rooms', { client_id: '7' }]);
  socket.closes();
});

test('a message knows its client, its endpoint and the parameters of the path', async (t) => {
  const { endpoint, messages } = endpointRig(t, { tokenParameters: new Set(['ticket']) });
  const socket = new FakeSocket();
  const query = { lang: 'de', access_token: 'x', ticket: 'y' };
  endpoint.join(socket, { params: { room: '7' }, query, headers: { 'user-agent': 'probe' } }, undefined);
  socket.sends('a');
  await turn();
  const { client_id, ...meta } = messages()[0]?.meta ?? {};
  assert.match(String(client_id), /^[0-9a-f-]{36}$/);
  // Tokens would end up in records: those by their usual names, and those that the endpoint expects.
  assert.deepEqual(meta, {
    room: '7',
    endpoint: 'rooms',
    remote: '192.0.2.1',
    query: { lang: 'de' },
    headers: { 'user-agent': 'probe' },
  });
  socket.closes();
});

test('while the gate is shut a socket pauses at its next frame, which is kept, and resumes with the gate', async (t) => {
  const { endpoint, connect, messages } = endpointRig(t);
  const [busy, quiet] = [await connect(), await connect()];
  endpoint.pause();
  assert.deepEqual(busy.orders, []);
  busy.sends('a');
  assert.deepEqual([busy.orders, quiet.orders], [['pause'], []]);
  busy.sends('b');
  await turn();
  assert.deepEqual(
    messages().map(({ text }) => text),
    ['a', 'b'],
  );
  endpoint.resume();
  assert.deepEqual([busy.orders, quiet.orders], [['pause', 'resume'], []]);
});

test('a connection with too many messages in flight is paused at its mark and resumed at half of it', async (t) => {
  const limits = { messages: 4, bytes: 1_000_000, queue: 1_000, whenFull: 'disconnect' as const };
  const { connect, messages } = endpointRig(t, { limits });
  const [noisy, other] = [await connect(), await connect()];
  for (const word of ['a', 'b', 'c']) noisy.sends(word);
  assert.deepEqual(noisy.orders, []);
  noisy.sends('d');
  assert.deepEqual(noisy.orders, ['pause']);
  other.sends('x');
  assert.deepEqual(other.orders, []);
  await turn();
  const all = messages();
  all[0]?.ack();
  assert.deepEqual(noisy.orders, ['pause']);
  all[1]?.ack();
  assert.deepEqual(noisy.orders, ['pause', 'resume']);
});

test('a connection with too many bytes in flight is paused too, and a shut gate keeps it so', async (t) => {
  const limits = { messages: 100, bytes: 600, queue: 1_000, whenFull: 'disconnect' as const };
  const { endpoint, connect, messages } = endpointRig(t, { limits });
  const socket = await connect();
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  assert.deepEqual(socket.orders, ['pause']);
  await turn();
  endpoint.pause();
  for (const message of messages()) message.ack();
  assert.deepEqual(socket.orders, ['pause']);
  endpoint.resume();
  assert.deepEqual(socket.orders, ['pause', 'resume']);
});

test('a client that does not take its answers is not read until it does; none is dropped', async (t) => {
  const big = 'x'.repeat(20_000);
  const { connect, messages, figure } = endpointRig(t);
  const socket = await connect();
  socket.isStuck = true;
  for (let turns = 0; turns < 20 && !socket.orders.includes('pause'); turns++) {
    socket.sends(`${turns}${big}`);
    await turn();
    messages().at(-1)?.ack();
    await turn();
  }
  assert.deepEqual(socket.orders, ['pause']);
  const answered = messages().length;
  socket.isStuck = false;
  socket.drains();
  assert.deepEqual(socket.orders, ['pause', 'resume']);
  const acks = socket
    .taken()
    .join('')
    .split('|')
    .filter((frame) => frame.startsWith('ack '));
  assert.equal(acks.length, answered);
  assert.equal(figure('tidegate_frames_dropped_total', { reason: 'slow' }), 0);
});

test('records for a socket that keeps up are one write a turn, behind the answers', async (t) => {
  const { endpoint, connect, messages } = endpointRig(t);
  const socket = await connect();
  socket.sends('a');
  await turn();
  messages()[0]?.ack();
  endpoint.deliver(records('r1', 'r2'));
  endpoint.deliver(records('r3'));
  await turn();
  assert.deepEqual(socket.taken(), ['ack a|', 'r1|r2|r3|']);
});

/** A connection whose network socket is full, so that records wait in a queue of 1,000 bytes. */
async function slowClient(
  t: Parameters<typeof endpointRig>[0],
  whenFull: 'drop_oldest' | 'drop_newest' | 'disconnect' | 'block',
) {
  const rig = endpointRig(t, { limits: { messages: 100, bytes: 1_000_000, queue: 1_000, whenFull } });
  const socket = await rig.connect();
  socket.isStuck = true;
  socket.buffered = 65_536;
  const record = (name: string) => `${name}${'.'.repeat(398)}`;
  const deliver = async (...names: string[]) => {
    rig.endpoint.deliver(records(...names.map(record)));
    await turn();
  };
  const names = () =>
    socket
      .taken()
      .join('')
      .split('|')
      .filter((frame) => frame !== '')
      .map((frame) => frame.replace(/\.+$/, ''));
  const recover = () => {
    socket.isStuck = false;
    socket.drains();
  };
  return {
    ...rig,
    socket,
    deliver,
    names,
    recover,
    drops: () => rig.figure('tidegate_frames_dropped_total', { reason: 'slow' }),
  };
}

test('a slow client under drop_oldest gets the newest records, and first the number that it missed', async (t) => {
  const { deliver, recover, names, drops } = await slowClient(t, 'drop_oldest');
  await deliver('a', 'b');
  await deliver('c', 'd');
  assert.deepEqual([names(), drops()], [[], 2]);
  recover();
  assert.deepEqual(names(), ['dropped 2', 'c', 'd']);
  await deliver('e');
  assert.deepEqual(names(), ['e']);
});

test('a slow client under drop_newest gets the oldest records, and first the number that it missed', async (t) => {
  const { deliver, recover, names, drops } = await slowClient(t, 'drop_newest');
  await deliver('a', 'b', 'c');
  assert.equal(drops(), 1);
  recover();
  assert.deepEqual(names(), ['dropped 1', 'a', 'b']);
});

for (const whenFull of ['disconnect', 'block'] as const) {
  test(`a slow client under ${whenFull} is closed with 1008 when its queue is full; misses are counted`, async (t) => {
    const { deliver, socket, drops, figure } = await slowClient(t, whenFull);
    await deliver('a', 'b');
    assert.deepEqual(socket.orders, []);
    await deliver('c', 'd');
    assert.deepEqual(socket.orders, ['resume', 'close 1008 slow']);
    assert.equal(drops(), 2);
    socket.closes(1008);
    assert.equal(figure('tidegate_frames_dropped_total', { reason: 'closed' }), 2);
  });
}

test('answers go ahead of records that wait', async (t) => {
  const { deliver, recover, names, socket, messages } = await slowClient(t, 'disconnect');
  await deliver('a');
  socket.sends('w');
  await turn();
  messages()[0]?.ack();
  await turn();
  recover();
  assert.deepEqual(names(), ['ack w', 'a']);
});

test('a client that takes everything is never slow, however much one turn brings', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const socket = await connect();
  const all = Array.from({ length: 500 }, (_, index) => `${index}-${'x'.repeat(800)}`);
  endpoint.deliver(records(...all));
  await turn();
  assert.deepEqual(socket.orders, []);
  assert.deepEqual(socket.writes.join('').split('|').slice(0, -1), all);
});

test('a record that is larger than the queue still reaches a client that takes everything', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const socket = await connect();
  endpoint.deliver(records('x'.repeat(100_000)));
  await turn();
  assert.deepEqual([socket.orders, socket.writes.join('').length], [[], 100_001]);
});

test('answers that still wait behind records are written before the close frame', async (t) => {
  const { endpoint, deliver, names, socket, messages } = await slowClient(t, 'disconnect');
  await deliver('a');
  socket.sends('w');
  await turn();
  messages()[0]?.ack();
  await turn();
  assert.deepEqual(names(), []);
  const drained = endpoint.drain(0);
  endpoint.drainNow();
  assert.deepEqual(names(), ['ack w']);
  assert.deepEqual(socket.orders, ['resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('nothing is written once the close frame is out', async (t) => {
  const { deliver, socket, recover } = await slowClient(t, 'disconnect');
  await deliver('a', 'b');
  socket.sends('!close');
  assert.deepEqual(socket.orders, ['resume', 'close 4001 as asked']);
  recover();
  await deliver('c');
  socket.sends('after');
  await turn();
  assert.deepEqual(socket.taken(), []);
});

test('a codec may close its connection, behind the answers that are due', async (t) => {
  const { connect } = endpointRig(t);
  const socket = await connect();
  socket.sends('?a');
  socket.sends('!close');
  assert.deepEqual([socket.taken(), socket.orders], [['refused ?a|'], ['resume', 'close 4001 as asked']]);
});

for (const [step, changes, provoke] of [
  ['a frame', {}, (socket: FakeSocket) => socket.sends('!throw')],
  [
    'an answer',
    {
      settled: () => {
        throw new Error('codec bug');
      },
    },
    (socket: FakeSocket, acked: () => void) => {
      socket.sends('a');
      acked();
    },
  ],
] as const) {
  test(`a codec that throws for ${step} closes its connection with 1011, and no other`, async (t) => {
    const { connect, batches, messages, errors, endpoint } = endpointRig(t, { codec: wordCodec(changes) });
    const [socket, other] = [await connect(), await connect()];
    provoke(socket, () => {});
    await turn();
    for (const message of messages()) message.ack();
    assert.deepEqual(socket.orders, ['resume', 'close 1011 internal error']);
    assert.match(errors().join(), /the codec failed/);
    assert.deepEqual(other.orders, []);
    endpoint.deliver(records('r'));
    await turn();
    assert.deepEqual([other.taken(), batches.length <= 1], [['r|'], true]);
  });
}

test('a codec that throws for a new connection closes it with 1011', async (t) => {
  const codec = wordCodec({
    open: () => {
      throw new Error('codec bug');
    },
  });
  const { connect, endpoint } = endpointRig(t, { codec });
  const socket = await connect();
  assert.deepEqual(socket.orders, ['resume', 'close 1011 internal error']);
  socket.closes(1011);
  assert.equal(endpoint.size, 0);
});

test('a codec that throws when it should report drops closes the connection with 1011', async (t) => {
  const codec = wordCodec({
    dropped: () => {
      throw new Error('codec bug');
    },
  });
  const limits = { messages: 9, bytes: 9_999, queue: 10, whenFull: 'drop_newest' as const };
  const { connect, endpoint } = endpointRig(t, { codec, limits });
  const socket = await connect();
  socket.buffered = 65_536;
  endpoint.deliver(records('123456', '789012'));
  await turn();
  socket.drains();
  assert.deepEqual([socket.orders, socket.taken()], [['resume', 'close 1011 internal error'], []]);
});

test('a codec that throws for a record costs that record, for everyone, and nothing else', async (t) => {
  const codec = wordCodec({
    record: (message) => {
      if (message.text === 'bad') throw new Error('codec bug');
      return { data: message.text, binary: false };
    },
  });
  const { connect, endpoint, errors } = endpointRig(t, { codec });
  const socket = await connect();
  const outcomes: (string | null)[] = [];
  const target = { settled: (_: Message, failure: TidegateError | null) => outcomes.push(failure?.code ?? null) };
  endpoint.deliver(new Batch(['a', 'bad', 'b'].map((text) => new Message(Buffer.from(text), { target }))));
  await turn();
  assert.deepEqual([socket.taken(), socket.orders], [['a|b|'], []]);
  assert.deepEqual(outcomes, ['TG_CODEC_FAILED', null, null]);
  assert.equal(errors().length, 1);
});

test('without answers a message that failed closes its socket with 1011, and says so once', async (t) => {
  const { connect, messages, warnings } = endpointRig(t, { codec: wordCodec({ answers: false }) });
  const socket = await connect();
  for (const word of ['a', 'b', 'c']) socket.sends(word);
  await turn();
  const [a, b, c] = messages();
  a?.ack();
  assert.deepEqual(socket.orders, []);
  b?.nack(REFUSED);
  c?.nack(REFUSED);
  await turn();
  assert.deepEqual([socket.orders, socket.taken()], [['resume', 'close 1011 message failed'], []]);
  assert.equal(warnings().length, 1);
});

test('draining: the socket is not read any more, gets its answers, and is closed with 1012', async (t) => {
  const { endpoint, connect, messages } = endpointRig(t);
  const socket = await connect();
  socket.sends('a');
  await turn();
  const drained = endpoint.drain(0);
  endpoint.drainNow();
  assert.deepEqual(socket.orders, ['pause']);
  socket.sends('already read');
  await turn();
  const [a, late] = messages();
  a?.ack();
  await turn();
  assert.deepEqual(socket.orders, ['pause']);
  late?.nack(STOPPING);
  assert.deepEqual(socket.taken(), ['ack a|', 'nack already read TG_STOPPING|']);
  assert.deepEqual(socket.orders, ['pause', 'resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('draining a connection that waits for nothing closes it at once', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const socket = await connect();
  const drained = endpoint.drain(0);
  endpoint.drainNow();
  assert.deepEqual(socket.orders, ['resume', 'close 1012 service restart']);
  socket.closes(1012);
  await drained;
});

test('close codes that clients make up are counted together: each would be a series of its own for good', async (t) => {
  const { connect, figure } = endpointRig(t);
  for (const code of [3000, 3999, 4000, 4003, 4004, 4999]) (await connect()).closes(code, '');
  const counted = ['3xxx', '4003', '4xxx', '3000', '4999'].map((code) =>
    figure('tidegate_connections_closed_total', { code }),
  );
  assert.deepEqual(counted, [2, 1, 3, 0, 0], '4003 is ours');
});

test('a client that leaves with messages in flight is forgotten; their outcome does no harm', async (t) => {
  const { endpoint, connect, messages, figure } = endpointRig(t);
  const socket = await connect();
  socket.sends('a');
  await turn();
  socket.closes(1001, 'going');
  assert.equal(endpoint.size, 0);
  assert.equal(figure('tidegate_connections_closed_total', { code: '1001' }), 1);
  messages()[0]?.ack();
  await turn();
  assert.deepEqual(socket.taken(), []);
});

test('a message that is held back while its client leaves does not wake the socket', async (t) => {
  const { endpoint, connect } = endpointRig(t);
  const socket = await connect();
  endpoint.pause();
  socket.sends('a');
  socket.closes(1006);
  endpoint.resume();
  assert.deepEqual(socket.orders, ['pause']);
});

test('messages are traced with client id and path parameters, refused frames with the reason', async (t) => {
  const told: unknown[][] = [];
  const tracing: Tracing = {
    ...NO_TRACING,
    enabled: true,
    received: (message, endpoint, _client, _handshake, params, id) =>
      told.push(['received', message.text, endpoint, params, id]),
    refusedFrame: (endpoint, _client, _handshake, params, reason, answer) =>
      told.push(['refused', endpoint, params, reason, answer]),
  };
  const { endpoint } = endpointRig(t, { tracing });
  const socket = new FakeSocket();
  endpoint.join(socket, { params: { room: 'blue' }, query: {} }, undefined);
  socket.sends('hello');
  socket.sends('?why');
  assert.deepEqual(told, [
    ['received', 'hello', 'rooms', { room: 'blue' }, 'hello'],
    ['refused', 'rooms', { room: 'blue' }, 'question', 'refused ?why'],
  ]);
  socket.closes(1000);
});

test('what the codec has parsed is not parsed again', async (t) => {
  const json = { parsed: 'by the codec' };
  const codec = wordCodec({
    frame: (_state, payload) => [{ type: 'publish', message: { payload, json }, correlation: 1 }],
  });
  const { connect, messages } = endpointRig(t, { codec });
  const socket = await connect();
  socket.sends('{}');
  await turn();
  assert.equal(messages()[0]?.plainJson, json);
});
