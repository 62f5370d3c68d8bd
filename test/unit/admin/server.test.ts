import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { Guard } from '../../../src/admin/guard.ts';
import { createHealthHandler, type HealthReport } from '../../../src/admin/health.ts';
import { type AdminOptions, createAdminServer } from '../../../src/admin/server.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { until } from '../../helpers/gateway-process.ts';
import { pipeline, warningsOf } from '../../helpers/pipelining.ts';
import { ask, callersOf } from './rig.ts';

const HEALTH: HealthReport = { version: '1.2.3', driver: 'embedded', log: 'up', connections: 4 };

const LOCAL = new Guard('admin', undefined, 'loopback');

function silentLogger(errors: object[] = []): Logger {
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (facts) => {
      errors.push(facts);
    },
    child: () => logger,
  };
  return logger;
}

async function start(t: TestContext, changes: Partial<AdminOptions> = {}): Promise<string> {
  const server = createAdminServer({
    port: 0,
    host: '127.0.0.1',
    health: () => HEALTH,
    ready: () => ({ driver: 'embedded', reasons: [] }),
    metrics: async (_request, response) => {
      response.end('tidegate_info 1\n');
    },
    callers: callersOf(),
    guard: LOCAL,
    stats: createStats(),
    logger: silentLogger(),
    ...changes,
  });
  const port = await server.start();
  t.after(() => server.stop());
  return `http://127.0.0.1:${port}`;
}

test('health says that the process lives, with version, driver, log and connections', async (t) => {
  const url = await start(t);
  const response = await fetch(`${url}/health?probe=1`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  const { timestamp, ...rest } = (await response.json()) as Record<string, unknown>;
  assert.deepEqual(rest, { status: 'healthy', ...HEALTH });
  assert.ok(Math.abs(Date.parse(String(timestamp)) - Date.now()) < 60_000);
});

test('readiness is 200, or 503 with every reason', async (t) => {
  const reasons: string[] = [];
  const url = await start(t, { ready: () => ({ driver: 'kafkajs', reasons }) });
  const ready = await fetch(`${url}/ready`);
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), { status: 'ready', driver: 'kafkajs', reasons: [] });
  reasons.push('the log is away: ECONNREFUSED', 'the pipeline rooms-in has failed');
  const notReady = await fetch(`${url}/ready`);
  assert.equal(notReady.status, 503);
  assert.deepEqual(await notReady.json(), { status: 'not_ready', driver: 'kafkajs', reasons });
});

test('metrics are answered by the handler that was given', async (t) => {
  const url = await start(t);
  assert.equal(await (await fetch(`${url}/metrics`)).text(), 'tidegate_info 1\n');
});

test('HEAD gives the headers of GET without a body', async (t) => {
  const url = await start(t);
  const response = await fetch(`${url}/ready`, { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /application\/json/);
  assert.equal(await response.text(), '');
});

test('an unknown path is 404 and another method 405, both as JSON', async (t) => {
  const url = await start(t);
  const missing = await fetch(`${url}/nothing`);
  assert.equal(missing.status, 404);
  assert.equal(((await missing.json()) as { error: { code: string } }).error.code, 'not_found');
  for (const path of ['/health', '/ready', '/metrics']) {
    const refused = await fetch(url + path, { method: 'POST', body: 'x' });
    assert.equal(refused.status, 405);
    assert.equal(refused.headers.get('allow'), 'GET, HEAD');
    assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'method_not_allowed');
  }
});

test('a report that throws is answered with 500, logged, and nothing more', async (t) => {
  const errors: object[] = [];
  const url = await start(t, {
    logger: silentLogger(errors),
    ready: () => {
      throw new Error('secret detail');
    },
  });
  const response = await fetch(`${url}/ready`);
  assert.equal(response.status, 500);
  assert.ok(!(await response.text()).includes('secret'));
  assert.equal(errors.length, 1);
  assert.equal((await fetch(`${url}/health`)).status, 200);
});

test('a port in use is TG_LISTEN_FAILED and says which setting to change', async (t) => {
  const url = await start(t);
  const port = Number(new URL(url).port);
  await assert.rejects(
    start(t, { port }),
    (error: unknown) =>
      error instanceof TidegateError &&
      error.code === 'TG_LISTEN_FAILED' &&
      error.message.includes(`127.0.0.1:${port}`) &&
      error.message.includes('ADMIN_PORT'),
  );
});

