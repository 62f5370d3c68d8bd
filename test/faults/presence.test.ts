import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { ChatClient } from '../helpers/chat-client.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { RoomClient } from '../helpers/room-client.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { type KafkaService, requireOwnKafka } from '../services/kafka.ts';

const CHURN = 80;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('who is in a room, when gateways and brokers stand still and the log is compacted', {
  concurrency: true,
}, async (t) => {
  const properties = { 'group.initial.rebalance.delay.ms': '0' };
  const kafka = await requireOwnKafka(t, { properties });
  if (kafka === undefined) return;
  await Promise.all([
    t.test('a gateway that starts after a real compaction sees what all others see', (each) => compaction(each, kafka)),
    t.test('a gateway that was frozen past its death sends its clients away and works on as another one', (each) =>
      frozenGateway(each, kafka),
    ),
  ]);
  await t.test('a broker that freezes for 15 s, longer than a lease, ends nobody', (each) => frozenBroker(each, kafka));
});

async function compaction(t: TestContext, kafka: KafkaService): Promise<void> {
  const topic = uniqueTopic('compacted');
  const presence = [`_tidegate.${topic}.presence`, `_tidegate.${topic}.chat.presence`] as const;
  await createHastyTopics(kafka.brokers, presence);
  const room = { topic, lease: '3s' };
  const [one, other] = await startGateways(t, kafka.brokers, room, 2);
  assert.ok(one && other);
  const members = await Promise.all([one, other].map(joinRoom));
  const stayers = [await ChatClient.join(one.port, 'Stan'), await ChatClient.join(other.port, 'Stella')];
  // One of them wins; the claim of the one that lost stands behind the other's, which compaction must not mix up.
  const twins = await Promise.all([one, other].map(({ port }) => ChatClient.join(port, 'Twin')));
  const [winner, ...more] = twins.filter(({ isIn }) => isIn);
  assert.ok(winner && more.length === 0);
  for (let n = 0; n < CHURN; n += 1) {
    const { port } = n % 2 === 0 ? one : other;
    const passers = await Promise.all([
      ChatClient.join(port, `Passer${n}`),
      RoomClient.join(`ws://127.0.0.1:${port}/ws`),
    ]);
    for (const passer of passers) await passer.close();
  }
  for (const name of presence) t.diagnostic(await compacted(kafka.brokers, name));

  const [third] = await startGateways(t, kafka.brokers, room, 1);
  assert.ok(third);
  const newcomer = await joinRoom(third);
  const ids = [...members, newcomer].map(({ id }) => id);
  for (const client of [...members, newcomer]) await client.knows(ids);
  for (const name of ['Stan', 'Stella', 'Twin']) {
    const again = await ChatClient.join(third.port, name);
    assert.deepEqual(again.closed, { code: 1003, reason: 'Username already exists.' }, name);
  }
  for (const n of [0, 1, CHURN - 2, CHURN - 1]) {
    const again = await ChatClient.join(third.port, `Passer${n}`);
    assert.ok(again.isIn, `Passer${n} is not free: ${again.closed?.reason}`);
  }
  await stayers[0]?.hears(`Passer${CHURN - 1} left the chat`);
  await winner.close();
  await stayers[0]?.hears('Twin left the chat');
  assert.ok((await ChatClient.join(third.port, 'Twin')).isIn);
  for (const gateway of [one, other, third]) {
    // The others hear of the last one a moment later.
    await until(
      async () => (await figure(gateway, 'tidegate_presence_members', 'chat')) === 7,
      10_000,
      () => `not 7 members:\n${gateway.output()}`,
    );
    assert.equal(await figure(gateway, 'tidegate_presence_gateways', 'chat'), 2);
  }
}

async function frozenGateway(t: TestContext, kafka: KafkaService): Promise<void> {
  const [frozen, other] = await startGateways(t, kafka.brokers, { topic: uniqueTopic('frozen'), lease: '3s' }, 2);
  assert.ok(frozen && other);
  const [sleeper, observer] = [await joinRoom(frozen), await joinRoom(other)];
  const frida = await ChatClient.join(frozen.port, 'Frida');
  const olga = await ChatClient.join(other.port, 'Olga');
  await observer.knows([sleeper.id, observer.id]);

  frozen.process.kill('SIGSTOP');
  await observer.knows([observer.id]);
  await olga.hears('Frida left the chat');
  const heir = await ChatClient.join(other.port, 'Frida');
  assert.ok(heir.isIn, heir.closed?.reason);
  frozen.process.kill('SIGCONT');

  for (const client of [sleeper, frida]) {
    await client.until(() => client.closed !== undefined);
    assert.deepEqual(client.closed, { code: 1012, reason: 'service restart' });
  }
  await frozen.ready();
  assert.equal(await figure(frozen, 'tidegate_presence_fenced_total', 'chat'), 1);
  const twin = await ChatClient.join(frozen.port, 'Frida');
  assert.deepEqual(twin.closed, { code: 1003, reason: 'Username already exists.' });
  const [again, gerd] = [await joinRoom(frozen), await ChatClient.join(frozen.port, 'Gerd')];
  for (const client of [again, observer]) await client.knows([again.id, observer.id]);
  assert.notEqual(again.id, sleeper.id);
  gerd.say('I am back');
  for (const client of [gerd, heir, olga]) await client.hears('Gerd: I am back');
  again.send({ type: 'broadcast-one', targetId: observer.id, message: 'me, too' });
  await observer.until(() => observer.of('direct').length === 1);
  assert.ok([observer, olga, heir].every(({ closed }) => closed === undefined));
  assert.deepEqual(
    olga.lines.filter((line) => /Frida|Gerd/.test(line)),
    ['Frida left the chat', 'Frida connected to chat', 'Gerd connected to chat', 'Gerd: I am back'],
  );
}

