import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { requireOwnKafka } from '../services/kafka.ts';
import { COMMIT_INTERVAL, TopicChaos } from './topic-chaos.ts';

const RECORDS = 100_000;
/** The longest time that a pong, a commit or the end of a process takes on a busy machine, in milliseconds. */
const SLACK = 2_000;

test('killed clients and gateways lose and reorder nothing for 200 clients in one group', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const chaos = await TopicChaos.start(t, kafka.brokers, 12);
  await Promise.all([chaos.startGateway('a'), chaos.startGateway('b')]);
  await Promise.all([chaos.join('a', 100), chaos.join('b', 100)]);
  const producing = chaos.produce(RECORDS, 8_000);
  const stopKilling = chaos.keepKilling(100);
  await chaos.reaches(RECORDS * 0.25);
  await chaos.startGateway('c');
  await chaos.join('c', 40);
  await chaos.reaches(RECORDS * 0.6);
  await chaos.killGateway('b');
  await producing;
  await stopKilling();

  const { faults, repeats } = await chaos.end();
  const { 'client killed': clients, 'gateway killed': gateways, 'assigned again': assigned } = repeats;
  t.diagnostic(chaos.describe());
  assert.deepEqual(faults.slice(0, 10), []);
  assert.equal(chaos.ledger.distinct, RECORDS);
  assert.ok(chaos.killed > 10, `only ${chaos.killed} clients were killed`);
  assert.ok(chaos.closed >= 80, `only ${chaos.closed} clients lost their gateway`);
  assert.ok(clients.count + gateways.count + chaos.unread > 0, 'no record was in flight when clients were killed');
  assert.ok(clients.age <= SLACK, `a record that came ${clients.age} ms before its client was killed is not confirmed`);
  for (const { age } of [gateways, assigned])
    assert.ok(age <= COMMIT_INTERVAL + SLACK, `a record that came ${age} ms before is not committed`);
});

test('without a broker requests get a retryable error, and everything continues when it is back', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const gateway = await startGateway(t, {
    config: 'test/fixtures/topics.yaml',
    env: { KAFKA_BROKERS: kafka.brokers },
  });
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  await admin.create('orders');
  await gateway.ready();
  const [member, newcomer] = [
    await TopicsClient.open(gateway.port, '/open'),
    await TopicsClient.open(gateway.port, '/open'),
  ];
  const subscription = { t: 'orders', consumer_group: 'members', from: 'earliest' };
  assert.equal((await member.topic('subscribe', subscription)).s, 0);
  await member.publish('orders', 'before');
  await member.receives(1);

  await kafka.kill();
  await until(
    async () => (await gateway.get('/ready')).status === 503,
    20_000,
    () => 'the gateway has not noticed that its log is away',
  );
  const published = member.publish('orders', 'meanwhile');
  const refused = [
    await newcomer.topic('subscribe', { ...subscription, consumer_group: 'newcomers' }),
    await newcomer.topic('create', ['later']),
    await newcomer.topic('list'),
  ];
  for (const { s, code, retryable, p } of refused) {
    assert.deepEqual([s, code, retryable], [1, 'TG_LOG_UNAVAILABLE', true]);
    assert.match(String(p), /cannot be reached|connect|away/i);
  }
  assert.equal((await newcomer.ask('health', undefined)).s, 0);
  assert.equal((await member.topic('pause')).s, 0);
  assert.equal((await member.topic('resume')).s, 0);

  await kafka.restart();
  assert.equal((await published).s, 0);
  await member.receives(2, 60_000);
  assert.deepEqual(member.contents.slice(-1), ['meanwhile']);
  await gateway.ready();
  assert.equal((await newcomer.topic('subscribe', { ...subscription, consumer_group: 'newcomers' })).s, 0);
  await newcomer.receives(2);
  assert.deepEqual(newcomer.contents, ['before', 'meanwhile']);
  assert.deepEqual([member.closed, newcomer.closed], [undefined, undefined]);
});
