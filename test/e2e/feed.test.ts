import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { NumberFeed } from '../helpers/number-feed.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const seqs = (records: readonly { value: string }[]) =>
  records.map(({ value }) => (JSON.parse(value) as { seq: number }).seq);
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);

/** Messages that a gateway with one feed has stored. */
async function settledCount(gateway: GatewayProcess): Promise<number> {
  const { body } = await gateway.get('/metrics');
  return Number(/tidegate_remote_settled_total\{[^}]*\} (\d+)/.exec(body)?.[1] ?? 0);
}

/** A figure of the last status line. */
function told(output: string, what: 'received' | 'produced'): number {
  return Number([...output.matchAll(new RegExp(`(\\d+) ${what}`, 'g'))].at(-1)?.[1]);
}

test('a burst of 100,000 frames arrives whole and in order, while the gate shuts and opens', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const count = 100_000;
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      for (let n = 1; n <= count; n++) ws.send(`{"seq":${n},"text":"${'x'.repeat(60)}"}`);
    },
  });
  const topic = uniqueTopic('burst');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: server.url };
  const gateway = await startGateway(t, { config: 'test/fixtures/feed.yaml', env });
  await until(
    async () => (await settledCount(gateway)) === count,
    60_000,
    () => `not all were settled:\n${gateway.output().slice(-2_000)}`,
  );
  assert.equal(await gateway.stop(), 0);
  const stored = await readTopic(kafka.brokers, topic);
  assert.deepEqual(seqs(stored), numbers(1, count));
  assert.deepEqual([stored[0]?.key, stored[0]?.headers], [undefined, {}]);
  assert.equal(server.connections.length, 1);
});

test('SIGTERM in the middle of a burst: what was read is in the topic, to the last frame', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      let sent = 0;
      // Without an end, so that the gateway is stopped in the middle, however slow this machine is.
      const burst = () => {
        if (ws.readyState !== ws.OPEN) return;
        if (ws.bufferedAmount < 1_048_576) for (const end = sent + 1_000; sent < end; ) ws.send(`{"seq":${++sent}}`);
        setImmediate(burst);
      };
      burst();
    },
  });
  const topic = uniqueTopic('stop');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: server.url };
  const gateway = await startGateway(t, { config: 'test/fixtures/feed.yaml', env });
  await until(
    async () => (await settledCount(gateway)) > 0,
    30_000,
    () => 'nothing came',
  );
  assert.equal(await gateway.stop(), 0);
  const received = told(gateway.output(), 'received');
  assert.equal(told(gateway.output(), 'produced'), received);
  assert.ok(received > 0);
  assert.deepEqual(seqs(await readTopic(kafka.brokers, topic)), numbers(1, received));
  assert.doesNotMatch(gateway.output(), /not known to be stored|wait for their pipeline/);
});

