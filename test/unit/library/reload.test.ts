import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError, type ConfigObject, createGateway, type Gateway, TidegateError } from '../../../src/index.ts';
import { Authority, CertificateFolder } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { keptLogger } from '../actors/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const PIPELINES = {
  in: { source: { endpoint: 'orders' }, sink: { topic: { name: 'orders' } } },
  out: { source: { topic: { names: ['orders'] } }, sink: { endpoint: 'orders' } },
};
const ENDPOINTS = { orders: { listener: 'public', path: '/orders', codec: 'envelope' } };

const BASE: ConfigObject = {
  ...MEMORY,
  listeners: { public: { port: 0 } },
  endpoints: ENDPOINTS,
  pipelines: PIPELINES,
};

const url = (gateway: Gateway, path: string, listener = 'public') =>
  `ws://127.0.0.1:${gateway.ports().listeners[listener]}${path}`;

async function running(t: TestContext, config: ConfigObject = BASE): Promise<Gateway> {
  const gateway = await gatewayOf(t, config);
  await ready(gateway);
  return gateway;
}

async function stored(client: TestClient, content: string): Promise<void> {
  const acks = client.of('ACK').length;
  client.send(content, { id: content });
  await client.until(() => client.of('ACK').length > acks);
}

const failsWith = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TidegateError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

test('a pipeline is replaced while its clients stay, and each record comes to them once', async (t) => {
  const gateway = await running(t);
  const client = await TestClient.open(url(gateway, '/orders'));
  await stored(client, 'before');
  for (const count of [10, 20]) {
    const report = await gateway.reload({
      ...BASE,
      pipelines: { in: { ...PIPELINES.in, batch: { count } }, out: { ...PIPELINES.out, batch: { count } } },
    });
    assert.deepEqual(
      report.changes.map(({ part, action }) => [part, action]),
      [
        ['pipelines.in', 'replaced'],
        ['pipelines.out', 'replaced'],
      ],
    );
    assert.deepEqual(gateway.inspect().reasons, [], 'clients of all endpoints would be refused');
    // Not waited for: the pipelines are opening, and miss nothing.
    await stored(client, `after ${count}`);
  }
  await client.until(() => client.of('USER').length === 3);
  assert.deepEqual(
    client.of('USER').map(({ content }) => content),
    ['before', 'after 10', 'after 20'],
  );
  assert.equal(client.closed, undefined);
  assert.equal(gateway.inspect().config.generation, 3);
});

test('records that are written while the pipeline of the clients is replaced come to them once', async (t) => {
  const gateway = await running(t);
  const client = await TestClient.open(url(gateway, '/orders'));
  const topic = gateway.topic('orders');
  const timestamp = new Date().toISOString();
  let written = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await topic.publish({ value: JSON.stringify({ messageType: 'USER', content: `${written}`, timestamp }) });
      written += 1;
    }
  })();
  for (const count of [1, 2, 3, 4, 5])
    await gateway.reload({ ...BASE, pipelines: { ...PIPELINES, out: { ...PIPELINES.out, batch: { count } } } });
  isOver = true;
  await writing;
  await client.until(() => client.of('USER').at(-1)?.content === `${written - 1}`);
  assert.deepEqual(
    client.of('USER').map(({ content }) => content),
    Array.from({ length: written }, (_, number) => `${number}`),
  );
});

test('a pipeline with another name begins once the first has ended: each message is stored once', async (t) => {
  const server = createServer((_, response) => void setTimeout(() => response.end('{}'), 300));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const slow = {
    ...PIPELINES.in,
    processors: [{ lookup: { http: { url: `http://127.0.0.1:${port}/` }, into: 'headers.x' } }],
  };
  const gateway = await running(t, { ...BASE, pipelines: { in: slow, out: PIPELINES.out } });
  const client = await TestClient.open(url(gateway, '/orders'));
  client.send('first', { id: 'first' });
  const reload = gateway.reload({ ...BASE, pipelines: { renamed: PIPELINES.in, out: PIPELINES.out } });
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.send('second', { id: 'second' });
  await reload;
  await stored(client, 'third');
  await client.until(() => client.of('USER').length >= 3);
  assert.deepEqual(
    client.of('USER').map(({ content }) => content),
    ['first', 'second', 'third'],
  );
});

