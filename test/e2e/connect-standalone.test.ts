import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ConnectApi } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { freePort, type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { NumberFeed } from '../helpers/number-feed.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

/** config/connect-standalone.properties as Kafka 4.1 ships it, apart from addresses and the place of its file. */
const workerProperties = (brokers: string, restPort: number, folder: string) => `
# These are defaults. This file just demonstrates how to override some settings.
bootstrap.servers=${brokers}

# The converters specify the format of data in Kafka and how to translate it into Connect data.
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=true
value.converter.schemas.enable=true

offset.storage.file.filename=${join(folder, 'connect.offsets')}
# Flush much faster than normal, which is useful for testing/debugging
offset.flush.interval.ms=10000

listeners=HTTP://127.0.0.1:${restPort}
#plugin.path=
`;

/** S4's Binance example as a properties file. */
const feedProperties = (name: string, url: string, topic: string) => `
name=${name}
connector.class=io.conduktor.connect.websocket.WebSocketSourceConnector
tasks.max=1
websocket.url=${url}
kafka.topic=${topic}
websocket.subscription.message={"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}
websocket.reconnect.enabled=true
websocket.reconnect.interval.ms=3000
`;

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-standalone-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(path, text);
    paths.push(path);
  }
  return paths;
}

async function settledCount(gateway: GatewayProcess): Promise<number> {
  const { body } = await gateway.get('/metrics');
  return Number(/tidegate_remote_settled_total\{[^}]*\} (\d+)/.exec(body)?.[1] ?? 0);
}