async function frozenBroker(t: TestContext, kafka: KafkaService): Promise<void> {
  const gateways = await startGateways(t, kafka.brokers, { topic: uniqueTopic('broker'), lease: '10s' }, 2);
  const clients = await Promise.all([...gateways, ...gateways].map(joinRoom));
  const names = ['Ann', 'Bob'];
  const chat = await Promise.all(gateways.map(({ port }, at) => ChatClient.join(port, names[at] as string)));
  const ids = clients.map(({ id }) => id);
  for (const client of clients) await client.knows(ids);
  let said = 0;
  const say = () => {
    for (const client of clients) client.send({ type: 'broadcast', message: said });
    said += 1;
  };

  for (let n = 0; n < 20; n += 1) say();
  kafka.pause();
  for (let second = 0; second < 15; second += 1) {
    say();
    await sleep(1_000);
  }
  kafka.resume();
  for (let n = 0; n < 20; n += 1) say();
  for (const client of clients) {
    await client.until(() => client.of('kafka').length >= said * clients.length, 30_000);
    for (const id of ids)
      assert.deepEqual(
        client
          .of('kafka')
          .filter(({ from }) => from === id)
          .map(({ message }) => message),
        Array.from({ length: said }, (_, n) => n),
      );
  }
  // Whoever was held for dead would be announced as gone with the first leases after the standstill.
  await sleep(4_000);
  for (const client of clients) {
    assert.deepEqual([client.closed, client.of('client-disconnected')], [undefined, []]);
    assert.deepEqual(client.room, [...ids].sort());
  }
  for (const { closed, lines } of chat) {
    assert.equal(closed, undefined);
    assert.ok(!lines.some((line) => line.endsWith('left the chat')));
  }
  for (const gateway of gateways)
    for (const endpoint of ['rooms', 'chat'])
      assert.equal(await figure(gateway, 'tidegate_presence_declared_dead_total', endpoint), 0);
}

async function startGateways(
  t: TestContext,
  brokers: string,
  room: { readonly topic: string; readonly lease: string },
  count: number,
): Promise<GatewayProcess[]> {
  const env = { KAFKA_BROKERS: brokers, TOPIC: room.topic, LEASE: room.lease };
  const start = () => startGateway(t, { config: 'test/fixtures/members.yaml', env });
  const gateways = await Promise.all(Array.from({ length: count }, start));
  await Promise.all(gateways.map((gateway) => gateway.ready()));
  return gateways;
}

function joinRoom({ port }: GatewayProcess): Promise<RoomClient> {
  return RoomClient.join(`ws://127.0.0.1:${port}/ws`);
}

/** Compacted topics that the broker cleans as soon as it can, for gateways that find them already there. */
async function createHastyTopics(brokers: string, topics: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const config = {
    'cleanup.policy': 'compact',
    'segment.ms': '1000',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '100',
  };
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1, configEntries })) });
  await admin.disconnect();
}

/** Resolves when those who came and went have left no trace but in the newest records. */
async function compacted(brokers: string, topic: string): Promise<string> {
  let [left, end] = [0, 0];
  await until(
    async () => {
      const records = await readTopic(brokers, topic);
      left = records.filter(({ key }) => key?.includes('/member/')).length;
      end = (records.at(-1)?.offset ?? 0) + 1;
      return end > 2 * CHURN && left < CHURN / 4;
    },
    20_000,
    () => `${topic} is not compacted: ${left} of ${end} records are left that are about members`,
  );
  return `${left} of ${end} records are left that are about members`;
}

async function figure(gateway: GatewayProcess, name: string, endpoint: string): Promise<number> {
  const { body } = await gateway.get('/metrics');
  const line = new RegExp(`^${name}\\{[^}]*endpoint="${endpoint}"[^}]*\\} (\\d+)`, 'm').exec(body);
  assert.ok(line, `there is no ${name} of ${endpoint}`);
  return Number(line[1]);
}
