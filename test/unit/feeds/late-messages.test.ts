import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turn } from '../actors/rig.ts';
import { feedRig } from './feed-rig.ts';

/* Messages that are still being evaluated when their connection is lost. */

/** An expression that needs JSONata, whose value is there later. */
const slowly = (value: string) => `\${! ($x := $match("a", /a/).match; ${value}) }`;
const PINGS = { ping: '0s', reply: { when: slowly('json.op = "ping" and $x = "a"') } };
const reconnect = { interval: '1ms' };

test('they belong to the connection that they came from, and go before those of the next one', async (t) => {
  const { network, clock, texts, counter, warnings } = await feedRig(t, {
    reconnect,
    heartbeat: PINGS,
    sequence: { value: '${! json.seq }' },
    ack: { message: { ack: '${! json.seq }' } },
  });
  network.last.opens();
  for (const seq of [7, 8, 9]) network.last.says(`{"seq":${seq}}`);
  network.last.ends();
  clock.advance(1);
  assert.equal(network.sockets.length, 1, 'there is no other connection yet');
  await turn();
  clock.advance(1);
  network.last.opens();
  for (const seq of [1, 2]) network.last.says(`{"seq":${seq}}`);
  await turn();
  assert.deepEqual(texts(), ['{"seq":7}', '{"seq":8}', '{"seq":9}', '{"seq":1}', '{"seq":2}']);
  assert.equal(counter('tidegate_remote_sequence_gaps_total', { kind: 'back' }), 0, warnings().join('\n'));
  assert.deepEqual(network.last.sent, ['{"ack":1}', '{"ack":2}']);
});

test('the next connection continues behind them', async (t) => {
  const rig = await feedRig(t, {
    reconnect,
    heartbeat: PINGS,
    resume: { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } },
  });
  const { network } = rig;
  network.last.opens();
  for (const seq of [1, 2]) network.last.says(`{"seq":${seq}}`);
  network.last.ends();
  await reconnected(rig);
  assert.deepEqual(network.last.sent, ['{"after":2}']);
});

test('one that asks for a new connection does not end the next one', async (t) => {
  const rig = await feedRig(t, { reconnect: { ...reconnect, on: slowly('json.op = "bye" and $x = "a"') } });
  const { network, counter } = rig;
  network.last.opens();
  network.last.says('{"op":"bye"}');
  network.last.ends();
  await reconnected(rig);
  await turn();
  assert.deepEqual([network.sockets.length, network.last.isEnded], [2, false]);
  assert.equal(counter('tidegate_remote_replaced_total', { cause: 'message' }), 0);
});

test('after a refusal they are answers of the server, and no records', async (t) => {
  const { network, texts, counter } = await feedRig(t, {
    heartbeat: PINGS,
    subscribe: { send: 'hello', expect: { op: 'welcome' }, reject: { op: 'no' } },
  });
  network.last.opens();
  network.last.says('{"op":"no"}');
  network.last.says('{"op":"bye"}');
  network.last.ends();
  await turn();
  assert.deepEqual(texts(), []);
  assert.equal(counter('tidegate_remote_dropped_total', { reason: 'refused' }), 2);
});

test('the gap begins when the connection is lost, not when they are evaluated', async (t) => {
  const { network, clock, messages } = await feedRig(t, { reconnect, heartbeat: PINGS, gap: { record: true } });
  network.last.opens();
  network.last.says('{"n":1}');
  const lostAt = clock.now();
  network.last.ends();
  clock.advance(5_000);
  await turn();
  clock.advance(1);
  network.last.opens();
  network.last.says('{"n":2}');
  await turn();
  const gap = messages.find(({ meta }) => meta.gap === true)?.json as { gap: { from: string } } | undefined;
  assert.equal(gap?.gap.from, new Date(lostAt).toISOString());
});