describe('tidegate connect standalone', () => {
  test("runs S4's two files on Kafka, whose topics get only the data, and serves the REST API", async (t) => {
    const kafka = await requireKafka(t);
    if (kafka === undefined) return;
    const feed = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('{ "price": 1.50 }') });
    const [folder, restPort, topic] = [await folderOf(t), await freePort(), uniqueTopic('binance')];
    const files = await write(folder, {
      'worker.properties': workerProperties(kafka.brokers, restPort, folder),
      'feed.properties': feedProperties('binance-btcusdt-connector', feed.url, topic),
    });
    const admin = await KafkaAdmin.connect(t, kafka.brokers);
    const gateway = await startGateway(t, { args: ['connect', 'standalone', ...files] });
    const api = new ConnectApi(`http://127.0.0.1:${restPort}`);
    const { body } = await api.state('binance-btcusdt-connector', 'RUNNING', 1, 30_000);
    assert.equal(body.type, 'source');
    const connection = await feed.connection(1);
    await connection.until(() => connection.received.length === 1);
    assert.deepEqual(connection.received, ['{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}']);
    await until(
      async () => (await settledCount(gateway)) === 1,
      30_000,
      () => `the message was not stored:\n${gateway.output()}`,
    );
    const { body: used } = await api.call('GET', '/connectors/binance-btcusdt-connector/topics');
    assert.deepEqual(used, { 'binance-btcusdt-connector': { topics: [topic] } });
    // The worker's converters are those of a connector that has none: what JsonConverter makes of a text.
    const [record] = await readTopic(kafka.brokers, topic);
    assert.deepEqual(JSON.parse(record?.value ?? ''), {
      schema: { type: 'string', optional: false },
      payload: '{ "price": 1.50 }',
    });
    for (const kind of ['configs', 'status', 'offsets', 'work'])
      assert.ok(!(await admin.has(`_tidegate.connect.${kind}`)), 'nothing of a standalone worker is kept in Kafka');
    assert.equal(await gateway.stop(), 0);
    const output = gateway.output();
    assert.match(output, /worker\.properties:\d+:1 {2}offset\.flush\.interval\.ms {2}warning: is ignored here/);
    assert.match(output, /connector\/0: ws:\/\/\S+ is live, 1 received, 1 produced, 1 sent, 0 dropped, 0 reconnects/);
    assert.match(output, /stopped; nothing was lost/);
    assert.ok(existsSync(join(folder, 'connect.offsets.tidegate')));
  });

  test('continues at its last offset after a restart, with the connectors of its files', async (t) => {
    const kafka = await requireKafka(t);
    if (kafka === undefined) return;
    const feed: NumberFeed = new NumberFeed(() => server);
    const server: FeedServer = await FeedServer.start(t, { greet: feed.greet });
    t.after(() => feed.halt());
    const [folder, restPort, topic] = [await folderOf(t), await freePort(), uniqueTopic('numbers')];
    const numbers = {
      name: 'numbers',
      config: {
        'connector.class': 'WebSocketSource',
        'websocket.url': server.url,
        'kafka.topic': topic,
        'websocket.subscriptions': '[{"send":{"op":"login"},"expect":{"event":"welcome"}}]',
        'websocket.resume.cursor': '${! json.seq }',
        'websocket.resume.message': '{"op":"play","after":${! meta.cursor }}',
        'value.converter': 'string',
      },
    };
    const files = await write(folder, {
      'worker.properties': workerProperties(kafka.brokers, restPort, folder),
      'numbers.json': JSON.stringify(numbers),
    });
    const start = () => startGateway(t, { args: ['connect', 'standalone', ...files] });
    const api = new ConnectApi(`http://127.0.0.1:${restPort}`);
    const settled = async (gateway: GatewayProcess, least: number) =>
      until(
        async () => (await settledCount(gateway)) >= least,
        30_000,
        () => `not ${least} were settled:\n${gateway.output()}`,
      );

    const first = await start();
    feed.start(10);
    await settled(first, 200);
    const made = await api.call('POST', '/connectors', {
      name: 'passing',
      config: { ...numbers.config, 'kafka.topic': uniqueTopic('passing'), 'websocket.url': 'ws://127.0.0.1:1' },
    });
    assert.equal(made.status, 201);
    assert.equal(
      (await api.call('PUT', '/connectors/numbers/config', { ...numbers.config, 'tasks.max': '2' })).status,
      200,
    );
    await settled(first, 400);
    assert.equal(await first.stop(), 0);

    const second = await start();
    await api.state('numbers', 'RUNNING', 1, 30_000);
    assert.deepEqual((await api.call('GET', '/connectors')).body, ['numbers'], 'as the files have it');
    assert.equal((await api.call('GET', '/connectors/numbers')).body.config['tasks.max'], undefined);
    await settled(second, 200);
    const { body } = await api.call('GET', '/connectors/numbers/offsets');
    assert.ok(body.offsets[0].offset.cursor > 400, JSON.stringify(body));
    feed.halt();
    await until(
      async () => (await api.call('GET', '/connectors/numbers/offsets')).body.offsets[0].offset.cursor === feed.last,
      30_000,
      () => 'the last offset was not saved',
    );
    assert.equal(await second.stop(), 0);
    const stored = (await readTopic(kafka.brokers, topic)).map(
      ({ value }) => (JSON.parse(value) as { seq: number }).seq,
    );
    assert.deepEqual(
      stored.sort((one, other) => one - other),
      Array.from({ length: feed.last }, (_, n) => n + 1),
    );
  });

  test('a second worker with the same offset file is refused with the owner of the file', async (t) => {
    const [folder, ports] = [await folderOf(t), [await freePort(), await freePort()]];
    const [one, other] = await write(folder, {
      'one.properties': workerProperties('127.0.0.1:1', ports[0] as number, folder),
      'other.properties': workerProperties('127.0.0.1:1', ports[1] as number, folder),
    });
    const gateway = await startGateway(t, { args: ['connect', 'standalone', one as string] });
    await assert.rejects(startGateway(t, { args: ['connect', 'standalone', other as string] }), (error: Error) => {
      assert.match(error.message, /the gateway ended with 1/);
      assert.match(error.message, /connect\.offsets\.tidegate.*TG_DATA_DIR_OWNED/);
      return true;
    });
    assert.equal(await gateway.stop(), 0);
  });
});