test('clients of an endpoint that is replaced are answered until their connection is closed', async (t) => {
  const slow: ConfigObject = { ...BASE, shutdown: { jitter: '400ms' } };
  const gateway = await running(t, slow);
  const clients = await Promise.all(Array.from({ length: 10 }, () => TestClient.open(url(gateway, '/orders'))));
  const sending = setInterval(() => {
    for (const client of clients) if (client.ws.readyState === client.ws.OPEN) client.send('x', { id: 1 });
  }, 5);
  t.after(() => clearInterval(sending));
  await clients[0]?.until(() => clients.every((client) => client.of('ACK').length > 3));
  const acks = () => clients.reduce((sum, client) => sum + client.of('ACK').length, 0);
  const reload = gateway.reload({ ...slow, endpoints: { orders: { ...ENDPOINTS.orders, path: '/others' } } });
  await Promise.race(clients.map((client) => client.until(() => client.closed !== undefined)));
  // The others have their slots still before them.
  const before = acks();
  await reload;
  for (const client of clients) {
    await client.until(() => client.closed?.code === 1012);
    assert.deepEqual(client.of('ERROR'), []);
  }
  assert.ok(acks() > before + 20, `${acks() - before} answers while the endpoint was leaving`);
});

test('limits of an endpoint hold from the reload on, for clients that are connected, too', async (t) => {
  const gateway = await running(t, {
    ...BASE,
    endpoints: { orders: { ...ENDPOINTS.orders, limits: { messages: '1000/s', when_over: 'close' } } },
  });
  const client = await TestClient.open(url(gateway, '/orders'));
  await stored(client, 'one');
  const limited = { messages: '1/s', when_over: 'close' };
  const report = await gateway.reload({
    ...BASE,
    endpoints: { orders: { ...ENDPOINTS.orders, limits: limited, max_connections: 1 } },
  } as ConfigObject);
  assert.equal(
    report.summary,
    'endpoints.orders changed (limits.messages 1000/s -> 1/s, max_connections (none) -> 1); 3 others unchanged',
  );
  await assert.rejects(TestClient.open(url(gateway, '/orders')), /503/);
  assert.equal(client.ws.readyState, client.ws.OPEN);
  for (let n = 0; n < 5; n += 1) client.send('much', { id: `much ${n}` });
  await client.until(() => client.closed?.code === 4429);
});

test('endpoints come and go with their pipelines, and clients of others do not notice', async (t) => {
  const gateway = await running(t);
  const witness = await TestClient.open(url(gateway, '/orders'));
  const more = {
    endpoints: { ...ENDPOINTS, news: { listener: 'public', path: '/news', codec: 'envelope' } },
    pipelines: { ...PIPELINES, news: { source: { endpoint: 'news' }, sink: { topic: { name: 'news' } } } },
  };
  await gateway.reload({ ...BASE, ...more });
  const client = await TestClient.open(url(gateway, '/news'));
  await stored(client, 'hello');
  const report = await gateway.reload(BASE);
  assert.deepEqual(report.problems, []);
  await client.until(() => client.closed !== undefined);
  assert.equal(client.closed?.code, 1012);
  await assert.rejects(TestClient.open(url(gateway, '/news')), /404/);
  const { endpoints, pipelines, topics } = gateway.inspect();
  assert.deepEqual(
    [endpoints, pipelines].map((parts) => parts.map(({ name }) => name)),
    [['orders'], ['in', 'out']],
  );
  assert.deepEqual(
    topics.map(({ name }) => name),
    ['orders'],
    'a topic that is written to no more is let go',
  );
  await stored(witness, 'still here');
});

