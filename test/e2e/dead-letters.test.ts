import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import WebSocket from 'ws';
import { TestClient } from '../helpers/client.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { readTopic, type StoredRecord } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const DAY = 86_400_000;

async function figure(gateway: GatewayProcess, name: string, pipeline: string): Promise<number> {
  const { body } = await gateway.get('/metrics');
  return Number(new RegExp(`${name}\\{[^}]*pipeline="${pipeline}"[^}]*\\} (\\d+)`).exec(body)?.[1] ?? 0);
}

test('a message whose time Kafka refuses becomes a dead letter, whatever its source; ACKs say where it is', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const late = Date.now() + 2 * DAY;
  const server = await FeedServer.start(t, { greet: ({ ws }) => ws.send(`{"t":${late}}`) });
  const topic = uniqueTopic('refused-time');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: `${server.url}/?token=geheim` };
  const gateway = await startGateway(t, { config: 'test/fixtures/dead-letters.yaml', env });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/devices/d%207`);
  const before = Date.now();
  for (const [index, content] of ['fine', 'too late', 'filter me'].entries()) client.send(content, { id: index });
  client.ws.send('no JSON');
  await client.until(() => client.of('ACK').length === 3 && client.of('ERROR').length === 1);
  assert.deepEqual(
    client.of('ACK').map(({ id, content, outcome }) => [id, outcome, content === 'Message published']),
    [
      [0, 'stored', true],
      [1, 'dead_letter', false],
      [2, 'filtered', false],
    ],
  );
  const [refused] = client.of('ERROR');
  assert.equal(refused?.code, 'TG_MESSAGE_INVALID');

  const dead = async () => await readTopic(kafka.brokers, `${topic}-dead`);
  await until(
    async () => (await dead()).length === 4,
    30_000,
    () => gateway.output().slice(-2_000),
  );
  const letters = await dead();
  const of = (word: string): StoredRecord => {
    const found = letters.find(
      ({ value, headers }) => value.includes(word) && headers['tidegate-pipeline'] !== 'copies',
    );
    assert.ok(found, `no dead letter has ${word}`);
    return found;
  };
  const sender = client.of('SYSTEM')[0]?.clientId;
  for (const letter of [of('too late'), of('no JSON')]) {
    const { headers, key } = letter;
    assert.equal(key, 'd 7');
    assert.equal(headers['tidegate-client-id'], sender);
    assert.equal(headers['tidegate-endpoint'], 'devices');
    assert.equal(headers['tidegate-param-id'], 'd 7');
    const received = Date.parse(headers['tidegate-received'] ?? '');
    assert.ok(received >= before && received <= Date.now(), headers['tidegate-received']);
  }
  assert.equal(of('too late').headers['tidegate-error-code'], 'TG_RECORD_REFUSED');
  assert.equal(of('too late').headers['message-id'], '1');
  assert.equal(of('no JSON').headers['tidegate-error-code'], 'TG_MESSAGE_INVALID');
  assert.equal(
    of('no JSON').headers['tidegate-error-message'],
    `endpoints.devices: the codec refused the frame (not_json): ${refused?.content}`,
  );
  const ofFeed = of(`{"t":${late}}`);
  assert.deepEqual([ofFeed.key, ofFeed.headers['tidegate-client-id']], [String(late), undefined]);
  // The query is a place for secrets.
  assert.equal(ofFeed.headers['tidegate-url'], `${server.url}/?…`);
  const ofGroup = letters.find(({ headers }) => headers['tidegate-pipeline'] === 'copies');
  assert.equal(ofGroup?.headers['tidegate-origin'], `${topic}/0/0`);
  assert.equal(ofGroup?.key, 'd 7');
  assert.ok(ofGroup?.value.includes('fine'));
  for (const { time } of letters) assert.ok(time >= before - 5_000 && time <= Date.now(), `a dead letter of ${time}`);
  assert.ok(Number(ofGroup?.headers['tidegate-timestamp']) <= Date.now());

  assert.equal(await figure(gateway, 'tidegate_pipeline_dead_letters_total', 'feed'), 1);
  assert.equal(await figure(gateway, 'tidegate_pipeline_dead_letters_total', 'devices-in'), 2);
  assert.equal((await gateway.get('/ready')).status, 200);
  const values = (await readTopic(kafka.brokers, topic)).map(({ value }) => value);
  assert.deepEqual([values.length, values[0]?.includes('fine')], [1, true]);
});

async function refusedLetters(t: TestContext, log: Readonly<Record<string, string>>, refusal: string): Promise<void> {
  const topic = uniqueTopic('refused-letter');
  const env = { ...log, TOPIC: topic };
  const gateway = await startGateway(t, { config: 'test/fixtures/refused-letters.yaml', env });
  await gateway.ready();
  const both = new RegExp(
    `Unable to cast value to a number.*; its dead letter was refused \\(TG_RECORD_REFUSED\\): .*${topic}-dltc.*${refusal}`,
  );
  const direct = await TestClient.open(`ws://127.0.0.1:${gateway.port}/direct`);
  direct.ws.send('{"id":1,"price":"free"}');
  await direct.until(() => direct.frames.length === 1);
  const answer = JSON.parse(String(direct.frames[0])) as Record<string, unknown>;
  assert.deepEqual([answer.type, answer.id, answer.code], ['error', 1, 'TG_EXPRESSION_FAILED']);
  assert.match(String(answer.message), both);

  const orders = await TestClient.open(`ws://127.0.0.1:${gateway.port}/orders`);
  orders.ws.send('{"price":"free"}');
  await until(
    () => gateway.output().includes('the pipeline totals has FAILED'),
    30_000,
    () => gateway.output().slice(-2_000),
  );
  const line =
    gateway
      .output()
      .split('\n')
      .find((one) => one.includes('the pipeline totals has FAILED')) ?? '';
  assert.match(line, both);
  assert.match(line, /TG_EXPRESSION_FAILED/);
  assert.match((await gateway.get('/ready')).body, both);
}

