import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterGateway, ConnectCluster } from '../helpers/connect-cluster.ts';
import { ResumableFeeds } from '../helpers/resumable-feeds.ts';
import { type KafkaService, requireOwnKafka } from '../services/kafka.ts';

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Two gateways with four feeds, whose broker is troubled by `trouble` for a while: afterwards everything is as it was. */
async function endures(
  kafka: KafkaService,
  feeds: ResumableFeeds,
  cluster: ConnectCluster,
  trouble: () => Promise<void>,
) {
  const [a, b] = (await cluster.startReady(2)) as [ClusterGateway, ClusterGateway];
  const topic = `${cluster.name}.numbers`;
  const names = ['feed-0', 'feed-1', 'feed-2', 'feed-3'];
  for (const name of names)
    assert.equal(
      (await a.api.insist('POST', '/connectors', { name, config: feeds.connector(name, topic) })).status,
      201,
    );
  for (const name of names) await b.api.state(name, 'RUNNING');
  feeds.speak(2);
  const isSaved = ({ api }: ClusterGateway, name: string, least: number) =>
    api.until(`/connectors/${name}/offsets`, ({ body }) => body.offsets?.[0]?.offset.cursor > least, 60_000);
  for (const name of names) await isSaved(a, name, 20);
  await trouble();
  for (const gateway of [a, b]) {
    await gateway.process.ready(60_000);
    for (const name of names) await gateway.api.state(name, 'RUNNING', 1, 60_000);
  }
  for (const name of names) await isSaved(b, name, feeds.of(name).last);
  const { body } = await a.api.call('GET', '/connectors?expand=status');
  for (const { worker } of [a, b]) assert.ok(JSON.stringify(body).includes(worker), `${worker} runs nothing`);
  const changed = await b.api.insist('PUT', '/connectors/feed-0/config', feeds.connector('feed-0', topic));
  assert.equal(changed.status, 200);
  feeds.halt();
  await feeds.isWhole(kafka.brokers, topic);
  for (const name of names) {
    assert.equal(feeds.live(name), 1);
    assert.equal(feeds.of(name).mostAtOnce, 1, `two sockets at once for ${name}`);
  }
  for (const { process } of [a, b]) assert.equal(await process.stop(), 0);
}

test('connectors survive the kill of a broker, and nothing is lost or doubled', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  await endures(kafka, feeds, new ConnectCluster(t, kafka.brokers), () => kafka.restart());
});

test('both gateways go on after a broker was frozen for longer than a session', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  await endures(kafka, feeds, new ConnectCluster(t, kafka.brokers), async () => {
    kafka.pause();
    await sleep(15_000);
    kafka.resume();
  });
});

test('connectors that move for a minute lose nothing and have one socket each', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  const cluster = new ConnectCluster(t, kafka.brokers);
  const gateways = await cluster.startReady(2);
  const [first] = gateways as [ClusterGateway];
  const topic = `${cluster.name}.numbers`;
  const names = Array.from({ length: 8 }, (_, n) => `feed-${n}`);
  for (const name of names)
    assert.equal(
      (await first.api.insist('POST', '/connectors', { name, config: feeds.connector(name, topic) })).status,
      201,
    );
  for (const name of names) await first.api.state(name, 'RUNNING');
  feeds.speak(1);
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    gateways.push(await cluster.start());
    await sleep(Math.random() * 3_000);
    await gateways.shift()?.process.stop(signal);
    await sleep(Math.random() * 3_000);
  }
  const [one] = gateways as [ClusterGateway];
  await one.process.ready(60_000);
  for (const name of names) await one.api.state(name, 'RUNNING', 1, 60_000);
  feeds.halt();
  // What was stored when a gateway was killed, and whose cursor was not saved, comes again.
  const repeated = new Map<string, number>();
  await feeds.isWhole(kafka.brokers, topic, (feed) => {
    repeated.set(feed, (repeated.get(feed) ?? 0) + 1);
    return true;
  });
  // 100 numbers a second; two gateways were killed.
  for (const [feed, count] of repeated) assert.ok(count < 2 * 300, `${count} numbers of ${feed} came again`);
  for (const name of names) {
    assert.equal(feeds.live(name), 1);
    assert.equal(feeds.of(name).mostAtOnce, 1, `two sockets at once for ${name}`);
  }
  t.diagnostic(`came again: ${[...repeated].map(([feed, count]) => `${feed} ${count}`).join(', ')}`);
});
