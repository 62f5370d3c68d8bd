import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOfValue } from '../../../src/feeds/resume/sent-values.ts';
import { turn } from '../actors/rig.ts';
import { feedRig } from './feed-rig.ts';
import { MemoryCursors } from './memory-cursors.ts';

/** A number in lists that are nested more deeply than JSON can be read with all digits. */
const DEEP = `${'['.repeat(10_000)}1.10${']'.repeat(10_000)}`;
const LONG = 'x'.repeat(100_000);
const RESUME = { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } };

test('a gap in the sequence of a symbol that is very deep or long is reported like any other', async (t) => {
  const { network, texts, topics } = await feedRig(t, {
    sequence: {
      value: '${! json.seq }',
      by: '${! json.symbol }',
      resubscribe: [{ send: { symbol: '${! meta.by }' } }, { send: 'again' }],
    },
    gap: { record: true, topic: 'gaps' },
  });
  network.last.opens();
  for (const symbol of [DEEP, JSON.stringify(LONG)])
    for (const seq of [1, 3]) network.last.says(`{"seq":${seq},"symbol":${symbol}}`);
  await turn();
  assert.equal(texts().length, 6);
  assert.deepEqual(network.last.sent, ['again', 'again'], 'the symbol has no place in a message');
  const records = topics.get('gaps')?.messages.map(({ text }) => text) ?? [];
  assert.equal(records.length, 2);
  for (const record of records) {
    assert.ok(record.length < 1_000);
    assert.equal(JSON.parse(record).gap.sequence.missing, 1);
  }
});

test('a cursor that is very deep or long is ignored; the feed resumes after the last good one', async (t) => {
  const { network, clock, texts, warnings } = await feedRig(t, { resume: RESUME, reconnect: { interval: '1s' } });
  network.last.opens();
  network.last.says('{"seq":7}');
  network.last.says(`{"seq":${DEEP}}`);
  network.last.says(`{"seq":"${LONG}"}`);
  await turn();
  assert.equal(texts().length, 3);
  network.last.ends();
  clock.advance(1_000);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['{"after":7}']);
  assert.equal(warnings().filter((line) => line.includes('resume.cursor')).length, 1);
});

test('a cursor that an earlier version has saved, and that cannot be used, does not stop the feed', async (t) => {
  const cursors = new MemoryCursors();
  await cursors.save('p wss://feed.example/ws', { cursor: DEEP, heardAt: 0 });
  const { network, warnings } = await feedRig(t, { resume: RESUME }, { cursors });
  network.last.opens();
  assert.deepEqual(network.last.sent, []);
  assert.match(warnings().join('\n'), /resume\.cursor .* is ignored/);
});

test('a cursor that JSONata needs longer for does not replace that of a later message', async (t) => {
  const slow = '${! json.n = 1 ? $string($count([1..15000][$ % 2 = 0]) - 7499) : json.n }';
  const { network, clock, texts } = await feedRig(t, {
    resume: { ...RESUME, cursor: slow },
    reconnect: { interval: '1s' },
  });
  network.last.opens();
  for (const n of [1, 2]) network.last.says(`{"n":${n}}`);
  for (let n = 0; n < 5_000 && texts().length < 2; n += 1) await turn();
  assert.equal(texts().length, 2);
  network.last.ends();
  clock.advance(1_000);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['{"after":2}']);
});

test('long ids are remembered by their hashes', async (t) => {
  const { feed, network, texts } = await feedRig(t, { dedupe: { id: '${! json.id }' } });
  network.last.opens();
  for (const id of [`${LONG}1`, `${LONG}2`, `${LONG}1`]) network.last.says(JSON.stringify({ id }));
  await turn();
  assert.equal(texts().length, 2);
  const json = JSON.stringify(`${LONG}1`);
  assert.ok(keyOfValue(json).length < 100);
  assert.deepEqual([feed.ids?.has(json), feed.ids?.has(keyOfValue(json))], [false, true]);
});

/** An expression that needs JSONata, whose value is there later. */
const slowly = (value: string) => `\${! ($x := $match("a", /a/).match; ${value}) }`;

test('a server that is faster than an expression is not read until what came is evaluated', async (t) => {
  const id = slowly('$string(json.seq) & $x');
  const cases = [
    { dedupe: { id } },
    { dedupe: { id }, overflow: 'drop_oldest' },
    { resume: { cursor: id } },
    { sequence: { value: slowly('$x = "a" ? json.seq : 0') } },
    { reconnect: { on: slowly('json.op = "bye" and $x = "a"') } },
    { heartbeat: { ping: '0s', reply: { when: slowly('json.op = "ping" and $x = "a"'), message: 'pong' } } },
    { heartbeat: { ping: '0s', expect: { within: '1h', frame: slowly('json.op = "beat" and $x = "a"') } } },
    { subscribe: { send: 'hello', expect: slowly('json.op = "welcome" and $x = "a"') } },
    { dedupe: { id }, reconnect: { every: '100s', overlap: '10s' } },
  ];
  for (const settings of cases) {
    const { network, clock, texts } = await feedRig(t, settings);
    network.last.opens();
    if ('every' in (settings.reconnect ?? {})) {
      clock.advance(100_000);
      network.last.opens();
    }
    const [socket] = network.sockets;
    assert.ok(socket);
    let sent = 0;
    while (!socket.isPaused && sent < 5_000) {
      sent += 1;
      socket.says(`{"seq":${sent}}`);
    }
    assert.ok(sent >= 1_000 && sent <= 1_002, `${JSON.stringify(settings)}: ${sent}`);
    for (let n = 0; n < 1_000 && texts().length < sent; n += 1) await turn();
    assert.equal(socket.isPaused, false);
    assert.equal(texts().length, sent);
  }
});

test('a pipeline that is congested meanwhile keeps the server waiting', async (t) => {
  const { feed, network } = await feedRig(t, { dedupe: { id: slowly('$string(json.seq) & $x') } });
  network.last.opens();
  for (let seq = 1; seq <= 1_001; seq += 1) network.last.says(`{"seq":${seq}}`);
  assert.equal(network.last.isPaused, true);
  feed.pause();
  feed.resume();
  assert.equal(network.last.isPaused, true, 'expressions are behind');
  feed.pause();
  for (let n = 0; n < 100; n += 1) await turn();
  assert.equal(network.last.isPaused, true, 'the gate is shut');
  feed.resume();
  assert.equal(network.last.isPaused, false);
});

test('a server whose messages all show a gap is not read while 1,000 records of gaps wait for their topic', async (t) => {
  const { network, topics } = await feedRig(t, { sequence: { value: '${! json.seq }' }, gap: { topic: 'gaps' } });
  network.last.opens();
  for (let turns = 0; turns < 1_100 && !network.last.isPaused; turns += 1) {
    for (const seq of [1, 3]) network.last.says(`{"seq":${seq}}`);
    await turn();
  }
  const records = topics.get('gaps')?.messages ?? [];
  assert.ok(network.last.isPaused && records.length <= 1_002, `${records.length}`);
  for (const record of records) record.ack();
  assert.equal(network.last.isPaused, false);
});