test('where the dead letter is refused, client, log and readiness say first why the message failed', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka !== undefined) await refusedLetters(t, { KAFKA_BROKERS: kafka.brokers }, 'INVALID_RECORD');
});

test('so they do where the embedded log refuses it', async (t) => {
  await refusedLetters(t, { KAFKA_DRIVER: 'embedded' }, 'its records need a key');
});

test('a group that stops at a record delivers and commits those in front of it', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      for (const content of ['good 1', 'good 2', 'bad', 'behind']) ws.send(JSON.stringify({ content }));
    },
  });
  const topic = uniqueTopic('halt');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, FEED_URL: server.url };
  const record = `record ${topic}/0/2 cannot be processed`;
  const stopped = (gateway: GatewayProcess) =>
    until(
      () => gateway.output().includes(`the pipeline strict has FAILED: ${record}`),
      60_000,
      () => gateway.output().slice(-2_000),
    );
  const delivered = async () =>
    (await readTopic(kafka.brokers, `${topic}-strict`)).map(
      ({ value }) => (JSON.parse(value) as { content: string }).content,
    );
  const gateway = await startGateway(t, { config: 'test/fixtures/dead-letters.yaml', env });
  await stopped(gateway);
  assert.ok((await gateway.get('/ready')).body.includes(`the pipeline strict: ${record}`));
  assert.deepEqual(await delivered(), ['good 1', 'good 2']);

  // What was delivered is committed: it does not come again, and the group stops where it did.
  assert.equal(await gateway.stop(), 0);
  const idle = await FeedServer.start(t, {});
  const again = await startGateway(t, {
    config: 'test/fixtures/dead-letters.yaml',
    env: { ...env, FEED_URL: idle.url },
  });
  await stopped(again);
  assert.deepEqual(await delivered(), ['good 1', 'good 2']);
});

test('a client receives a filtered message as an error if the endpoint is configured so', async (t) => {
  const idle = await FeedServer.start(t, {});
  const env = { KAFKA_DRIVER: 'embedded', TOPIC: 'devices', FEED_URL: idle.url };
  const gateway = await startGateway(t, { config: 'test/fixtures/dead-letters.yaml', env });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/checked`);
  for (const [id, keep] of [true, false].entries()) client.ws.send(JSON.stringify({ id, keep }));
  await client.until(() => client.frames.length === 2);
  const [stored, filtered] = client.frames.map((frame) => JSON.parse(frame.toString()) as Record<string, unknown>);
  assert.deepEqual(stored, { type: 'ack', id: 0, outcome: 'stored' });
  assert.deepEqual(
    [filtered?.type, filtered?.id, filtered?.code, filtered?.retryable],
    ['error', 1, 'TG_MESSAGE_FILTERED', false],
  );
});

test('a path whose parameter has no printable character, or a control character, is not found', async (t) => {
  const idle = await FeedServer.start(t, {});
  const env = { KAFKA_DRIVER: 'embedded', TOPIC: 'devices', FEED_URL: idle.url };
  const gateway = await startGateway(t, { config: 'test/fixtures/dead-letters.yaml', env });
  await gateway.ready();
  for (const [id, reason] of [
    ['', 'id in the path has no printable character'],
    ['%20', 'id in the path has no printable character'],
    ['%E2%80%8B', 'id in the path has no printable character'],
    ['%00%0A', 'id in the path has control characters'],
    ['a%0Ab', 'id in the path has control characters'],
    ['a%C2%85b', 'id in the path has control characters'],
    ['a%E2%80%A8b', 'id in the path has control characters'],
    ['%FF', 'id in the path is not percent-encoded UTF-8'],
    ['a%2', 'id in the path is not percent-encoded UTF-8'],
  ] as const) {
    const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}/devices/${id}`);
    ws.on('error', () => {});
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      ws.once('unexpected-response', (_, answer) => resolve(answer));
      ws.once('open', () => reject(new Error(`/devices/${id} was accepted`)));
    });
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.deepEqual([id, response.statusCode, body.includes(reason)], [id, 404, true], body);
    assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/devices/${id}`)).status, 404);
  }
  const { body } = await gateway.get('/metrics');
  assert.match(body, /tidegate_connections_refused_total\{[^}]*reason="path"[^}]*\} 9\n/);
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/devices/%F0%9F%8E%A9`);
  client.send('fine');
  await client.until(() => client.of('ACK').length === 1);
});
