import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import { Feed } from '../../../src/feeds/source/feed.ts';
import type { CursorStore } from '../../../src/sdk/context.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { KeptTopic } from '../pipelines/parts.ts';
import { FakeNetwork, feedSettings, remoteContext } from './fake-remote.ts';
import { MemoryCursors } from './memory-cursors.ts';

/** A feed with a pipeline that keeps what it gets. The store outlives it where the test hands one in. */
async function setUp(
  t: TestContext,
  settings: Record<string, unknown> = {},
  cursors: CursorStore = new MemoryCursors(),
) {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const stats = createStats();
  const kept = keptLogger();
  const topics = new Map<string, KeptTopic>();
  const topic = (name: string) => {
    const known = topics.get(name) ?? new KeptTopic();
    topics.set(name, known);
    return known;
  };
  const facts = { path: 'pipelines.p.source', clock, logger: kept.logger, stats };
  const gateway = { topic, cursors: () => cursors };
  const feed = new Feed(feedSettings(settings), remoteContext(network, { ...facts, gateway }));
  const batches: Batch[] = [];
  const errors: TidegateError[] = [];
  const listen = () =>
    feed.batches$.subscribe({ next: (batch) => batches.push(batch), error: (error) => errors.push(error) });
  const subscription = listen();
  await feed.open();
  t.after(() => feed.close());
  const messages = (): Message[] => batches.flatMap((batch) => batch.messages);
  const texts = () => messages().map(({ text }) => text);
  const labels = { component: 'pipelines.p.source', url: 'wss://feed.example/ws' };
  const dropped = (reason: string) => stats.counter('tidegate_remote_dropped_total', { ...labels, reason }).value;
  const figure = (name: Parameters<typeof stats.counter>[0]) => stats.counter(name, labels).value;
  return {
    feed,
    network,
    clock,
    stats,
    topics,
    batches,
    messages,
    texts,
    failures: errors,
    listen,
    subscription,
    dropped,
    figure,
    cursors,
    ...kept,
  };
}

const seq = (n: number) => JSON.stringify({ seq: n });
const stopping = () => new TidegateError('TG_STOPPING', 'stop');

test('the frames of one turn are one batch of messages with null key, in order', async (t) => {
  const { network, batches, figure } = await setUp(t);
  network.last.opens();
  network.last.says('a');
  network.last.says('\u0001', true);
  assert.equal(batches.length, 0);
  await turn();
  network.last.says('c');
  await turn();
  assert.deepEqual(
    batches.map(({ messages }) => messages.map(({ text, key, headers, meta }) => [text, key, headers, meta.binary])),
    [
      [
        ['a', null, [], false],
        ['\u0001', null, [], true],
      ],
      [['c', null, [], false]],
    ],
  );
  assert.equal(figure('tidegate_remote_frames_received_total'), 3);
  batches[0]?.ack();
  assert.equal(figure('tidegate_remote_settled_total'), 2);
});

test('a message has the URL of its server without secrets, also in the next pipeline', async (t) => {
  const { feed, network, messages, subscription, listen } = await setUp(t, {
    url: 'wss://user:geheim@feed.example/ws?token=geheim',
  });
  network.last.opens();
  network.last.says('a');
  await turn();
  messages()[0]?.nack(new TidegateError('TG_FLOW_FAILED', 'broke'));
  subscription.unsubscribe();
  listen();
  await feed.open();
  assert.deepEqual(
    messages().map(({ shownUrl }) => shownUrl),
    ['wss://feed.example/ws?…', 'wss://feed.example/ws?…'],
  );
});

test('a congested pipeline pauses the sockets, and messages that were read still arrive', async (t) => {
  const { feed, network, texts } = await setUp(t);
  network.last.opens();
  feed.pause();
  assert.equal(network.last.isPaused, true);
  network.last.says('read before');
  await turn();
  assert.deepEqual(texts(), ['read before']);
  feed.resume();
  assert.equal(network.last.isPaused, false);
});

