import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Message } from '../../../src/core/message.ts';
import { Resubscriptions } from '../../../src/feeds/gaps/resubscriptions.ts';
import { SequenceTracker } from '../../../src/feeds/gaps/sequence-tracker.ts';
import { sequenceSettings } from '../../../src/feeds/settings/sequence-settings.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { feedRig } from './feed-rig.ts';

const VALUE = '${! json.seq }';
const BY = '${! json.symbol }';
const tick = (seq: unknown, symbol = 'A') => JSON.stringify({ seq, symbol });
const KINDS = ['hole', 'back', 'unreadable'] as const;

test('a hole is a record before the message that shows it, one in the topic, a metric and a warning', async (t) => {
  const { network, clock, messages, topics, counter, warnings } = await feedRig(t, {
    sequence: { value: VALUE, by: BY },
    gap: { record: true, topic: 'gaps' },
  });
  network.last.opens();
  network.last.says(tick(1));
  network.last.says(tick(90, 'B'));
  clock.advance(3_000);
  network.last.says(tick(2));
  clock.advance(2_000);
  network.last.says(tick(5));
  await turn();
  const [, , , record] = messages;
  assert.equal(messages.length, 5);
  assert.equal(record?.meta.gap, true);
  assert.deepEqual(record?.json, {
    gap: {
      url: 'wss://feed.example/ws',
      from: new Date(1_003_000).toISOString(),
      to: new Date(1_005_000).toISOString(),
      seconds: 2,
      reason: 'the sequence of "A" lacks 2 numbers between 2 and 5',
      resumed: false,
      sequence: { by: 'A', kind: 'hole', after: 2, before: 5, missing: 2 },
    },
  });
  assert.deepEqual(
    topics.get('gaps')?.messages.map(({ text }) => text),
    [record?.text],
  );
  assert.equal(counter('tidegate_remote_sequence_gaps_total', { kind: 'hole' }), 1);
  assert.equal(counter('tidegate_remote_sequence_missing_total'), 2);
  assert.equal(counter('tidegate_remote_gaps_total'), 0, 'it was connected');
  assert.deepEqual(warnings(), [
    'p: the sequence of "A" lacks 2 numbers between 2 and 5, in what wss://feed.example/ws sends',
  ]);
});

test('messages with several numbers, or the number before theirs, are continued by their first one', async (t) => {
  const span = (...seqs: number[]) => JSON.stringify({ data: seqs.map((seq) => ({ seq })) });
  const link = (seq: number, previous?: number) => JSON.stringify({ seq, previous });
  const sequences = [
    {
      sequence: { value: '${! json.data[-1].seq }', first: '${! json.data[0].seq }' },
      messages: [span(1, 2), span(3), span(4, 5, 6), span(4, 5, 6), span(6, 7), span(9, 10), span(2, 3)],
      holes: ['lacks 1 number between 7 and 9', 'goes back from 10 to 3'],
    },
    {
      sequence: { value: VALUE, first: '${! json.previous + 1 }' },
      messages: [link(10), link(14, 10), link(20, 14), link(30, 25), link(90), link(95, 90)],
      holes: ['lacks 5 numbers between 20 and 26'],
    },
  ];
  for (const { sequence, messages, holes } of sequences) {
    const rig = await feedRig(t, { sequence, gap: { record: true } });
    rig.network.last.opens();
    for (const message of messages) rig.network.last.says(message);
    for (let turns = 0; turns < 5; turns += 1) await turn();
    const gaps = rig.messages
      .filter(({ meta }) => meta.gap === true)
      .map(({ json }) => json as { gap: { reason: string } });
    assert.deepEqual(
      gaps.map(({ gap }) => gap.reason.replace('the sequence ', '')),
      holes,
    );
    assert.equal(rig.texts().length, messages.length + holes.length);
  }
});

test('a first number that is no whole number is counted and logged', async (t) => {
  const { network, counter, warnings } = await feedRig(t, { sequence: { value: VALUE, first: '${! json.first }' } });
  network.last.opens();
  network.last.says('{"seq":2,"first":"x"}');
  await turn();
  assert.equal(counter('tidegate_remote_sequence_gaps_total', { kind: 'unreadable' }), 1);
  assert.match(warnings()[0] ?? '', /sequence\.first of a message of .* is "x", which is not a whole number/);
});

test('a jump back in one connection is a gap, once; the sequence continues from there', async (t) => {
  const { network, messages, counter } = await feedRig(t, { sequence: { value: VALUE }, gap: { record: true } });
  network.last.opens();
  for (const n of [7, 8, 8, 1, 2, 3]) network.last.says(tick(n));
  await turn();
  const gaps = messages.filter(({ meta }) => meta.gap === true).map(({ json }) => (json as { gap: object }).gap);
  assert.deepEqual(
    gaps.map((gap) => (gap as { sequence: unknown }).sequence),
    [{ by: null, kind: 'back', after: 8, before: 1, missing: 0 }],
  );
  assert.match((gaps[0] as { reason: string }).reason, /^the sequence goes back from 8 to 1$/);
  assert.deepEqual(
    KINDS.map((kind) => counter('tidegate_remote_sequence_gaps_total', { kind })),
    [0, 1, 0],
  );
});

