import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { LoadClient, lost } from '../helpers/load.ts';
import { countIds, readTopic } from '../helpers/topic-content.ts';
import { requireOwnKafka } from '../services/kafka.ts';

const config = 'test/fixtures/tight.yaml';
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('a broker that freezes for 15 s under load costs no accepted message, no client and no memory beyond the ceiling', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const gateway = await startGateway(t, { config, env: { KAFKA_BROKERS: kafka.brokers } });
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}/ws`;
  const watcher = await TestClient.open(url);
  const clients = await Promise.all(['a', 'b', 'c', 'd'].map((name) => LoadClient.open(name, url, 500)));
  await until(
    () => clients.every(({ acked }) => acked.size > 500),
    30_000,
    () => 'no load came about',
  );

  kafka.pause();
  await sleep(8_000);
  const frozen = clients.map(({ acked }) => acked.size);
  assert.equal((await gateway.get('/ready')).status, 503);
  await assert.rejects(TestClient.open(url), /503/, 'a new socket is refused while the log is away');
  await sleep(7_000);
  assert.deepEqual(
    clients.map(({ acked }) => acked.size),
    frozen,
    'nothing is acked while nothing is stored',
  );
  const metrics = (await gateway.get('/metrics')).body;
  // The gate's mark, and what sockets had read when it shut: one chunk of 64 KiB each.
  const inFlight = Number(
    /tidegate_pipeline_in_flight_messages\{[^}]*pipeline="messages-in"[^}]*\} (\d+)/.exec(metrics)?.[1],
  );
  assert.ok(inFlight >= 1_000 && inFlight < 1_000 + (4 * 65_536) / 150, `${inFlight} in flight`);
  assert.match(metrics, /tidegate_sockets_paused\{[^}]*\} [1-4]\n/);
  kafka.resume();

  await until(
    () => clients.every(({ acked }, at) => acked.size > (frozen[at] ?? 0) + 500),
    30_000,
    () => 'the load did not go on',
  );
  await gateway.ready();
  for (const client of clients) client.halt();
  await until(
    () => clients.every(({ unanswered }) => unanswered === 0),
    30_000,
    () => 'not everything is answered',
  );
  const peak =
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) / 1_024;
  assert.ok(peak < 300, `peak memory ${peak} MiB`);

  const stored = countIds(await readTopic(kafka.brokers, 'messages'));
  assert.deepEqual(lost(clients, stored), []);
  assert.ok(
    [...stored.values()].every((times) => times === 1),
    'a record stands twice',
  );
  assert.ok(
    clients.every(({ client }) => client.closed === undefined),
    'a client was cut though it did nothing wrong',
  );
  await watcher.until(() => watcher.of('USER').length === stored.size, 30_000);
  const seen = watcher.of('USER').map(({ id }) => String(id));
  assert.equal(new Set(seen).size, stored.size, 'the broadcast is complete and without doubles');
  t.diagnostic(`${stored.size} messages, peak ${peak.toFixed(0)} MiB`);
});

test('a client that closes while its socket is not read is noticed', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const gateway = await startGateway(t, { config, env: { KAFKA_BROKERS: kafka.brokers } });
  await gateway.ready();
  const load = await LoadClient.open('a', `ws://127.0.0.1:${gateway.port}/ws`, 1_020);
  await until(
    () => load.acked.size > 100,
    30_000,
    () => 'no load came about',
  );
  kafka.pause();
  let more = 0;
  await until(
    async () => {
      // The gate shuts at 1,000. What is sent behind it is not read, and is little enough for a look at the socket to bring the close.
      if (more++ < 40) load.client.send('one more');
      return /tidegate_sockets_paused\{[^}]*\} 1\n/.test((await gateway.get('/metrics')).body);
    },
    15_000,
    () => 'the socket is still read',
  );
  load.halt();
  load.client.ws.close();
  await until(
    async () => /tidegate_connections\{[^}]*\} 0\n/.test((await gateway.get('/metrics')).body),
    30_000,
    () => 'the close was not noticed',
  );
  kafka.resume();
});

test('SIGTERM with the broker away ends by its deadline, answers "retryable", and says how many', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const gateway = await startGateway(t, { config, env: { KAFKA_BROKERS: kafka.brokers, SHUTDOWN_TIMEOUT: '8s' } });
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}/ws`;
  const clients = await Promise.all(['a', 'b'].map((name) => LoadClient.open(name, url, 200)));
  await until(
    () => clients.every(({ acked }) => acked.size > 200),
    30_000,
    () => 'no load came about',
  );
  kafka.pause();
  await sleep(1_000);
  const asked = Date.now();
  const code = await gateway.stop();
  assert.ok(Date.now() - asked < 12_000, `took ${Date.now() - asked} ms`);
  assert.equal(code, 1);
  for (const { client } of clients) await client.until(() => client.closed !== undefined);
  const retryable = clients.reduce((sum, client) => sum + client.retryable.size, 0);
  assert.ok(retryable > 0, 'nobody was told to send again');
  assert.match(gateway.output(), new RegExp(`giving up ${retryable} messages`));
  kafka.resume();
  const stored = countIds(await readTopic(kafka.brokers, 'messages'));
  assert.deepEqual(lost(clients, stored), []);
});

test('a broker that is not there at the start: not ready, says so, keeps trying, and comes up with it', async (t) => {
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

test('KAFKA_BROKER is set and gateway.yaml reads KAFKA_BROKERS: it does not run on the embedded log by accident', async (t) => {
  await assert.rejects(startGateway(t, { env: { KAFKA_BROKER: 'localhost:9092' } }), /KAFKA_BROKERS/);
});