test('a cursor: lost connections and restarts lose and double nothing; a kill may double the last second', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const feed: NumberFeed = new NumberFeed(() => server);
  const server: FeedServer = await FeedServer.start(t, { greet: feed.greet });
  t.after(() => feed.halt());
  const topic = uniqueTopic('resume');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: server.url };
  const start = () => startGateway(t, { config: 'test/fixtures/feed-resume.yaml', env });
  let gateway = await start();
  const outputs: string[] = [];
  /** Waits until this process has stored so many numbers, of which it was sent more. */
  const settledIs = (least: number) =>
    until(
      async () => (await settledCount(gateway)) >= least,
      30_000,
      () => `not ${least} were settled:\n${gateway.output()}`,
    );
  feed.start(10);

  // The server goes away and comes back.
  for (let n = 1; n <= 4; n++) {
    await settledIs(200 * n);
    const { length } = server.connections;
    await server.stop();
    await server.restart();
    await server.connection(length + 1);
  }
  // So does the gateway, in an orderly way.
  for (let n = 0; n < 2; n++) {
    await settledIs(n === 0 ? 1_000 : 200);
    assert.equal(await gateway.stop(), 0);
    outputs.push(gateway.output());
    gateway = await start();
  }
  await settledIs(200);
  const orderly = feed.last;
  // Two seconds more: the cursor is saved once a second.
  await settledIs(orderly - (feed.resumedAfter.at(-1) ?? 0) + 4_000);

  // A kill loses nothing either; what was stored and whose cursor was not comes twice.
  await gateway.stop('SIGKILL');
  const { length } = feed.resumedAfter;
  gateway = await start();
  await settledIs(200);
  feed.halt();
  const [after] = feed.resumedAfter.slice(length) as [number];
  await settledIs(feed.last - after);
  assert.equal(await gateway.stop(), 0);
  outputs.push(gateway.output());
  const stored = seqs(await readTopic(kafka.brokers, topic));
  const kept = new Set(stored);
  const lost = numbers(1, feed.last).filter((seq) => !kept.has(seq));
  assert.equal(lost.length, 0, `${lost.length} are lost, from ${lost[0]} on; resumed behind ${feed.resumedAfter}`);
  const twice = stored.length - feed.last;
  assert.ok(after > orderly, `it went on behind ${after}, before ${orderly}`);
  assert.deepEqual(sorted(stored.filter((seq) => seq <= after)), numbers(1, after));

  // Each time without a connection is on record, and the token is nowhere.
  const gaps = (await readTopic(kafka.brokers, `${topic}.gaps`)).map(
    ({ value }) => (JSON.parse(value) as { gap: { seconds: number; reason: string; resumed: boolean } }).gap,
  );
  assert.ok(gaps.length >= 7, `${gaps.length} gaps`);
  assert.ok(gaps.every(({ seconds, resumed: isResumed }) => seconds >= 0 && isResumed));
  assert.ok(gaps.some(({ reason }) => reason === 'the feed was not running'));
  assert.ok(feed.tokens.every((token) => token === 'secret-of-the-test'));
  assert.doesNotMatch(outputs.join('\n'), /secret-of-the-test/);
  t.diagnostic(
    `${feed.last} numbers, ${feed.tokens.length} connections, ${gaps.length} gaps, ${twice} twice after the kill`,
  );
});