test('numbers beyond 2^53 and numbers as text are exact; what is no whole number is counted and logged', async (t) => {
  const { network, clock, messages, counter, warnings } = await feedRig(t, {
    sequence: { value: VALUE },
    gap: { record: true },
  });
  network.last.opens();
  for (const n of ['9007199254740992', '"9007199254740993"', '9007199254740995']) network.last.says(`{"seq":${n}}`);
  await turn();
  assert.match(messages[2]?.text ?? '', /"after":9007199254740993,"before":9007199254740995,"missing":1\}/);
  for (const n of ['"abc"', '1.5', '1e3', '{"a":1}', `"${'1'.repeat(101)}"`, 'true', '""'])
    network.last.says(`{"seq":${n}}`);
  for (const n of ['null', '9007199254740996']) network.last.says(`{"seq":${n}}`);
  network.last.says('no json');
  await turn();
  assert.deepEqual(
    KINDS.map((kind) => counter('tidegate_remote_sequence_gaps_total', { kind })),
    [1, 0, 7],
  );
  assert.equal(messages.length, 4 + 10);
  const about = () => warnings().filter((text) => text.includes('whole number'));
  assert.deepEqual(about(), [
    'p: sequence.value of a message of wss://feed.example/ws is "abc", which is not a whole number',
  ]);
  clock.advance(60_000);
  assert.match(about()[1] ?? '', /6 more messages without a whole number; the last one: .* is "", which/);
});

test('gaps of a minute are two warnings, and each of them is a record', async (t) => {
  const { network, clock, messages, warnings } = await feedRig(t, {
    sequence: { value: VALUE },
    gap: { record: true },
  });
  network.last.opens();
  for (let n = 0; n < 1_000; n++) network.last.says(tick(n * 2));
  await turn();
  assert.equal(messages.length, 1_999);
  assert.equal(warnings().length, 1);
  clock.advance(60_000);
  assert.equal(warnings().length, 2);
  assert.match(
    warnings()[1] ?? '',
    /998 more gaps in sequences; the last one: the sequence lacks 1 number between 1996/,
  );
});