test('an endpoint with another codec is replaced: its clients are closed with 1012 after their answers', async (t) => {
  const gateway = await running(t);
  const client = await TestClient.open(url(gateway, '/orders'));
  client.send('last', { id: 'last' });
  await gateway.reload({ ...BASE, endpoints: { orders: { ...ENDPOINTS.orders, codec: 'json' } } });
  await client.until(() => client.closed !== undefined);
  assert.equal(client.closed?.code, 1012);
  const next = await TestClient.open(url(gateway, '/orders'));
  next.ws.send('{"a":1}');
  await next.until(() => next.frames.some((frame) => String(frame) === '{"a":1}'));
});

test('rooms come, are replaced and go, and their members with them', async (t) => {
  const rooms = (path: string): ConfigObject => ({
    ...BASE,
    endpoints: {
      ...ENDPOINTS,
      room: { listener: 'public', path, codec: 'rooms', presence: { topic: 'room' }, replay: { last: 10 } },
    },
    pipelines: {
      ...PIPELINES,
      'room-in': { source: { endpoint: 'room' }, sink: { topic: { name: 'room' } } },
      'room-out': { source: { topic: { names: ['room'] } }, sink: { endpoint: 'room' } },
    },
  });
  const gateway = await running(t);
  const witness = await TestClient.open(url(gateway, '/orders'));
  const members = () => gateway.inspect().rooms.map(({ members }) => members.length);
  const joined = async (path: string) => {
    await until(
      () => gateway.inspect().ready,
      10_000,
      () => gateway.inspect().reasons.join(', '),
    );
    let client: TestClient | undefined;
    await until(
      async () => {
        client = await TestClient.open(url(gateway, path)).catch(() => undefined);
        return client !== undefined;
      },
      10_000,
      () => `no client gets in at ${path}`,
    );
    await until(
      () => members()[0] === 1,
      10_000,
      () => `members: ${members()}`,
    );
    return client as TestClient;
  };
  await gateway.reload(rooms('/room'));
  const first = await joined('/room');
  await gateway.reload(rooms('/other-room'));
  await first.until(() => first.closed?.code === 1012);
  const second = await joined('/other-room');
  await gateway.reload(BASE);
  await second.until(() => second.closed?.code === 1012);
  assert.deepEqual(members(), []);
  assert.ok(!gateway.inspect().topics.some(({ name }) => name.includes('room')), 'topics of the room are let go');
  await stored(witness, 'still here');
});

test('a port that is in use, a plugin that cannot be made, or a mistake: nothing changes, and it says why', async (t) => {
  const gateway = await running(t);
  const client = await TestClient.open(url(gateway, '/orders'));
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await until(
    () => other.listening,
    5_000,
    () => 'not listening',
  );
  const { port } = other.address() as AddressInfo;
  const changed = { in: { ...PIPELINES.in, batch: { count: 7 } }, out: PIPELINES.out };
  await assert.rejects(
    gateway.reload({
      ...BASE,
      listeners: { public: { port: 0 }, second: { port, host: '127.0.0.1' } },
      pipelines: changed,
    }),
    failsWith('TG_LISTEN_FAILED', /listeners\.second/),
  );
  await assert.rejects(
    gateway.reload({
      ...BASE,
      auth: { users: { jwt: { key_file: '/nowhere.pem', algorithms: ['RS256'] } } },
      listeners: { public: { port: 0 }, second: { port: 0 } },
      pipelines: changed,
    }),
    failsWith('TG_CONFIG_INVALID', /nowhere\.pem/),
  );
  await assert.rejects(
    gateway.reload({ ...BASE, pipelines: { in: { ...PIPELINES.in, sink: { endpoint: 'nobody' } } } }),
    ConfigError,
  );
  await assert.rejects(
    gateway.reload({ ...BASE, memory: { limit: '1GiB' }, pipelines: changed }),
    failsWith('TG_RELOAD_REFUSED', /^memory cannot change while the gateway runs \(limit \(none\) -> 1GiB\)/),
  );
  const { config, listeners } = gateway.inspect();
  assert.equal(config.generation, 1);
  assert.deepEqual(
    listeners.map(({ name }) => name),
    ['public'],
  );
  await stored(client, 'as before');
});

