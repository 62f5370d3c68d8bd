import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const jsonOf = ({ frames }: TestClient) =>
  frames.map((frame) => JSON.parse(frame.toString()) as Record<string, unknown>);

test('config/examples/devices.yaml: messages are routed by kind, refused ones become dead letters', async (t) => {
  const gateway = await startGateway(t, { config: 'config/examples/devices.yaml', env: { SIMULATED: '1' } });
  await gateway.ready();
  const base = `ws://127.0.0.1:${gateway.port}`;
  const [device, screen, readings] = await Promise.all(
    ['devices/pump-1', 'alarms', 'readings'].map((path) => TestClient.open(`${base}/${path}`)),
  );
  assert.ok(device !== undefined && screen !== undefined && readings !== undefined);
  device.ws.send('{"type":"alarm","level":9007199254740993}');
  device.ws.send('{"type":"reading","sensor":"humidity","value":61}');
  device.ws.send('{"type":"reading","sensor":"noise","value":1}');
  device.ws.send('{"type":"firmware","version":"2.1"}');
  await device.until(() => device.frames.length === 4);
  assert.deepEqual(
    jsonOf(device).map(({ outcome }) => outcome),
    ['stored', 'stored', 'dead_letter', 'stored'],
  );
  await screen.until(() => screen.frames.length === 1);
  assert.equal(screen.frames[0]?.toString(), '{"type":"alarm","level":9007199254740993,"device":"pump-1"}');

  // A topic that did not exist when the gateway started, and the reading of the simulated device.
  await readings.until(() => readings.frames.length === 2, 20_000);
  assert.deepEqual(
    jsonOf(readings)
      .map(({ sensor, value, device: from }) => `${sensor} ${value} ${from}`)
      .sort(),
    ['humidity 61 pump-1', 'temperature 21 undefined'],
  );

  const { body: metrics } = await gateway.get('/metrics');
  const written = (place: string) =>
    new RegExp(`tidegate_sink_written_total\\{place="pipelines.devices-in.sink.${place}"\\} (\\d+)`).exec(metrics)?.[1];
  const places = ['route\\[0\\].sink.topic', 'route\\[1\\].sink.topic', 'route\\[2\\].sink.topic'];
  assert.deepEqual(places.map(written), ['1', '2', '1']);
});

test('on Kafka a group reads topics by pattern, and later ones from their first record', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  const base = uniqueTopic('pattern');
  const env = { KAFKA_BROKERS: kafka.brokers, BASE: base };
  await admin.create(`${base}.a`);
  const gateway = await startGateway(t, { config: 'test/fixtures/patterns.yaml', env });
  await gateway.ready();
  // A gateway is ready before its groups have formed, and "latest" means the moment of the first join, which is committed.
  await admin.commits(base, `${base}.a`, [0]);
  await admin.produce(`${base}.a`, [{ value: '{"n":1}' }]);
  await stored(t, kafka.brokers, `${base}.out.a`, ['{"n":1}']);

  await admin.create(`${base}.b`);
  await admin.produce(`${base}.b`, [{ value: '{"n":2}' }, { value: '{"n":3}' }]);
  await stored(t, kafka.brokers, `${base}.out.b`, ['{"n":2}', '{"n":3}']);
  await admin.produce(`${base}.a`, [{ value: '{"n":4}' }]);
  await stored(t, kafka.brokers, `${base}.out.a`, ['{"n":1}', '{"n":4}']);

  await admin.admin.deleteTopics({ topics: [`${base}.b`] });
  await until(
    async () => gateway.output().includes(`no longer reads 1 topics: ${base}.b`),
    30_000,
    () => gateway.output().slice(-2_000),
  );
});

/** Waits until a topic has exactly these records. */
async function stored(t: TestContext, brokers: string, topic: string, expected: readonly string[]): Promise<void> {
  let values: readonly string[] = [];
  await until(
    async () => {
      values = (await readTopic(brokers, topic).catch(() => [])).map(({ value }) => value);
      return values.length >= expected.length;
    },
    30_000,
    () => `${topic} has ${values.length} records`,
  );
  t.diagnostic(`${topic}: ${values.length}`);
  assert.deepEqual(values, expected);
}
