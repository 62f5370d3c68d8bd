import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { LoadClient, lost } from '../helpers/load.ts';
import { countIds, readTopic } from '../helpers/topic-content.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { requireKafkaCluster } from '../services/kafka-cluster.ts';

const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 2);
const TOPICS = { messages: 6, orders: 6 };

/*
 * Leaders and coordinators move when brokers die and when they come back: every partition has another leader a few
 * times, under load, in both directions.
 */
test(`three brokers, each killed ${ROUNDS} times: no acked message is lost or doubled, readers go on`, {
  timeout: 300_000 + ROUNDS * 180_000,
}, async (t) => {
  const cluster = await requireKafkaCluster(t);
  if (cluster === undefined) return;
  const { brokers, nodes } = cluster;
  const kafka = await KafkaAdmin.connect(t, brokers);
  await kafka.admin.createTopics({
    topics: Object.entries(TOPICS).map(([topic, numPartitions]) => ({ topic, numPartitions, replicationFactor: 3 })),
    waitForLeaders: true,
  });
  const env = { KAFKA_BROKERS: brokers };
  const writing = await startGateway(t, { config: 'test/fixtures/tight.yaml', env });
  const reading = await startGateway(t, { config: 'test/fixtures/topics.yaml', env });
  await Promise.all([writing.ready(), reading.ready()]);
  const url = `ws://127.0.0.1:${writing.port}/ws`;
  const clients = await Promise.all(['a', 'b', 'c', 'd'].map((name) => LoadClient.open(name, url, 2)));
  const members = await Promise.all([1, 2, 3].map(() => TopicsClient.open(reading.port, '/open')));
  const seen = new Set<string>();
  for (const member of members) {
    const subscription = { t: 'messages', consumer_group: 'readers', from: 'earliest' };
    assert.equal((await member.topic('subscribe', subscription)).s, 0);
  }
  const acked = () => clients.reduce((sum, client) => sum + client.acked.size, 0);
  const goesOn = async (what: string) => {
    const before = acked();
    await until(
      () => acked() > before + 500,
      60_000,
      () => `${what}: nothing is acked any more`,
    );
  };
  await goesOn('at the start');

  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, node] of nodes.entries()) {
      await node.kill();
      await goesOn(`round ${round}, without broker ${at + 1}`);
      await node.restart();
      await until(
        async () => (await outOfSync(kafka)) === 0,
        90_000,
        () => `broker ${at + 1} does not catch up`,
      );
      await goesOn(`round ${round}, with broker ${at + 1} again`);
    }
  }

  for (const client of clients) client.halt();
  await until(
    () => clients.every(({ unanswered }) => unanswered === 0),
    60_000,
    () => 'not everything is answered',
  );
  const stored = countIds(await readTopic(brokers, 'messages'));
  assert.deepEqual(lost(clients, stored), []);
  assert.ok(
    [...stored.values()].every((times) => times === 1),
    'a record is stored twice',
  );
  assert.deepEqual(
    clients.map(({ retryable, refused, client }) => [retryable.size, refused.size, client.closed]),
    clients.map(() => [0, 0, undefined]),
  );
  const take = () => {
    for (const { contents } of members) for (const content of contents) seen.add(idOf(content ?? ''));
    return seen.size;
  };
  await until(
    () => take() === stored.size,
    60_000,
    () => `${take()} of ${stored.size} records came to the members`,
  );
  t.diagnostic(`${stored.size} records`);
});

function idOf(content: string): string {
  return String((JSON.parse(content) as { id?: unknown }).id);
}

/** Copies of partitions that are behind. */
async function outOfSync({ admin }: KafkaAdmin): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: Object.keys(TOPICS) });
  return topics
    .flatMap(({ partitions }) => partitions)
    .reduce((sum, { replicas, isr }) => sum + replicas.length - isr.length, 0);
}