test('a listener with another port is bound first; clients that came by the old port stay', async (t) => {
  const gateway = await running(t);
  const before = url(gateway, '/orders');
  const client = await TestClient.open(before);
  const free = createServer().listen(0);
  await until(
    () => free.listening,
    5_000,
    () => 'not listening',
  );
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  await gateway.reload({ ...BASE, listeners: { public: { port } } });
  assert.equal(gateway.ports().listeners.public, port);
  await assert.rejects(TestClient.open(before));
  const next = await TestClient.open(url(gateway, '/orders'));
  await stored(next, 'new');
  await stored(client, 'old');
  await gateway.reload({ ...BASE, listeners: { public: { port, host: '127.0.0.1' } } });
  await stored(await TestClient.open(url(gateway, '/orders')), 'same port');
  await stored(client, 'still old');
});

test('limits of a listener count the clients that are there', async (t) => {
  const limited = (connections: number): ConfigObject => ({
    ...BASE,
    listeners: { public: { port: 0, limits: { connections } } },
  });
  const gateway = await running(t, limited(5));
  await TestClient.open(url(gateway, '/orders'));
  await TestClient.open(url(gateway, '/orders'));
  await gateway.reload(limited(2));
  await assert.rejects(TestClient.open(url(gateway, '/orders')), /503/);
  await gateway.reload(limited(3));
  await TestClient.open(url(gateway, '/orders'));
});

test('tokens are replaced: the old one is refused from then on, and the client that used it stays', async (t) => {
  const of = (token: string): ConfigObject => ({
    ...BASE,
    auth: { devices: { bearer: { tokens: { ada: token } } } },
    endpoints: { orders: { ...ENDPOINTS.orders, auth: 'devices' } },
  });
  const open = (gateway: Gateway, token: string) =>
    TestClient.open(url(gateway, '/orders'), { headers: { authorization: `Bearer ${token}` } });
  const gateway = await running(t, of('first-token-of-ada-for-tests'));
  const client = await open(gateway, 'first-token-of-ada-for-tests');
  const report = await gateway.reload(of('second-token-of-ada-for-tests'));
  assert.equal(report.summary, 'auth.devices changed (bearer.tokens.ada *** -> ***); 4 others unchanged');
  await assert.rejects(open(gateway, 'first-token-of-ada-for-tests'), /401/);
  await stored(await open(gateway, 'second-token-of-ada-for-tests'), 'second');
  await stored(client, 'first');
  await gateway.reload(BASE);
  await stored(await TestClient.open(url(gateway, '/orders')), 'anyone');
});

test('a port gets TLS and another certificate, and clients without it stay', async (t) => {
  const authority = new Authority(t);
  const folder = new CertificateFolder(t);
  folder.write(authority.issue({ name: 'one' }));
  const gateway = await running(t);
  const client = await TestClient.open(url(gateway, '/orders'));
  const port = gateway.ports().listeners.public ?? 0;
  await gateway.reload({ ...BASE, listeners: { public: { port, tls: folder.settings } } });
  const secure = await TestClient.open(`wss://127.0.0.1:${port}/orders`, { ca: authority.cert });
  await stored(secure, 'secure');
  await stored(client, 'plain');
});

test('one reload at a time: of those that wait the newest is carried out, and all get its outcome', async (t) => {
  const gateway = await running(t);
  const of = (count: number): ConfigObject => ({
    ...BASE,
    pipelines: { ...PIPELINES, in: { ...PIPELINES.in, batch: { count } } },
  });
  const reports = await Promise.all([1, 2, 3, 4].map((count) => gateway.reload(of(count))));
  assert.deepEqual(
    reports.map(({ reload, summary }) => [reload, /-> (\d)/.exec(summary)?.[1]]),
    [
      [1, '1'],
      [2, '4'],
      [2, '4'],
      [2, '4'],
    ],
  );
  assert.equal((await gateway.reload(of(4))).result, 'unchanged');
  assert.equal(gateway.inspect().config.generation, 3);
});

