import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { ChatClient } from '../helpers/chat-client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { RoomClient } from '../helpers/room-client.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const LEASE = 3_000;

test('the clients of two gateways are in one room', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('rooms');
  // The example for S3's users, by their names for its settings.
  const env = { KAFKA_BROKER: kafka.brokers, KAFKA_TOPIC: topic };
  const start = () => startGateway(t, { config: 'config/examples/rooms.yaml', env });
  const gateways = await Promise.all([start(), start()]);
  await Promise.all(gateways.map((gateway) => gateway.ready()));
  const urls = gateways.map(({ port }) => `ws://127.0.0.1:${port}`) as [string, string];
  const others = await Promise.all(urls.flatMap((url) => [1, 2, 3].map(() => RoomClient.join(`${url}/ws`))));
  // A page that was opened from a file.
  const page = await RoomClient.join(`${urls[0]}/`, { origin: 'null' });
  const clients = [page, ...others];
  const ids = clients.map(({ id }) => id);

  await t.test('each client has its own id, which all others know', async () => {
    assert.equal(new Set(ids).size, clients.length);
    for (const { id } of clients) assert.match(id, /^client-\d+$/);
    for (const client of clients) {
      await client.knows(ids);
      const [first, second] = client.frames;
      assert.deepEqual([first?.type, second?.type], ['welcome', 'client-list'], 'a newcomer gets the whole list');
      assert.ok(second?.clients?.includes(client.id));
      const announced = client.of('client-connected').map(({ clientId }) => clientId);
      assert.equal(new Set(announced).size, announced.length, 'a client is announced twice');
      assert.ok(!announced.includes(client.id), 'a client is announced to itself');
    }
  });

  await t.test('a broadcast reaches all clients once, in the order of the sender', async () => {
    for (let n = 0; n < 30; n += 1)
      for (const client of clients)
        client.send({ type: n % 2 === 0 ? 'broadcast-all' : 'broadcast', message: `${client.id} says ${n}` });
    for (const client of clients) {
      await client.until(() => client.of('kafka').length >= 30 * clients.length);
      for (const { id } of clients) {
        const heard = client.of('kafka').filter(({ from }) => from === id);
        assert.deepEqual(
          heard.map(({ message }) => message),
          Array.from({ length: 30 }, (_, n) => `${id} says ${n}`),
        );
        assert.ok(heard.every(({ timestamp }) => Math.abs(Date.now() - Date.parse(timestamp ?? '')) < 60_000));
      }
    }
  });

  await t.test('the records are JSON of from, message and timestamp, keyed by the sender', async () => {
    const records = await readTopic(kafka.brokers, topic);
    assert.equal(records.length, 30 * clients.length);
    for (const { key, value } of records) {
      const said = JSON.parse(value) as Record<string, unknown>;
      assert.deepEqual(Object.keys(said).sort(), ['from', 'message', 'timestamp']);
      assert.equal(said.from, key);
      assert.equal(new Date(String(said.timestamp)).toISOString(), said.timestamp);
    }
  });

  await t.test('a record of any other producer arrives as a message', async () => {
    const foreign = ['plain words', '{"temperature":21}', '[1,2]'];
    await produce(kafka.brokers, topic, foreign);
    const heard = (client: RoomClient) => client.of('kafka').filter(({ from }) => from === 'a thermometer');
    for (const client of clients) {
      await client.until(() => heard(client).length >= foreign.length);
      assert.deepEqual(
        heard(client).map(({ message }) => message),
        foreign,
      );
    }
  });

  await t.test('a direct message reaches its target on either gateway, and no other client', async () => {
    for (const from of clients)
      for (const to of clients)
        from.send({ type: 'broadcast-one', targetId: to.id, message: `from ${from.id} to ${to.id}` });
    for (const client of clients) {
      await client.until(() => client.of('direct').length >= clients.length);
      const heard = client.of('direct').map(({ from, message }) => ({ from, message }));
      const expected = ids.map((id) => ({ from: id, message: `from ${id} to ${client.id}` }));
      assert.deepEqual(heard.sort(byFrom), expected.sort(byFrom));
    }
  });

  await t.test('an unknown target gives the sender an error and nothing else', async () => {
    page.send({ type: 'broadcast-one', targetId: 'client-0', message: 'Hello?' });
    page.send({ type: 'kick-one', targetId: 'nobody' });
    await page.until(() => page.of('error').length === 2);
    assert.deepEqual(
      page.of('error').map(({ message }) => message),
      ['there is no client client-0', 'there is no client nobody'],
    );
    assert.ok(clients.every(({ closed }) => closed === undefined));
  });

  await t.test('/health on the port of the clients tells the four facts', async () => {
    for (const [at, url] of urls.entries()) {
      const response = await fetch(`${url.replace('ws', 'http')}/health`);
      const { status, timestamp, clients: count, kafka: link } = (await response.json()) as Record<string, unknown>;
      assert.deepEqual([response.status, status, count, link], [200, 'healthy', at === 0 ? 4 : 3, 'connected']);
      assert.ok(Math.abs(Date.now() - Date.parse(String(timestamp))) < 60_000);
    }
  });

  await t.test('a client kicked from the other gateway is informed, closed with 4003, and gone for all', async () => {
    const target = clients.at(-1) as RoomClient;
    page.send({ type: 'kick-one', targetId: target.id });
    await target.until(() => target.closed !== undefined);
    assert.deepEqual(target.closed, { code: 4003, reason: 'kicked' });
    assert.equal(target.of('kicked').length, 1);
    assert.ok(String(target.of('kicked')[0]?.message).length > 0);
    for (const client of clients.slice(0, -1)) await client.knows(ids.slice(0, -1));
    assert.ok(clients.slice(0, -1).every(({ closed }) => closed === undefined));
  });

  await t.test('kick-all closes all clients, the sender too', async () => {
    page.send({ type: 'kick-all' });
    for (const client of clients) {
      await client.until(() => client.closed !== undefined);
      assert.deepEqual(client.closed, { code: 4003, reason: 'kicked' });
      assert.equal(client.of('kicked').length, 1);
    }
    const next = await RoomClient.join(`${urls[1]}/ws`);
    await next.knows([next.id]);
    assert.ok(!ids.includes(next.id), 'a number is given twice');
  });
});

