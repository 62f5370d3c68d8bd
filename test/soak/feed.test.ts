import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FeedServer } from '../helpers/feed-server.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { NumberFeed } from '../helpers/number-feed.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka, requireOwnKafka } from '../services/kafka.ts';

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const config = 'test/fixtures/feed-resume.yaml';

/** A topic holds 1, 2, 3, ... to the last number, each once. */
async function isWhole(brokers: string, topic: string, last: number): Promise<void> {
  const stored = (await readTopic(brokers, topic)).map(({ value }) => (JSON.parse(value) as { seq: number }).seq);
  assert.equal(stored.length, last);
  assert.deepEqual(
    stored.sort((a, b) => a - b),
    Array.from({ length: last }, (_, n) => n + 1),
  );
}

async function settledCount(gateway: GatewayProcess): Promise<number> {
  const { body } = await gateway.get('/metrics');
  return Number(/tidegate_remote_settled_total\{[^}]*\} (\d+)/.exec(body)?.[1] ?? 0);
}

test('a broker that freezes for 15 s slows the feed down; no message, connection or memory is lost', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const feed: NumberFeed = new NumberFeed(() => server);
  let cut = 0;
  const server: FeedServer = await FeedServer.start(t, {
    greet: (connection) => {
      feed.greet(connection);
      // As servers do: who does not answer a ping for long is cut.
      const { ws } = connection;
      let heardAt = Date.now();
      ws.on('pong', () => {
        heardAt = Date.now();
      });
      const timer = setInterval(() => {
        ws.ping();
        if (Date.now() - heardAt < 13_000) return;
        cut += 1;
        ws.terminate();
      }, 1_000);
      ws.on('close', () => clearInterval(timer));
    },
  });
  t.after(() => feed.halt());
  const topic = uniqueTopic('frozen');
  const gateway = await startGateway(t, {
    config,
    env: { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: server.url },
  });
  feed.start(20);
  await until(
    async () => (await settledCount(gateway)) > 2_000,
    30_000,
    () => gateway.output(),
  );
  kafka.pause();
  await sleep(15_000);
  const lag = feed.last - (await settledCount(gateway));
  assert.ok(lag > 30_000, `only ${lag} behind`);
  kafka.resume();
  await sleep(3_000);
  feed.halt();
  await until(
    async () => (await settledCount(gateway)) >= feed.last,
    60_000,
    () => `${feed.last} were said:\n${gateway.output()}`,
  );
  assert.equal(cut, 0);
  assert.equal(server.connections.length, 1);
  const peak =
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) / 1_024;
  assert.ok(peak < 300, `peak memory ${peak} MiB`);
  assert.equal(await gateway.stop(), 0);
  await isWhole(kafka.brokers, topic, feed.last);
  t.diagnostic(`${feed.last} numbers, ${lag} behind at the worst, peak ${peak.toFixed(0)} MiB`);
});

test('a feed that goes away 20 times loses nothing and doubles nothing, and every absence is on record', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const feed: NumberFeed = new NumberFeed(() => server);
  const server: FeedServer = await FeedServer.start(t, { greet: feed.greet });
  t.after(() => feed.halt());
  const topic = uniqueTopic('restarts');
  const gateway = await startGateway(t, {
    config,
    env: { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: server.url },
  });
  feed.start(10);
  for (let n = 1; n <= 20; n++) {
    const { length } = server.connections;
    if (length === 0) await server.connection(1);
    await sleep(Math.random() * 1_000);
    const before = server.connections.length;
    await server.stop();
    await sleep(Math.random() * 300);
    await server.restart();
    await server.connection(before + 1);
  }
  await sleep(1_000);
  feed.halt();
  await until(
    async () => (await settledCount(gateway)) >= feed.last,
    60_000,
    () => `${feed.last} were said:\n${gateway.output()}`,
  );
  assert.equal(await gateway.stop(), 0);
  assert.ok(server.mostAtOnce <= 1);
  await isWhole(kafka.brokers, topic, feed.last);
  const gaps = await readTopic(kafka.brokers, `${topic}.gaps`);
  assert.ok(gaps.length >= 15 && gaps.length <= 20, `${gaps.length} gaps`);
  t.diagnostic(`${feed.last} numbers, ${server.connections.length} connections, ${gaps.length} gaps`);
});