test('drop_oldest and drop_newest never slow the server down; drops are counted, the first is logged', async (t) => {
  for (const [overflow, kept] of [
    ['drop_oldest', ['3', '4', '5']],
    ['drop_newest', ['1', '2', '3']],
  ] as const) {
    const { feed, network, texts, dropped, warnings } = await setUp(t, { overflow, buffer: { messages: 3 } });
    network.last.opens();
    feed.pause();
    for (const text of ['1', '2', '3', '4', '5']) {
      network.last.says(text);
      await turn();
    }
    assert.equal(network.last.isPaused, false);
    assert.deepEqual(texts(), []);
    feed.resume();
    assert.deepEqual(texts(), kept);
    assert.equal(dropped('overflow'), 2);
    assert.equal(warnings().length, 1);
    assert.match(warnings()[0] ?? '', new RegExp(`messages are dropped \\(${overflow}\\)`));
  }
});

test('while messages are dropped, every 10 s a line has their number', async (t) => {
  const { feed, network, clock, dropped, warnings } = await setUp(t, {
    overflow: 'drop_newest',
    buffer: { messages: 1 },
  });
  network.last.opens();
  for (let hold = 0; hold < 20; hold++) {
    feed.pause();
    for (const text of ['kept', 'dropped']) network.last.says(text);
    await turn();
    feed.resume();
  }
  assert.equal(dropped('overflow'), 20);
  assert.equal(warnings().length, 1, 'one line, however often the pipeline holds');
  clock.advance(10_000);
  assert.match(warnings()[1] ?? '', /: 19 more messages were dropped \(drop_newest\) within 10s$/);
  clock.advance(10_000);
  assert.equal(warnings().length, 2, 'nothing was dropped since');
  feed.pause();
  for (const text of ['kept', 'dropped', 'dropped']) network.last.says(text);
  await turn();
  assert.match(warnings()[2] ?? '', /messages are dropped \(drop_newest\)$/);
  await feed.close();
  assert.match(warnings().join('\n'), /: 1 more messages were dropped \(drop_newest\)/);
});

test('buffered messages are handed over in parts, as the pipeline takes them', async (t) => {
  const { feed, network, batches, subscription } = await setUp(t, { overflow: 'drop_oldest' });
  network.last.opens();
  feed.pause();
  for (let n = 0; n < 1_200; n++) network.last.says(String(n));
  await turn();
  subscription.unsubscribe();
  feed.batches$.subscribe((batch) => {
    batches.push(batch);
    feed.pause();
  });
  for (const size of [500, 500, 200]) {
    feed.resume();
    assert.equal(batches.at(-1)?.length, size);
  }
});

test('the buffer is limited in bytes, too, and a message that never fits is dropped alone', async (t) => {
  const { feed, network, texts, dropped } = await setUp(t, { overflow: 'drop_oldest', buffer: { bytes: '1KiB' } });
  network.last.opens();
  feed.pause();
  for (const text of ['a', 'b', 'x'.repeat(2_000), 'c']) network.last.says(text);
  await turn();
  feed.resume();
  // 256 bytes each are for the objects.
  assert.deepEqual(texts(), ['a', 'b', 'c']);
  assert.equal(dropped('overflow'), 1);
});

test('draining hands over messages of this turn and of the buffer, and stops reading', async (t) => {
  const plain = await setUp(t);
  plain.network.last.opens();
  plain.network.last.says('in this turn');
  void plain.feed.drain();
  assert.deepEqual(plain.texts(), ['in this turn']);
  assert.equal(plain.network.last.isPaused, true);
  plain.clock.advance(60_000);
  await turn();
  assert.deepEqual(plain.network.last.orders, ['pause']);
  plain.feed.resume();
  assert.equal(plain.network.last.isPaused, true);

  const dropping = await setUp(t, { overflow: 'drop_oldest' });
  dropping.network.last.opens();
  dropping.feed.pause();
  dropping.network.last.says('put aside');
  await turn();
  void dropping.feed.drain();
  assert.deepEqual(dropping.texts(), ['put aside']);
});

