import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gets, HttpMetrics } from '../../../src/admin/http-metrics.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { until } from '../../helpers/gateway-process.ts';

/** A port with the route /known; /slow is never answered. */
async function setUp(t: TestContext) {
  const stats = createStats();
  const metrics = new HttpMetrics(stats, 'public', [...gets('/known'), { method: 'PUT', path: '/{thing}/pause' }]);
  const server = createServer((request, response) => {
    metrics.watch(request, response, decodeURI(request.url ?? ''));
    if (request.url !== '/slow') response.writeHead(request.url === '/known' ? 200 : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const counted = () =>
    stats
      .snapshot()
      .flatMap(({ name, kind, points }) =>
        kind === 'counter' && name === 'http_requests_total'
          ? points.map(({ labels, value }) => `${labels.route} ${labels.method} ${labels.status}: ${value}`)
          : [],
      );
  const timed = () =>
    stats
      .snapshot()
      .flatMap((metric) =>
        metric.kind === 'histogram'
          ? metric.points.map(({ labels, count }) => `${labels.port} ${labels.route} ${count}`)
          : [],
      );
  const ask = async (path: string, method = 'GET') =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method })).arrayBuffer();
  return { port, ask, counted, timed };
}

test('requests of routes that are known are there from the start, as 0', async (t) => {
  const { counted } = await setUp(t);
  assert.deepEqual(counted(), ['/known GET 200: 0', 'other GET 404: 0']);
});

test('paths and methods that clients make up are all one', async (t) => {
  const { ask, counted, timed } = await setUp(t);
  await ask('/known');
  await ask('/known');
  for (const path of ['/a', '/b', '/known/c', '/{thing}/pause']) await ask(path);
  for (const method of ['PROPFIND', 'MKCOL', 'HEAD']) await ask('/a', method);
  await until(
    () => counted().includes('other HEAD 404: 1'),
    5_000,
    () => counted().join('\n'),
  );
  assert.deepEqual(counted(), [
    '/known GET 200: 2',
    'other GET 404: 3',
    '/{thing}/pause GET 404: 1',
    'other other 404: 2',
    'other HEAD 404: 1',
  ]);
  assert.deepEqual(timed(), ['public /known 2', 'public other 6', 'public /{thing}/pause 1']);
});

test('a client that leaves before it has an answer counts as 499', async (t) => {
  const { port, counted } = await setUp(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: here\r\n\r\n');
  await once(socket, 'connect');
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await until(
    () => counted().includes('other GET 499: 1'),
    5_000,
    () => counted().join('\n'),
  );
});
