import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { freePort, type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { requireOwnKafka } from '../services/kafka.ts';
import { authorities, TlsFront } from '../services/tls-front.ts';

const VALIDITY =
  'certificate has expired: that of feed.test was valid until 2021-01-01T00:00:00.000Z; the clock of this machine says 2';

test('expired certificates of brokers and feeds are named, and renewed ones go on by themselves', async (t) => {
  const port = await freePort();
  const kafka = await requireOwnKafka(t, { advertised: `localhost:${port}` });
  if (kafka === undefined) return;
  const brokers = await TlsFront.start(t, kafka.port, port);
  const feed = await FeedServer.start(t);
  const feedFront = await TlsFront.start(t, feed.port);
  const gateway = await startGateway(t, {
    config: 'test/fixtures/certificates.yaml',
    env: {
      KAFKA_BROKERS: `localhost:${port}`,
      FEED_URL: `wss://localhost:${feedFront.port}`,
      CA_FILE: authoritiesFile(t),
    },
  });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  t.after(() => client.ws.terminate());

  brokers.serve('expired');
  const broker = `localhost:${port}: ${VALIDITY}`;
  await until(async () => (await gateway.get('/ready')).status === 503, 30_000, gateway.output);
  assert.ok((await gateway.get('/ready')).body.includes(broker), (await gateway.get('/ready')).body);
  client.send('while it has expired', { id: 1 });
  await until(() => linesWith(gateway, broker).length > 0, 10_000, gateway.output);
  brokers.serve('server');
  await client.until(() => client.of('ACK').length === 1);
  await gateway.ready();
  assert.deepEqual(
    linesWith(gateway, broker).map((line) => line.includes('the log is not available, trying again until it is')),
    [true],
  );

  const connected = feed.connections.length;
  feedFront.serve('expired');
  const reason = `TLS failed: the certificate of the server has expired (${VALIDITY}`;
  await until(() => linesWith(gateway, reason).length > 0, 10_000, gateway.output);
  assert.equal((await gateway.get('/health')).status, 200);
  feedFront.serve('server');
  await feed.connection(connected + 1);
  assert.equal(await gateway.stop(), 0);
});

function authoritiesFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, authorities());
  return file;
}

function linesWith(gateway: GatewayProcess, text: string): string[] {
  return gateway
    .output()
    .split('\n')
    .filter((line) => line.includes(text));
}