test('messages of a failed pipeline are handed to the next one, in order and before new ones', async (t) => {
  const { feed, network, batches, texts, listen, subscription, warnings } = await setUp(t);
  network.last.opens();
  for (const text of ['1', '2', '3', '4']) network.last.says(text);
  await turn();
  const [, second] = batches[0]?.messages ?? [];
  second?.ack();
  // The pipeline breaks: what it holds is nacked, and what comes afterwards is not taken.
  for (const message of [...(batches[0]?.messages ?? [])].reverse())
    message.nack(new TidegateError('TG_FLOW_FAILED', 'broke'));
  subscription.unsubscribe();
  network.last.says('5');
  await turn();
  network.last.says('6');
  await feed.close();
  assert.match(warnings().at(-1) ?? '', /5 messages of .* wait for their pipeline to start again/);
  batches.length = 0;
  listen();
  await feed.open();
  assert.deepEqual(texts(), ['1', '3', '4', '5', '6']);
  network.last.opens();
  network.last.says('7');
  await turn();
  assert.deepEqual(texts().slice(-1), ['7']);
});

test('messages that are not settled when the gateway stops are counted and logged', async (t) => {
  const { feed, network, messages, dropped, warnings } = await setUp(t);
  network.last.opens();
  for (const text of ['1', '2', '3']) network.last.says(text);
  await turn();
  messages()[0]?.ack();
  messages()[1]?.nack(stopping());
  messages()[2]?.nack(new TidegateError('TG_LOG_UNAVAILABLE', 'abandoned'));
  await feed.close();
  assert.equal(dropped('unsettled'), 2);
  assert.match(warnings().at(-1) ?? '', /2 messages of .* were read and are not known to be stored/);
});

test('the saved cursor has only settled messages before it; a reconnect resumes after the last arrival', async (t) => {
  const settings = { resume: { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } } };
  const store = new MemoryCursors();
  const { feed, network, clock, messages } = await setUp(t, settings, store);
  network.last.opens();
  assert.deepEqual(network.last.sent, []);
  for (const text of [seq(1), seq(2), 'no json', seq(3), seq(4)]) network.last.says(text);
  await turn();
  const [first, second, odd, third, fourth] = messages() as [Message, Message, Message, Message, Message];
  const saved = async () => {
    clock.advance(1_000);
    await turn();
    return (await store.load('pipelines.p.source wss://feed.example/ws'))?.cursor;
  };
  second.ack();
  third.ack();
  assert.equal(await saved(), undefined);
  first.ack();
  assert.equal(await saved(), '2');
  odd.ack();
  assert.equal(await saved(), '3');
  // Within the process it is what came that counts: the rest is still in flight.
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['{"after":4}']);
  fourth.nack(stopping());
  await feed.close();
  assert.equal((await store.load('pipelines.p.source wss://feed.example/ws'))?.cursor, '3');

  const next = await setUp(t, settings, store);
  next.network.last.opens();
  assert.deepEqual(next.network.last.sent, ['{"after":3}']);
});

test('a cursor that needs JSONata is saved like one that is a path', async (t) => {
  const store = new MemoryCursors();
  const { feed, network, messages } = await setUp(t, { resume: { cursor: '${! json.seq & "/" & json.part }' } }, store);
  network.last.opens();
  network.last.says('{"seq":7,"part":2}');
  await turn();
  messages()[0]?.ack();
  await feed.close();
  assert.equal((await store.load('pipelines.p.source wss://feed.example/ws'))?.cursor, '"7/2"');
});

test('a server that closes slowly does not delay the saving of the cursor', async (t) => {
  const store = new MemoryCursors();
  const { feed, network, clock, messages } = await setUp(t, { resume: { cursor: '${! json.seq }' } }, store);
  network.last.opens();
  network.last.isPolite = false;
  network.last.says(seq(1));
  await turn();
  messages()[0]?.ack();
  const closed = feed.close();
  await turn();
  assert.equal((await store.load('pipelines.p.source wss://feed.example/ws'))?.cursor, '1');
  clock.advance(3_000);
  await closed;
});

test('a message that arrives after the pipeline has stopped counts as not read', async (t) => {
  const { feed, network, subscription, figure, warnings } = await setUp(t, { compression: true });
  network.last.opens();
  void feed.drain();
  subscription.unsubscribe();
  network.last.says('unpacked late');
  await feed.close();
  assert.equal(figure('tidegate_remote_frames_received_total'), 0);
  assert.deepEqual(warnings(), []);
});