test('records go out to a server in order, and those that it has not confirmed again when it comes back', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const server = await FeedServer.start(t);
  const topic = uniqueTopic('out');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, REMOTE_URL: server.url };
  const gateway = await startGateway(t, { config: 'test/fixtures/feed-out.yaml', env });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/in`);
  const count = 5_000;
  for (let n = 1; n <= count; n++) client.ws.send(`{"seq":${n}}`);
  const got = () => new Set(server.connections.flatMap(({ received }) => received));
  for (const part of [0.2, 0.5, 0.8]) {
    await until(
      () => got().size >= count * part,
      30_000,
      () => gateway.output(),
    );
    // Cut in the middle, with frames in flight.
    for (const { ws } of server.live) ws.terminate();
  }
  await until(
    () => got().size === count,
    30_000,
    () => `only ${got().size} came:\n${gateway.output()}`,
  );
  for (const { received } of server.connections) {
    const run = received.map((value) => (JSON.parse(value) as { seq: number }).seq);
    assert.deepEqual(run, numbers(run[0] ?? 1, (run[0] ?? 1) + run.length - 1));
  }
  assert.ok(server.mostAtOnce <= 1);
  assert.equal(await gateway.stop(), 0);
});

test('servers that misbehave say what is wrong, are tried again at their pace, and hurt no other', async (t) => {
  const good = await FeedServer.start(t, { greet: ({ ws }) => setInterval(() => ws.send('x'), 50).unref() });
  const slams = await FeedServer.start(t, { greet: ({ ws }) => ws.close(4000, 'go away') });
  const refuses = await FeedServer.start(t);
  refuses.answer = { status: 401, headers: { 'x-said': 'secret-in-token' } };
  const huge = await FeedServer.start(t, { greet: ({ ws }) => ws.send(Buffer.alloc(8 * 1_048_576)) });
  const denied = await FeedServer.start(t, {
    choose: () => false,
    greet: ({ ws, url }) => {
      ws.send('hello');
      ws.on('message', () => ws.send(JSON.stringify({ success: false, why: `not with ${url}` })));
    },
  });
  const once = await FeedServer.start(t);
  const env = {
    GOOD_URL: good.url,
    SLAMS_URL: slams.url,
    REFUSES_URL: refuses.url,
    HUGE_URL: huge.url,
    DENIED_URL: denied.url,
    ONCE_URL: once.url,
  };
  const gateway = await startGateway(t, { config: 'test/fixtures/feed-trouble.yaml', env });
  await gateway.ready();
  const connection = await once.connection(1);
  await until(
    () => slams.handshakes >= 5 && refuses.handshakes >= 5 && huge.handshakes >= 3 && denied.handshakes >= 3,
    30_000,
    () => gateway.output(),
  );
  // A server that is away is no reason to take the gateway out of service; a feed that has ended for good is.
  assert.equal((await gateway.get('/ready')).status, 200);
  connection.ws.close(1001, 'moving');
  await until(
    async () => (await gateway.get('/ready')).status === 503,
    30_000,
    () => gateway.output(),
  );
  const { body } = await gateway.get('/ready');
  assert.match(
    body,
    /the pipeline once: lost the connection to ws:\/\/127.0.0.1:\d+: the server closed with 1001 .*moving.*; reconnect.enabled is false/,
  );

  const metrics = (await gateway.get('/metrics')).body;
  const counted = (pattern: RegExp) => Number(pattern.exec(metrics)?.[1] ?? 0);
  assert.ok(counted(/tidegate_remote_settled_total\{[^}]*pipelines.good[^}]*\} (\d+)/) > 5);
  assert.equal(counted(/tidegate_remote_live\{[^}]*pipelines.good[^}]*\} (\d+)/), 1);
  assert.equal(counted(/tidegate_remote_live\{[^}]*pipelines.refuses[^}]*\} (\d+)/), 0);
  assert.ok(counted(/tidegate_remote_lost_total\{[^}]*pipelines.slams[^}]*reason="closed"[^}]*\} (\d+)/) >= 4);
  assert.ok(
    counted(/tidegate_remote_failed_tries_total\{[^}]*pipelines.refuses[^}]*reason="refused"[^}]*\} (\d+)/) >= 4,
  );
  assert.ok(counted(/tidegate_remote_lost_total\{[^}]*pipelines.huge[^}]*reason="too_big"[^}]*\} (\d+)/) >= 2);

  assert.equal(denied.connections[0]?.url, '/feed?key=secret-in-token%2F2');
  assert.ok(
    counted(/tidegate_remote_failed_tries_total\{[^}]*pipelines.denied[^}]*reason="refused"[^}]*\} (\d+)/) >= 2,
  );
  assert.equal(counted(/tidegate_remote_settled_total\{[^}]*pipelines.denied[^}]*\} (\d+)/), 0);

  const output = gateway.output();
  assert.match(
    output,
    /the server refuses message 1 of subscribe; the server said: .*not with \/feed\?key=\*\*\*.*; the next attempt is in 200ms/,
  );
  assert.match(output, /the server closed with 4000 .*go away.*; the next attempt is in \d+ms/);
  assert.match(output, /answers 401 Unauthorized: it wants other credentials/);
  assert.match(output, /larger than max_frame \(1MiB\)/);
  assert.doesNotMatch(output + metrics + body, /secret-in-/);
  assert.equal(await gateway.stop(), 0);
  for (const server of [good, slams, refuses, huge, denied, once]) assert.ok(server.mostAtOnce <= 1);
});
