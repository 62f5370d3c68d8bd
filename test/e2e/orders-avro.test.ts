import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';

test('config/examples/orders-avro.yaml: orders are validated, stored as Avro, and seen as JSON', async (t) => {
  let registered = '';
  const registry = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.method === 'POST') {
        registered = `${request.url} ${body}`;
        response.end('{"id":258}');
        return;
      }
      const { schema } = JSON.parse(registered.slice(registered.indexOf(' '))) as { schema: string };
      response.end(JSON.stringify({ schema }));
    });
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  t.after(() => registry.close());
  const env = {
    KAFKA_DRIVER: 'embedded',
    SCHEMA_REGISTRY: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`,
  };
  const gateway = await startGateway(t, { config: 'config/examples/orders-avro.yaml', env });
  await gateway.ready();
  const base = `ws://127.0.0.1:${gateway.port}`;
  const [shop, dashboard] = await Promise.all([
    TestClient.open(`${base}/orders/books`),
    TestClient.open(`${base}/dashboard`),
  ]);

  shop.ws.send('{"id":9007199254740993,"at":"2026-11-30T08:48:01+02:00","total":12.5}');
  shop.ws.send('{"id":2,"at":"now","total":-1}');
  shop.ws.send('{"id":3,"at":"2026-11-30T06:48:01Z","total":0.125}');
  await shop.until(() => shop.frames.length === 3);
  await dashboard.until(() => dashboard.frames.length === 1);
  assert.deepEqual(
    shop.frames.map((frame) => (JSON.parse(frame.toString()) as { outcome: string }).outcome),
    ['stored', 'dead_letter', 'dead_letter'],
  );
  assert.deepEqual(dashboard.frames.map(String), [
    '{"id":9007199254740993,"shop":"books","at":"2026-11-30T06:48:01.000Z","total":12.50,"note":null}',
  ]);
  assert.match(
    registered,
    /^\/subjects\/orders-avro-value\/versions \{"schema":"\{\\"type\\":\\"record\\",\\"name\\":\\"Order\\"/,
  );
});