test('behind an overlap they keep their place, too, and do not end the gap', async (t) => {
  const { network, clock, texts, messages } = await feedRig(t, {
    reconnect: { every: '100s', overlap: '10s', interval: '1ms' },
    dedupe: { id: slowly('$string(json.seq) & $x') },
    gap: { record: true },
  });
  network.last.opens();
  clock.advance(100_000);
  network.last.opens();
  const [old] = network.sockets;
  old?.says('{"seq":1}');
  await turn();
  clock.advance(10_000);
  await turn();
  assert.equal(old?.isEnded, true);
  // The new connection may still repeat what the old one has received.
  for (const seq of [2, 3]) network.last.says(`{"seq":${seq}}`);
  network.last.ends();
  clock.advance(1);
  assert.equal(network.sockets.length, 3);
  await turn();
  clock.advance(5_000);
  network.last.opens();
  network.last.says('{"seq":4}');
  await turn();
  const gaps = messages.filter(({ meta }) => meta.gap === true);
  assert.deepEqual(
    texts().filter((text) => !text.includes('gap')),
    [1, 2, 3, 4].map((seq) => `{"seq":${seq}}`),
  );
  assert.deepEqual(
    gaps.map(({ json }) => (json as { gap: { seconds: number } }).gap.seconds),
    [5.001],
  );
});

test('behind an overlap they go before messages of a connection that is made at once', async (t) => {
  const { network, clock, texts } = await feedRig(t, {
    reconnect: { every: '100s', overlap: '10s', interval: '1ms' },
    dedupe: { id: slowly('$string(json.seq) & $x') },
  });
  network.last.opens();
  clock.advance(100_000);
  network.last.opens();
  network.sockets[0]?.says('{"seq":1}');
  await turn();
  clock.advance(10_000);
  await turn();
  for (const seq of [2, 3]) network.last.says(`{"seq":${seq}}`);
  network.last.ends();
  clock.advance(1);
  network.last.opens();
  network.last.says('{"seq":4}');
  for (let turns = 0; turns < 5; turns += 1) await turn();
  assert.deepEqual(
    texts(),
    [1, 2, 3, 4].map((seq) => `{"seq":${seq}}`),
  );
});

test('a feed that stops does not wait for them', async (t) => {
  const { feed, network } = await feedRig(t, { heartbeat: PINGS });
  network.last.opens();
  for (let n = 0; n < 500; n += 1) network.last.says(`{"n":${n}}`);
  await feed.close();
  assert.equal(network.last.isEnded, true);
});

// Helpers

/** As early as the gateway dials. */
async function reconnected({ network, clock }: Awaited<ReturnType<typeof feedRig>>): Promise<void> {
  clock.advance(1);
  if (network.last.isEnded) await turn();
  clock.advance(1);
  network.last.opens();
}

const WAITING = {
  'for heartbeat.reply': { heartbeat: PINGS },
  'for reconnect.on': { reconnect: { ...reconnect, on: slowly('json.op = "bye" and $x = "a"') } },
  'for dedupe': { dedupe: { id: slowly('$string(json.seq) & $x') } },
};

for (const [what, settings] of Object.entries(WAITING))
  test(`a feed that stops hands over messages that wait ${what}, before it is closed`, async (t) => {
    const { feed, network, texts } = await feedRig(t, settings);
    network.last.opens();
    for (const seq of [1, 2, 3]) network.last.says(`{"seq":${seq}}`);
    await feed.drain();
    await feed.close();
    assert.deepEqual(
      texts(),
      [1, 2, 3].map((seq) => `{"seq":${seq}}`),
    );
  });

test('a feed that stops within an overlap hands over the messages of both connections', async (t) => {
  const { feed, network, clock, texts } = await feedRig(t, {
    reconnect: { every: '100s', overlap: '10s' },
    heartbeat: PINGS,
    dedupe: { id: slowly('$string(json.seq) & $x') },
  });
  network.last.opens();
  clock.advance(100_000);
  network.last.opens();
  const [old] = network.sockets;
  old?.says('{"seq":1}');
  for (const seq of [1, 2]) network.last.says(`{"seq":${seq}}`);
  await feed.drain();
  await feed.close();
  assert.deepEqual(texts(), ['{"seq":1}', '{"seq":2}']);
});

test('a feed without messages that wait is drained at once', async (t) => {
  const { feed, network } = await feedRig(t, { heartbeat: PINGS });
  network.last.opens();
  assert.equal(feed.drain(), undefined);
});