test('a message that failed for good does not stop the cursor', async (t) => {
  const store = new MemoryCursors();
  const { feed, network, messages } = await setUp(t, { resume: { cursor: '${! json.seq }' } }, store);
  network.last.opens();
  network.last.says(seq(1));
  network.last.says(seq(2));
  await turn();
  messages()[0]?.nack(new TidegateError('TG_MESSAGE_INVALID', 'bad'));
  messages()[1]?.ack();
  await feed.close();
  assert.equal((await store.load('pipelines.p.source wss://feed.example/ws'))?.cursor, '2');
});

test('a feed that is closed while its cursor is loading does not dial', async (t) => {
  let found: (position: undefined) => void = () => {};
  const store: CursorStore = {
    load: () =>
      new Promise((resolve) => {
        found = resolve;
      }),
    save: async () => {},
  };
  const network = new FakeNetwork();
  const feed = new Feed(feedSettings({ gap: {} }), remoteContext(network, { gateway: { cursors: () => store } }));
  const opening = feed.open();
  t.after(() => feed.close());
  await feed.close();
  found(undefined);
  await opening;
  assert.equal(network.sockets.length, 0);
});

test('duplicates within the window are dropped, also across reconnects and servers, and with JSONata ids', async (t) => {
  for (const id of ['${! json.id }', '${! $string(json.id) }', '${! json.id }-x']) {
    const { network, clock, texts, dropped } = await setUp(t, { dedupe: { id, window: 3 } });
    network.last.opens();
    const say = (n: unknown) => network.last.says(JSON.stringify({ id: n }));
    for (const n of [1, 2, 1, 3]) say(n);
    await turn();
    network.last.ends();
    clock.advance(500);
    network.last.opens();
    for (const n of [3, 4, 1]) say(n);
    network.last.says('no id');
    network.last.says('no id');
    await turn();
    // 1 had left the window when 4 came.
    const ids = texts().map((text) => (text.startsWith('{') ? (JSON.parse(text) as { id: number }).id : text));
    assert.deepEqual(ids, [1, 2, 3, 4, 1, 'no id', 'no id'], id);
    assert.equal(dropped('duplicate'), 2);
  }
});

const BIG = ['8389766145050669870', '8389766145050669871', '1.10', '123456789012345678901234567890'];

test('ids, cursors and answers keep every digit that the server sent', async (t) => {
  const store = new MemoryCursors();
  const settings = {
    dedupe: { id: '${! json.id }' },
    resume: { cursor: '${! json.id }', message: '{"after":${! meta.cursor }}' },
    ack: { message: '{"ack":${! json.id }}' },
  };
  const { feed, network, messages } = await setUp(t, settings, store);
  network.last.opens();
  for (const id of BIG) network.last.says(`{"id":${id}}`);
  await turn();
  assert.equal(messages().length, BIG.length);
  for (const message of messages()) message.ack();
  await turn();
  assert.deepEqual(
    network.last.sent,
    BIG.map((id) => `{"ack":${id}}`),
  );
  await feed.close();
  const next = await setUp(t, settings, store);
  next.network.last.opens();
  assert.deepEqual(next.network.last.sent, [`{"after":${BIG.at(-1)}}`]);
});

test('an answer whose value is missing is not sent, and neither is resume without a cursor', async (t) => {
  const { network, messages } = await setUp(t, {
    ack: { message: '{"ack":${! json.seq }}' },
    subscribe: ['{"after":${! meta.cursor }}', { after: '${! meta.cursor }' }],
    resume: { cursor: '${! json.seq }' },
  });
  network.last.opens();
  for (const text of ['{"type":"subscribed"}', '{"seq":null}', seq(1)]) network.last.says(text);
  await turn();
  for (const message of messages()) message.ack();
  await turn();
  assert.deepEqual(network.last.sent, ['{}', '{"ack":1}']);
});

test('an id is new again once its first message is older than dedupe.within', async (t) => {
  const { network, clock, messages, texts } = await setUp(t, {
    dedupe: { id: '${! json.seq }', within: '1m' },
    heartbeat: { ping: '0s' },
  });
  network.last.opens();
  const say = async (n: number) => {
    network.last.says(seq(n));
    await turn();
  };
  await say(1);
  messages()[0]?.ack();
  clock.advance(40_000);
  await say(1);
  clock.advance(19_999);
  await say(1);
  assert.deepEqual(texts(), [seq(1)]);
  clock.advance(1);
  await say(1);
  await say(1);
  assert.deepEqual(texts(), [seq(1), seq(1)]);
  // This one is not settled: what becomes of it is what becomes of its repetitions.
  clock.advance(600_000);
  await say(1);
  assert.equal(texts().length, 2);
});