test('a stop closes idle keep-alive connections and frees the port', async (t) => {
  const options = { port: 0, host: '127.0.0.1', health: () => HEALTH, ready: () => ({ driver: 'd', reasons: [] }) };
  const server = createAdminServer({
    ...options,
    callers: callersOf(),
    guard: LOCAL,
    metrics: async () => {},
    stats: createStats(),
    logger: silentLogger(),
  });
  const port = await server.start();
  await (await fetch(`http://127.0.0.1:${port}/health`, { headers: { connection: 'keep-alive' } })).text();
  await server.stop();
  await server.stop();
  await start(t, { port });
});

test('a scrape that is never answered does not keep a stop from ending', async (t) => {
  const asked: ServerResponse[] = [];
  const server = createAdminServer({
    ...{ port: 0, host: '127.0.0.1', health: () => HEALTH, ready: () => ({ driver: 'd', reasons: [] }) },
    ...{ callers: callersOf(), guard: LOCAL, stats: createStats(), logger: silentLogger() },
    metrics: async (_request, response) => {
      asked.push(response);
    },
  });
  const port = await server.start();
  const scrape = fetch(`http://127.0.0.1:${port}/metrics`).then(
    () => 'answered',
    () => 'cut',
  );
  await until(
    () => asked.length > 0,
    10_000,
    () => 'the scrape did not come',
  );
  // By itself it would end after 30 s without a byte.
  const stopped = await Promise.race([server.stop().then(() => 'stopped'), pass(10_000, 'waits', { ref: false })]);
  assert.equal(stopped, 'stopped');
  assert.equal(await scrape, 'cut');
  await start(t, { port });
});

test('the names of other sites and their pages are refused by every path, with what to change', async (t) => {
  const url = await start(t, { callers: callersOf({ allowedHosts: ['gateway.example.org'] }) });
  for (const path of ['/health', '/ready', '/metrics', '/none']) {
    const rebound = await ask(`${url}${path}`, { host: 'evil.example' });
    assert.equal(rebound.status, 403, path);
    assert.deepEqual(JSON.parse(rebound.body).error, {
      code: 'host',
      message: 'the Host "evil.example" is not a name of this port; add it to admin.allowed_hosts if it is',
    });
    assert.equal((await ask(`${url}${path}`, { origin: 'https://evil.example' })).status, 403, path);
    assert.equal((await ask(`${url}${path}`, { 'sec-fetch-site': 'cross-site' })).status, 403, path);
  }
  assert.equal((await ask(`${url}/health`, { host: 'gateway.example.org' })).status, 200);
});

test('a new connection is answered, however many are open that send no request', async (t) => {
  const url = await start(t);
  const port = Number(new URL(url).port);
  const idle = Array.from({ length: 40 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => idle.forEach((one) => void one.destroy()));
  await Promise.all(idle.map((one) => once(one, 'connect')));
  assert.equal((await fetch(`${url}/health`)).status, 200);
  // 16 may be open; the oldest are cut first, and the last of them for the one that has asked.
  await until(
    () => idle.filter(({ closed }) => closed).length === 25,
    10_000,
    () => 'too many are open',
  );
  assert.deepEqual(
    idle.slice(25).filter(({ closed }) => closed),
    [],
  );
});

test('a client that sends requests without reading the answers gets one scrape for all of them', async (t) => {
  let scrapes = 0;
  const url = await start(t, {
    metrics: async (_request, response) => {
      scrapes += 1;
      response.end('x'.repeat(100_000));
    },
  });
  const [port, warnings] = [Number(new URL(url).port), warningsOf(t)];
  await pipeline(t, port, '/metrics');
  assert.equal(scrapes, 1);
  await pipeline(t, port, '/health');
  assert.deepEqual(warnings, []);
});

test('a listener can serve health and readiness too, and keeps all other paths', async (t) => {
  const handle = createHealthHandler(
    { health: () => HEALTH, ready: () => ({ driver: 'd', reasons: [] }) },
    silentLogger(),
  );
  const server = createServer((request, response) => {
    if (!handle(request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await fetch(`${url}/ready`)).status, 200);
  assert.equal((await fetch(`${url}/ws`)).status, 418);
});