test('before the start and after the stop there is no reload, and one in between ends with the stop', async (t) => {
  const gateway = await gatewayOf(t, BASE);
  await assert.rejects(gateway.reload(BASE), failsWith('TG_NOT_RUNNING', /has not started/));
  await ready(gateway);
  const client = await TestClient.open(url(gateway, '/orders'));
  const reload = gateway.reload({ ...BASE, endpoints: { orders: { ...ENDPOINTS.orders, path: '/others' } } });
  const stop = gateway.stop();
  await Promise.allSettled([reload]);
  assert.deepEqual(await stop, { unsettled: 0 });
  await client.until(() => client.closed !== undefined);
  await assert.rejects(gateway.reload(BASE), failsWith('TG_NOT_RUNNING', /is stopping/));
});

test('a file is read again, with its variables, and by the admin port, which says what was done', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'gateway.yaml');
  const write = (count: number, more = '') =>
    writeFileSync(
      file,
      `log: { driver: embedded, embedded: { memory: true } }
admin: { port: 0, host: 127.0.0.1 }
listeners: { public: { port: 0 } }
endpoints: { orders: { listener: public, path: /orders, codec: envelope } }
pipelines: { in: { source: { endpoint: orders }, batch: { count: ${count} }, sink: { topic: { name: orders } } } }
shutdown: { jitter: 0s }
${more}`,
    );
  write(1);
  const kept = keptLogger();
  const gateway = await createGateway({ config: { file }, logger: kept.logger });
  t.after(() => gateway.stop());
  await ready(gateway);
  const admin = `http://127.0.0.1:${gateway.ports().admin}/-/reload`;
  const post = async () => {
    const response = await fetch(admin, { method: 'POST' });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  assert.deepEqual(await (await fetch(admin)).json(), { generation: 1, reloads: [] });
  assert.deepEqual([(await post()).status, (await post()).body.result], [200, 'unchanged']);
  write(2);
  const applied = await post();
  assert.equal(applied.status, 200);
  assert.equal(applied.body.summary, 'pipelines.in changed (batch.count 1 -> 2); 2 others unchanged');
  write(2, 'nothing: 1');
  const invalid = await post();
  assert.equal(invalid.status, 422);
  assert.match(String((invalid.body.problems as string[])[0]), /gateway\.yaml:7:1 {2}nothing/);
  write(2, 'tracing: { sample: 1 }');
  const refused = await post();
  assert.equal(refused.status, 409);
  assert.deepEqual((refused.body.error as { code: string }).code, 'TG_RELOAD_REFUSED');
  const { generation, reloads } = (await (await fetch(admin)).json()) as {
    generation: number;
    reloads: { result: string; cause: string }[];
  };
  assert.equal(generation, 2);
  assert.deepEqual(
    reloads.map(({ result, cause }) => `${result} ${cause}`),
    ['refused', 'invalid', 'applied', 'unchanged', 'unchanged'].map((result) => `${result} request`),
  );
  assert.equal((await fetch(admin, { method: 'DELETE' })).status, 405);
  assert.equal((await fetch(admin, { method: 'POST', headers: { origin: 'https://evil.example' } })).status, 403);
  write(3);
  assert.equal((await gateway.reload()).summary, 'pipelines.in changed (batch.count 2 -> 3); 2 others unchanged');
  const metrics = await (await fetch(admin.replace('/-/reload', '/metrics'))).text();
  assert.match(metrics, /^tidegate_config_generation 3$/m);
  assert.match(metrics, /^tidegate_config_last_reload_successful 1$/m);
  assert.match(metrics, /^tidegate_config_reloads_total\{result="refused"\} 1$/m);
  assert.match(metrics, /^tidegate_config_last_reload_success_timestamp_seconds \d{10}/m);
});

test('an address that this machine does not have changes nothing, though the port is one of ours', async (t) => {
  const gateway = await running(t, { ...BASE, listeners: { public: { port: 0, host: '127.0.0.1' } } });
  const { port } = new URL(url(gateway, '/orders'));
  const at = (host: string) => ({ ...BASE, listeners: { public: { port: Number(port), host } } });
  await gateway.reload(at('127.0.0.1'));
  await assert.rejects(
    gateway.reload(at('192.0.2.77')),
    failsWith('TG_LISTEN_FAILED', /^listeners\.public: cannot listen at 192\.0\.2\.77: .*EADDRNOTAVAIL/),
  );
  await stored(await TestClient.open(url(gateway, '/orders')), 'as before');
});