test('with dedupe.within 0s only the window limits how long an id is remembered', async (t) => {
  const { network, clock, messages, texts } = await setUp(t, {
    dedupe: { id: '${! json.seq }', within: '0s' },
    heartbeat: { ping: '0s' },
  });
  network.last.opens();
  network.last.says(seq(1));
  await turn();
  messages()[0]?.ack();
  clock.advance(86_400_000);
  network.last.says(seq(1));
  await turn();
  assert.equal(texts().length, 1);
});

test('a server that starts its numbers again causes a warning with the number of drops, once a minute', async (t) => {
  const { network, clock, warnings, lines, dropped } = await setUp(t, {
    dedupe: { id: '${! json.seq }' },
    heartbeat: { ping: '0s' },
  });
  const say = async (...numbers: number[]) => {
    for (const n of numbers) network.last.says(seq(n));
    await turn();
  };
  const duplicates = () => warnings().filter((line) => line.includes('duplicates'));
  network.last.opens();
  await say(1, 2, 3, 4, 5, 6, 7, 8);
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  // A server repeats things after a reconnect.
  await say(1, 2, 3);
  assert.deepEqual(duplicates(), []);
  clock.advance(10_000);
  assert.match(
    lines.map(({ text }) => text).join('\n'),
    /pipelines.p.source: dropped 3 messages that wss:\/\/feed.example\/ws repeated after the reconnect/,
  );
  await say(4);
  assert.equal(duplicates().length, 1);
  assert.match(
    duplicates()[0] ?? '',
    /^pipelines.p.source: dropped 1 message of wss:\/\/feed.example\/ws as duplicates, and no reconnect explains them/,
  );
  await say(5, 6);
  clock.advance(30_000);
  await say(7);
  assert.equal(duplicates().length, 1);
  clock.advance(30_000);
  assert.match(duplicates()[1] ?? '', /dropped 3 messages of .* as duplicates since the last warning/);
  clock.advance(60_000);
  assert.equal(duplicates().length, 2);
  assert.equal(dropped('duplicate'), 7);
});

test('duplicates of the first connection are a warning, and the rest is logged at the end', async (t) => {
  const { feed, network, warnings } = await setUp(t, { dedupe: { id: '${! json.seq }' } });
  network.last.opens();
  for (const n of [1, 1, 1]) network.last.says(seq(n));
  await turn();
  assert.equal(warnings().length, 1);
  await feed.close();
  assert.match(warnings()[1] ?? '', /dropped 1 message of .* as duplicates since the last warning/);
});

test('copies of another server and repetitions that wait for an answer cause no warning', async (t) => {
  const two = await setUp(t, { url: ['ws://a', 'ws://b'], dedupe: { id: '${! json.seq }' } });
  const [one, other] = two.network.sockets;
  for (const socket of [one, other]) socket?.opens();
  for (const socket of [one, other, one]) {
    socket?.says(seq(1));
    await turn();
  }
  assert.equal(two.warnings().length, 1);
  assert.match(two.warnings()[0] ?? '', /of ws:\/\/a as duplicates/);
  other?.says(seq(1));
  await turn();
  assert.equal(two.warnings().length, 2);
  const asked = await setUp(t, { dedupe: { id: '${! json.seq }' }, ack: { message: '${! json.seq }' } });
  asked.network.last.opens();
  for (const n of [1, 1, 2]) asked.network.last.says(seq(n));
  await turn();
  assert.deepEqual(asked.warnings(), []);
  asked.messages()[0]?.ack();
  asked.network.last.says(seq(1));
  await turn();
  assert.equal(asked.warnings().length, 1);
});