test('an endpoint that does not allow kicks refuses them, and all clients stay', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const [gateway] = await startMembers(t, kafka.brokers, 1);
  const url = `ws://127.0.0.1:${gateway?.port}/guarded`;
  const [ann, bob] = [await RoomClient.join(url), await RoomClient.join(url)];
  ann.send({ type: 'kick-one', targetId: bob.id });
  ann.send({ type: 'kick-all' });
  ann.send({ type: 'broadcast-one', targetId: bob.id, message: 'still there?' });
  await bob.until(() => bob.of('direct').length === 1);
  await ann.until(() => ann.of('error').length === 2);
  assert.deepEqual(
    ann.of('error').map(({ message }) => message),
    ['this endpoint does not allow kicks', 'this endpoint does not allow kicks'],
  );
  assert.deepEqual([ann.closed, bob.closed, bob.of('kicked')], [undefined, undefined, []]);
  await ann.knows([ann.id, bob.id]);
  assert.match(gateway?.output() ?? '', /which the endpoint does not allow/);
});

test('the members of a killed gateway leave within a lease, those of a stopped gateway at once', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const [stays, killed, stopped] = await startMembers(t, kafka.brokers, 3);
  assert.ok(stays && killed && stopped);
  const room = (gateway: GatewayProcess) => RoomClient.join(`ws://127.0.0.1:${gateway.port}/ws`);
  const observer = await room(stays);
  const listener = await ChatClient.join(stays.port, 'Olga');
  const away = await Promise.all([killed, stopped].map(room));
  await ChatClient.join(killed.port, 'Karl');
  await ChatClient.join(stopped.port, 'Sven');
  await observer.knows([observer.id, ...away.map(({ id }) => id)]);
  await listener.hears('Sven connected to chat');

  const stopping = Date.now();
  const ended = stopped.stop('SIGTERM');
  await observer.knows([observer.id, away[0]?.id ?? '']);
  await listener.hears('Sven left the chat');
  assert.ok(Date.now() - stopping < LEASE, `${Date.now() - stopping} ms after SIGTERM`);
  assert.equal(await ended, 0);

  const killing = Date.now();
  await killed.stop('SIGKILL');
  await observer.knows([observer.id]);
  await listener.hears('Karl left the chat');
  const took = Date.now() - killing;
  // Three of the observer's own leases have to come back, each a third of a lease after the other.
  t.diagnostic(`gone ${took} ms after SIGKILL with a lease of ${LEASE} ms`);

  for (const name of ['Karl', 'Sven']) {
    const again = await ChatClient.join(stays.port, name);
    assert.ok(again.isIn, `${name} is not free again: ${again.lines[0]} ${again.closed?.reason}`);
  }
  const heard = listener.lines.filter((line) => /^(?:Karl|Sven) left/.test(line));
  assert.deepEqual(heard, ['Sven left the chat', 'Karl left the chat'], 'each leaves once');
  assert.equal(observer.of('client-disconnected').length, 2);
});

/** Gateways of one room, ready. */
async function startMembers(t: TestContext, brokers: string, count: number): Promise<GatewayProcess[]> {
  const env = { KAFKA_BROKERS: brokers, TOPIC: uniqueTopic('members'), LEASE: `${LEASE}ms` };
  const start = () => startGateway(t, { config: 'test/fixtures/members.yaml', env });
  const gateways = await Promise.all(Array.from({ length: count }, start));
  await Promise.all(gateways.map((gateway) => gateway.ready()));
  return gateways;
}

async function produce(brokers: string, topic: string, values: readonly string[]): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ key: 'a thermometer', value })) });
  await producer.disconnect();
}

function byFrom(one: { from?: string | null | undefined }, other: { from?: string | null | undefined }): number {
  return String(one.from).localeCompare(String(other.from));
}