test('a port that could not be bound again is bound by the next reload, though nothing has changed', async (t) => {
  const first = await running(t, { ...BASE, listeners: { public: { port: 0, host: '127.0.0.1' } } });
  const port = first.ports().listeners.public ?? 0;
  const wanted = { ...BASE, listeners: { public: { port, host: '127.0.0.2' } } };
  const other = createServer().listen(port, '127.0.0.2');
  t.after(() => other.close());
  await until(
    () => other.listening,
    5_000,
    () => 'not listening',
  );
  await first.reload({ ...BASE, listeners: { public: { port, host: '127.0.0.1' } } });
  const failed = await first.reload(wanted);
  assert.match(failed.problems.join('\n'), /^listeners\.public: cannot listen on port/);
  const again = await first.reload(wanted);
  assert.equal(again.result, 'unchanged');
  assert.match(again.problems.join('\n'), /^listeners\.public: cannot listen on port/);
  await new Promise((resolve) => other.close(resolve));
  assert.deepEqual((await first.reload(wanted)).problems, []);
  await stored(await TestClient.open(`ws://127.0.0.2:${port}/orders`), 'bound at last');
});

test('a file with the mistake is one of the files to look at, though the gateway does not run on it yet', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [file, more] = [join(folder, 'gateway.yaml'), join(folder, 'more.yaml')];
  const main = `log: { driver: embedded, embedded: { memory: true } }
admin: { enabled: false }
listeners: { public: { port: 0 } }
endpoints: { orders: { listener: public, path: /orders, codec: envelope } }
pipelines: { in: { source: { endpoint: orders }, sink: { topic: { name: orders } } } }
`;
  writeFileSync(file, main);
  const gateway = await createGateway({ config: { file }, logger: 'silent' });
  t.after(() => gateway.stop());
  await ready(gateway);
  writeFileSync(more, 'endpoints: { news: { listener: public, path: /news, codec: 5 } }');
  writeFileSync(file, `include: [ more.yaml ]\n${main}`);
  await assert.rejects(gateway.reload(), ConfigError);
  assert.deepEqual(gateway.inspect().config.files, [file, more]);
  writeFileSync(file, main);
  await gateway.reload();
  assert.deepEqual(gateway.inspect().config.files, [file]);
});

test('a warning about the configuration is logged when it is new, and not again by each reload', async (t) => {
  const { logger, warnings } = keptLogger();
  const doubtful = (topic: string): ConfigObject => ({
    ...BASE,
    log: { driver: 'embedded', embedded: { memory: true }, topics: { [topic]: { partitions: 3 } } },
    endpoints: {
      orders: {
        listener: 'public',
        path: '/orders',
        codec: 'json',
        channels: { history: {} },
        allow: { subscribe: '*' },
      },
    },
    pipelines: {
      in: { source: { endpoint: 'orders' }, sink: { topic: { name: topic } } },
      out: {
        source: { topic: { names: [topic] } },
        sink: { endpoint: { name: 'orders', channel: 'a.${! json.x }' } },
      },
    },
  });
  const gateway = await createGateway({ config: doubtful('orders'), logger });
  t.after(() => gateway.stop());
  await ready(gateway);
  const positions = () => warnings().filter((line) => line.includes('no positions'));
  assert.equal(positions().length, 1, positions().join('\n'));
  await gateway.reload(doubtful('orders'));
  await gateway.reload({ ...doubtful('orders'), shutdown: { timeout: '9s' } });
  assert.equal(positions().length, 1, positions().join('\n'));
  await gateway.reload(doubtful('others'));
  await until(
    () => gateway.inspect().ready,
    5_000,
    () => 'not ready',
  );
  assert.equal(positions().length, 2, positions().join('\n'));
});