test('the id of a message that failed is free again', async (t) => {
  const { network, messages } = await setUp(t, { dedupe: { id: '${! json.id }' } });
  network.last.opens();
  network.last.says('{"id":1}');
  await turn();
  messages()[0]?.nack(new TidegateError('TG_MESSAGE_INVALID', 'bad'));
  network.last.says('{"id":1}');
  await turn();
  assert.equal(messages().length, 2);
});

test('a message is answered once its record is settled, in order, and not if it failed', async (t) => {
  const { network, messages } = await setUp(t, { ack: { message: '{"ack":${! json.seq }}' } });
  network.last.opens();
  for (const n of [1, 2, 3]) network.last.says(seq(n));
  network.last.says('no json');
  await turn();
  const [first, second, third, odd] = messages() as [Message, Message, Message, Message];
  odd.ack();
  third.ack();
  second.nack(new TidegateError('TG_MESSAGE_INVALID', 'bad'));
  assert.deepEqual(network.last.sent, []);
  first.ack();
  assert.deepEqual(network.last.sent, ['{"ack":1}', '{"ack":3}']);
});

test('a message is not answered on a later connection; its repetition is, once it is stored', async (t) => {
  const { network, clock, messages } = await setUp(t, {
    ack: { message: 'ack ${! json.id }' },
    dedupe: { id: '${! json.id }' },
  });
  network.last.opens();
  network.last.says('{"id":1}');
  await turn();
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  messages()[0]?.ack();
  assert.deepEqual(network.last.sent, []);
  network.last.says('{"id":1}');
  await turn();
  assert.deepEqual(network.last.sent, ['ack 1']);
  assert.equal(messages().length, 1);
});

test('answers are sent while the feed drains, before the close', async (t) => {
  const { feed, network, messages } = await setUp(t, { ack: { message: 'ok' } });
  network.last.opens();
  network.last.says('a');
  void feed.drain();
  messages()[0]?.ack();
  assert.deepEqual(network.last.sent, ['ok']);
  await feed.close();
  assert.deepEqual(network.last.orders.at(-1), 'close 1000');
});

test('an outage is a metric, a log line, a record before the next message, and one in its own topic', async (t) => {
  const { network, clock, topics, messages, warnings, figure } = await setUp(t, {
    gap: { record: true, topic: 'gaps' },
  });
  network.last.opens();
  network.last.says('before');
  await turn();
  const from = clock.time;
  network.last.ends({ reason: 'cable cut' });
  clock.advance(500);
  network.last.opens();
  const to = clock.time;
  network.last.says('after');
  await turn();
  const [before, gap, after] = messages() as [Message, Message, Message];
  assert.deepEqual([before.text, after.text, messages().length], ['before', 'after', 3]);
  const times = [new Date(from).toISOString(), new Date(to).toISOString()];
  assert.deepEqual(gap.headers, [['tidegate-gap', times.join('/')]]);
  assert.deepEqual(gap.json, {
    gap: {
      url: 'wss://feed.example/ws',
      from: times[0],
      to: times[1],
      seconds: (to - from) / 1_000,
      reason: 'cable cut',
      resumed: false,
    },
  });
  assert.deepEqual(
    topics.get('gaps')?.messages.map(({ json }) => json),
    [gap.json],
  );
  assert.ok(
    warnings().some(
      (line) => line.includes('nothing was received from wss://feed.example/ws for') && line.includes('cable cut'),
    ),
  );
  assert.equal(figure('tidegate_remote_gaps_total'), 1);
  assert.equal(figure('tidegate_remote_gap_seconds_total'), (to - from) / 1_000);
  assert.equal(figure('tidegate_remote_reconnects_total'), 1);
});

test('failed attempts are part of one outage, and a first connection is not an outage', async (t) => {
  const { network, clock, figure } = await setUp(t);
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  assert.equal(figure('tidegate_remote_gaps_total'), 0);
  network.last.ends();
  for (let n = 0; n < 3; n++) {
    clock.advance(30_000);
    network.last.ends();
  }
  clock.advance(30_000);
  network.last.opens();
  assert.equal(figure('tidegate_remote_gaps_total'), 1);
  assert.ok(figure('tidegate_remote_gap_seconds_total') > 90);
});