test('after a reconnect a hole is a gap unless resumed messages fill it, and a lower number is none', async (t) => {
  const { network, clock, counter, messages } = await feedRig(t, {
    sequence: { value: VALUE },
    resume: { cursor: VALUE },
    gap: { record: true },
  });
  const reconnect = () => {
    network.last.ends();
    clock.advance(1_000);
    network.last.opens();
  };
  const holes = () => counter('tidegate_remote_sequence_gaps_total', { kind: 'hole' });
  network.last.opens();
  for (const n of [1, 2]) network.last.says(tick(n));
  reconnect();
  for (const n of [3, 4]) network.last.says(tick(n));
  assert.equal(holes(), 0);
  reconnect();
  network.last.says(tick(9));
  await turn();
  assert.equal(holes(), 1);
  assert.match(messages.at(-2)?.text ?? '', /"resumed":true,"sequence":\{"by":null,"kind":"hole","after":4,"before":9/);
  reconnect();
  for (const n of [1, 2]) network.last.says(tick(n));
  await turn();
  assert.deepEqual(
    KINDS.map((kind) => counter('tidegate_remote_sequence_gaps_total', { kind })),
    [1, 0, 0],
  );
});

test('duplicates are no gaps, and what another server sent first is no hole', async (t) => {
  const { network, counter } = await feedRig(t, {
    url: ['wss://feed.example/ws', 'wss://other.example/ws'],
    sequence: { value: VALUE },
    dedupe: { id: VALUE },
  });
  const [one, other] = network.sockets;
  one?.opens();
  other?.opens();
  for (const n of [1, 2]) one?.says(tick(n));
  for (const n of [1, 2, 3]) other?.says(tick(n));
  for (const n of [3, 1, 2, 4]) one?.says(tick(n));
  await turn();
  assert.deepEqual(
    KINDS.map((kind) => counter('tidegate_remote_sequence_gaps_total', { kind })),
    [0, 0, 0],
  );
});

test('two connections of an overlap have one sequence', async (t) => {
  const { network, clock, counter } = await feedRig(t, {
    sequence: { value: VALUE },
    resume: { cursor: VALUE },
    reconnect: { every: '100s', overlap: '10s' },
  });
  network.last.opens();
  network.last.says(tick(1));
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  for (const n of [2, 3, 4]) next?.says(tick(n));
  for (const n of [2, 3]) old?.says(tick(n));
  clock.advance(10_000);
  await turn();
  next?.says(tick(5));
  await turn();
  assert.deepEqual(
    KINDS.map((kind) => counter('tidegate_remote_sequence_gaps_total', { kind })),
    [0, 0, 0],
  );
});

test('resubscribe: the messages for that symbol are sent on its connection, at most once in 10 s', async (t) => {
  const { network, clock } = await feedRig(t, {
    sequence: {
      value: VALUE,
      by: BY,
      resubscribe: [
        { send: { op: 'unsubscribe', symbol: '${! meta.by }' } },
        { send: { op: 'subscribe', symbol: '${! json.symbol }' } },
      ],
    },
  });
  const sent = (symbol: string) => ['unsubscribe', 'subscribe'].map((op) => JSON.stringify({ op, symbol }));
  network.last.opens();
  for (const [n, symbol] of [
    [1, 'A'],
    [1, 'B'],
    [3, 'A'],
    [2, 'B'],
    [5, 'A'],
  ] as const)
    network.last.says(tick(n, symbol));
  await turn();
  assert.deepEqual(network.last.sent, sent('A'));
  network.last.says(tick(4, 'B'));
  await turn();
  assert.deepEqual(network.last.sent, [...sent('A'), ...sent('B')]);
  clock.advance(10_000);
  network.last.says(tick(9, 'A'));
  await turn();
  assert.equal(network.last.sent.length, 6);
  network.last.ends();
  clock.advance(10_000);
  network.last.opens();
  network.last.says(tick(20, 'A'));
  await turn();
  assert.deepEqual(network.last.sent, [], 'the new connection has just subscribed');
});

test('a message without the values of resubscribe sends nothing', async (t) => {
  const { network } = await feedRig(t, {
    sequence: { value: VALUE, by: BY, resubscribe: { send: '{"s":${! json.no }}' } },
  });
  network.last.opens();
  for (const n of [1, 3]) network.last.says(tick(n));
  await turn();
  assert.deepEqual(network.last.sent, []);
});

test('a sequence whose value and symbol need JSONata keeps the order', async (t) => {
  const { network, texts, messages } = await feedRig(t, {
    sequence: { value: '${! $number($match($string(json.seq), /\\d+/).match) }', by: '${! $lowercase(json.symbol) }' },
    gap: { record: true },
  });
  network.last.opens();
  for (const [seq, symbol] of [
    ['n1', 'A'],
    ['n2', 'a'],
    ['n4', 'A'],
  ] as const)
    network.last.says(tick(seq, symbol));
  for (let n = 0; n < 20 && messages.length < 4; n++) await turn();
  assert.equal(texts().length, 4);
  assert.match(texts()[2] ?? '', /"by":"a","kind":"hole","after":2,"before":4/);
});

test('of a million symbols as many are remembered as the window says, those with the latest messages', () => {
  const tracker = new SequenceTracker({ step: 1, modulus: undefined, window: 1_000 });
  const take = (by: string, value: bigint) => tracker.take({ by, value, connection: 1, at: 0, isRecord: true });
  for (let n = 0; n < 1_000_000; n++) {
    take(`"s${n}"`, 1n);
    if (n % 500 === 0) take('"busy"', BigInt(n / 500));
  }
  assert.equal(tracker.size, 1_000);
  assert.equal(take('"s5"', 9n), undefined, 'it is forgotten');
  assert.equal(take('"busy"', 5_000n)?.missing, 3_000n);
  const long = (end: string) => `"${'x'.repeat(1_000_000)}${end}"`;
  take(long('a'), 1n);
  take(long('b'), 1n);
  assert.equal(take(long('a'), 3n)?.missing, 1n);
});

test('with a modulus the nearer way counts: numbers that begin at 0 again are no gap', () => {
  const tracker = new SequenceTracker({ step: 1, modulus: 256, window: 1 });
  const kinds = [254, 255, 0, 1, 4, 2, 250, 130].map(
    (value) => tracker.take({ by: '', value: BigInt(value), connection: 1, at: 0, isRecord: true })?.kind,
  );
  assert.deepEqual(kinds, [undefined, undefined, undefined, undefined, 'hole', 'back', 'back', 'back']);
});

test('resubscriptions are remembered for 10 s, and as many as the window says', () => {
  const clock = new HandClock();
  const settings = sequenceSettings.parse({
    value: VALUE,
    by: '${! json.s }',
    window: 2,
    resubscribe: { send: '${! meta.by }' },
  });
  const resubscriptions = new Resubscriptions(settings, clock);
  const texts = (by: string) =>
    resubscriptions.for(by).map(({ send }) => send(new Message(Buffer.alloc(0), { meta: { by } })));
  assert.deepEqual(['a', 'a', 'b', 'c'].flatMap(texts), ['a', 'b']);
  clock.advance(10_000);
  assert.deepEqual(['c', 'a', 'b'].flatMap(texts), ['c', 'a']);
});
