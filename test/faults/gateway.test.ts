import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { requireOwnKafka } from '../services/kafka.ts';
import { GatewayUnderLoad } from './gateway-under-load.ts';

const config = 'test/fixtures/tight.yaml';
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Each test has its own broker and mostly waits; more than two at a time would need more than two cores. */
describe('a gateway whose Kafka fails', { concurrency: 2 }, () => {
  test('a broker that freezes for 15 s under load costs no accepted message, no client and no further memory', async (t) => {
    const kafka = await requireOwnKafka(t);
    if (kafka === undefined) return;
    const rig = await GatewayUnderLoad.start(t, kafka);
    const watcher = await TestClient.open(rig.url);
    await rig.loadFrom(['a', 'b', 'c', 'd'], 500, 500);

    rig.freeze();
    await sleep(8_000);
    const frozen = rig.acked();
    assert.equal((await rig.gateway.get('/ready')).status, 503);
    await assert.rejects(TestClient.open(rig.url), /503/, 'a new socket is refused while the log is away');
    await sleep(7_000);
    assert.deepEqual(rig.acked(), frozen, 'nothing is acked while nothing is stored');
    const metrics = await rig.metrics();
    // The gate's mark, and the bytes that sockets had read when it shut: one chunk of 64 KiB each.
    const inFlight = Number(
      /tidegate_pipeline_in_flight_messages\{[^}]*pipeline="messages-in"[^}]*\} (\d+)/.exec(metrics)?.[1],
    );
    assert.ok(inFlight >= 1_000 && inFlight < 1_000 + (4 * 65_536) / 150, `${inFlight} in flight`);
    assert.match(metrics, /tidegate_sockets_paused\{[^}]*\} [1-4]\n/);
    rig.thaw();

    await rig.continuesFrom(frozen, 500);
    await rig.gateway.ready();
    await rig.finish();
    const peak = rig.peakMemory();
    assert.ok(peak < 300, `peak memory ${peak} MiB`);
    const stored = await rig.stored();
    assert.ok(
      [...stored.values()].every((times) => times === 1),
      'a record is stored twice',
    );
    assert.ok(
      rig.clients.every(({ client }) => client.closed === undefined),
      'a client was cut without a mistake of its own',
    );
    await watcher.until(() => watcher.of('USER').length === stored.size, 30_000);
    const seen = watcher.of('USER').map(({ id }) => String(id));
    assert.equal(new Set(seen).size, stored.size, 'the broadcast is complete and without doubles');
    t.diagnostic(`${stored.size} messages, peak ${peak.toFixed(0)} MiB`);
  });

  test('a client that closes while its socket is not read is noticed', async (t) => {
    const kafka = await requireOwnKafka(t);
    if (kafka === undefined) return;
    const rig = await GatewayUnderLoad.start(t, kafka);
    await rig.loadFrom(['a'], 1_020, 100);
    const [load] = rig.clients;
    assert.ok(load);
    rig.freeze();
    let more = 0;
    await until(
      async () => {
        // The gate shuts at 1,000. Further messages are not read, and are few enough for the gateway to see the close.
        if (more++ < 40) load.client.send('one more');
        return /tidegate_sockets_paused\{[^}]*\} 1\n/.test(await rig.metrics());
      },
      15_000,
      () => 'the socket is still read',
    );
    load.halt();
    load.client.ws.close();
    await until(
      async () => /tidegate_connections\{[^}]*\} 0\n/.test(await rig.metrics()),
      30_000,
      () => 'the close was not noticed',
    );
    rig.thaw();
  });

  test('SIGTERM without a broker ends by its deadline, answers "retryable", and logs the number of messages', async (t) => {
    const kafka = await requireOwnKafka(t);
    if (kafka === undefined) return;
    const rig = await GatewayUnderLoad.start(t, kafka, { SHUTDOWN_TIMEOUT: '8s' });
    await rig.loadFrom(['a', 'b'], 200, 200);
    rig.freeze();
    await sleep(1_000);
    const asked = Date.now();
    const code = await rig.gateway.stop();
    // The configured deadline is 8 s; the default is 25 s.
    assert.ok(Date.now() - asked < 20_000, `took ${Date.now() - asked} ms`);
    assert.equal(code, 1);
    for (const { client } of rig.clients) await client.until(() => client.closed !== undefined);
    const retryable = rig.clients.reduce((sum, client) => sum + client.retryable.size, 0);
    assert.ok(retryable > 0, 'no client received a retryable error');
    assert.match(rig.gateway.output(), new RegExp(`giving up ${retryable} messages`));
    rig.thaw();
    await rig.stored();
  });

  test('without a broker at the start the gateway is not ready, and becomes ready with the broker', async (t) => {
    const kafka = await requireOwnKafka(t);
    if (kafka === undefined) return;
    await kafka.kill();
    const gateway = await startGateway(t, { config, env: { KAFKA_BROKERS: kafka.brokers } });
    const answers = new Set<number>();
    for (let n = 0; n < 20; n++) {
      answers.add((await gateway.get('/ready')).status);
      await sleep(100);
    }
    assert.deepEqual([...answers], [503], 'readiness flaps');
    assert.match((await gateway.get('/ready')).body, /is not available/);
    assert.match(gateway.output(), /the log is not available, trying again/);
    await kafka.restart();
    await gateway.ready();
    const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    client.send('at last');
    await client.until(() => client.of('ACK').length === 1 && client.of('USER').length === 1);
  });

  test('a misspelled KAFKA_BROKER does not start gateway.yaml on the embedded log by accident', async (t) => {
    await assert.rejects(startGateway(t, { env: { KAFKA_BROKER: 'localhost:9092' } }), /KAFKA_BROKERS/);
  });
});