test('the time between two runs is an outage, too, if cursors are saved', async (t) => {
  const store = new MemoryCursors();
  const first = await setUp(t, { gap: { record: true } }, store);
  first.network.last.opens();
  first.network.last.says('a');
  await turn();
  first.messages()[0]?.ack();
  first.clock.advance(5_000);
  const stoppedAt = first.clock.time;
  await first.feed.close();

  const second = await setUp(t, { gap: { record: true } }, store);
  second.clock.time = stoppedAt + 60_000;
  second.network.last.opens();
  await turn();
  assert.deepEqual(
    second.messages().map(({ json }) => (json as { gap: { seconds: number } }).gap.seconds),
    [60],
  );
});

test('without reconnecting, the pipeline fails once all messages that were read are settled', async (t) => {
  const { network, messages, failures } = await setUp(t, { reconnect: { enabled: false } });
  network.last.opens();
  network.last.says('a');
  network.last.says('b');
  network.last.ends({ reason: 'the server closed with 1000' });
  assert.equal(messages().length, 2);
  messages()[0]?.ack();
  assert.equal(failures.length, 0);
  messages()[1]?.ack();
  assert.equal(failures[0]?.code, 'TG_REMOTE_FAILED');
  assert.match(failures[0]?.message ?? '', /the server closed with 1000/);
});

test('each URL is a connection with its own metrics; URLs that differ in secrets only are numbered', async (t) => {
  const { feed, network, texts, lines, clock } = await setUp(t, {
    url: ['wss://a.example/x?key=one-secret-key', 'wss://a.example/x?key=another-secret-key', 'wss://b.example'],
  });
  assert.equal(network.sockets.length, 3);
  for (const [at, socket] of network.sockets.entries()) {
    socket.opens();
    socket.says(String(at));
  }
  await turn();
  assert.deepEqual(texts(), ['0', '1', '2']);
  network.sockets[2]?.ends({ reason: 'cable cut' });
  assert.deepEqual(
    feed.connections.map(({ state, notLiveReason }) => [state, notLiveReason]),
    [
      ['live', undefined],
      ['live', undefined],
      ['waiting', 'cable cut'],
    ],
  );
  clock.advance(29_999);
  network.last.opens();
  clock.advance(1);
  const status = lines.filter(({ text }) => text.endsWith('reconnects')).map(({ text }) => text);
  assert.deepEqual(status, [
    'pipelines.p.source: wss://a.example/x?… is live, 1 received, 0 produced, 0 sent, 0 dropped, 0 reconnects',
    'pipelines.p.source: wss://a.example/x?… #2 is live, 1 received, 0 produced, 0 sent, 0 dropped, 0 reconnects',
    'pipelines.p.source: wss://b.example is live, 1 received, 0 produced, 0 sent, 0 dropped, 1 reconnects',
  ]);
  assert.doesNotMatch(JSON.stringify(lines), /secret-key/);
});

test('a cursor that cannot be saved is an error in the log, and the next one is saved again', async (t) => {
  let isBroken = true;
  const saved: unknown[] = [];
  const store: CursorStore = {
    load: async () => undefined,
    save: async (_, { cursor }) => {
      if (isBroken) throw new TidegateError('TG_NOT_AUTHORIZED', 'no right to write');
      saved.push(cursor);
    },
  };
  const { network, clock, messages, errors } = await setUp(t, { resume: { cursor: '${! json.seq }' } }, store);
  network.last.opens();
  for (const n of [1, 2]) {
    network.last.says(seq(n));
    await turn();
    messages().at(-1)?.ack();
    clock.advance(1_000);
    await turn();
    isBroken = false;
  }
  assert.equal(errors().length, 1);
  assert.match(errors()[0] ?? '', /could not be saved: no right to write/);
  assert.deepEqual(saved, ['2']);
});

test('messages that were buffered when the pipeline failed are handed to the next one', async (t) => {
  const { feed, network, texts, subscription, listen, dropped } = await setUp(t, { overflow: 'drop_oldest' });
  network.last.opens();
  feed.pause();
  for (const word of ['a', 'b']) network.last.says(word);
  await turn();
  subscription.unsubscribe();
  await feed.close();
  listen();
  await feed.open();
  await turn();
  assert.deepEqual(texts(), ['a', 'b']);
  assert.equal(dropped('overflow'), 0);
});
