import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { type ConfigObject, createGateway } from '../../../src/index.ts';
import { TestClient } from '../../helpers/client.ts';
import { tlsFile } from '../../helpers/feed-server.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

/** Echoes of any JSON at /orders of a server that has no port of its own. */
const ATTACHED: ConfigObject = {
  ...MEMORY,
  listeners: { shop: {} },
  endpoints: { orders: { listener: 'shop', path: '/orders', codec: 'json' } },
  pipelines: {
    in: { source: { endpoint: 'orders' }, sink: { topic: { name: 'orders' } } },
    out: { source: { topic: { names: ['orders'] } }, sink: { endpoint: 'orders' } },
  },
};

/** A program's server, which answers every request itself. */
async function programServer(t: TestContext): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => response.end(`the program at ${request.url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** The program's own WebSockets at /echo, which say `echo` and what they got. */
function echoes(t: TestContext, server: Server): void {
  const upgrader = new WebSocketServer({ noServer: true });
  upgrader.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/echo') return;
    upgrader.handleUpgrade(request, socket, head, (ws) => upgrader.emit('connection', ws, request));
  });
  t.after(() => {
    for (const client of upgrader.clients) client.terminate();
  });
}

async function said(client: TestClient, word: string): Promise<string[]> {
  client.ws.send(word);
  await client.until(() => client.frames.some((frame) => String(frame).endsWith(word)));
  return client.frames.map(String);
}

test("takes the handshakes for its own paths alone, beside the program's own WebSockets and pages", async (t) => {
  const { server, port } = await programServer(t);
  echoes(t, server);
  const gateway = await gatewayOf(t, ATTACHED, { server });
  await ready(gateway);
  assert.deepEqual(gateway.ports(), { admin: 0, connect: 0, listeners: { shop: port } });
  const [listener] = gateway.inspect().listeners;
  assert.deepEqual(listener, { name: 'shop', state: 'listening', port, attached: true });

  const [mine, its] = await Promise.all(
    ['/orders', '/echo'].map((path) => TestClient.open(`ws://127.0.0.1:${port}${path}`)),
  );
  assert.ok((await said(mine as TestClient, '{"total":5}')).includes('{"total":5}'));
  assert.deepEqual(await said(its as TestClient, 'hello'), ['echo hello']);
  for (const path of ['/', '/orders', '/health'])
    assert.equal(await (await fetch(`http://127.0.0.1:${port}${path}`)).text(), `the program at ${path}`);
});

test("closes its own clients and nothing of the program's when it stops", async (t) => {
  const { server, port } = await programServer(t);
  echoes(t, server);
  const gateway = await gatewayOf(t, ATTACHED, { server });
  await ready(gateway);
  const mine = await TestClient.open(`ws://127.0.0.1:${port}/orders`);
  const its = await TestClient.open(`ws://127.0.0.1:${port}/echo`);
  await gateway.stop();
  await mine.until(() => mine.closed?.code === 1012);
  assert.deepEqual(await said(its, 'still here'), ['echo still here']);
  assert.equal(server.listening, true);
  assert.equal(server.listenerCount('upgrade'), 1);
  const next = await gatewayOf(t, ATTACHED, { server });
  await ready(next);
  const again = await TestClient.open(`ws://127.0.0.1:${port}/orders`);
  assert.ok((await said(again, '{"total":6}')).includes('{"total":6}'));
});

test('a handshake that no other handler could take is refused, also with two gateways on one server', async (t) => {
  const { server, port } = await programServer(t);
  const rooms: ConfigObject = {
    ...ATTACHED,
    endpoints: { orders: { listener: 'shop', path: '/others', codec: 'json' } },
  };
  for (const config of [ATTACHED, rooms]) await ready(await gatewayOf(t, config, { server }));
  await Promise.all(['/orders', '/others'].map((path) => TestClient.open(`ws://127.0.0.1:${port}${path}`)));
  await assert.rejects(TestClient.open(`ws://127.0.0.1:${port}/nowhere`), /404/);
});

test('a server may be opened after the gateway', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const gateway = await gatewayOf(t, ATTACHED, { server });
  await ready(gateway);
  assert.equal(gateway.ports().listeners.shop, 0);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { shop: port } = gateway.ports().listeners;
  const client = await TestClient.open(`ws://127.0.0.1:${port}/orders`);
  assert.ok((await said(client, '{"total":7}')).includes('{"total":7}'));
});

test('it has to be clear which listener a server replaces', async (t) => {
  const { server } = await programServer(t);
  const two: ConfigObject = {
    ...ATTACHED,
    listeners: { shop: { port: 0 }, other: { port: 0 } },
  };
  const made = (config: ConfigObject, given: NonNullable<Parameters<typeof createGateway>[0]['server']>) =>
    createGateway({ config, server: given, logger: 'silent' });
  await assert.rejects(made(two, server), { code: 'TG_CONFIG_INVALID', message: /the listeners shop, other/ });
  await assert.rejects(made(two, { shpo: server }), { code: 'TG_CONFIG_INVALID', message: /no listener shpo/ });
  const gateway = await made(two, { shop: server });
  t.after(() => gateway.stop());
  await ready(gateway);
  const { shop, other } = gateway.ports().listeners;
  assert.equal(shop, (server.address() as AddressInfo).port);
  assert.ok(other !== undefined && other > 0 && other !== shop);
});

test('a request for what is no path does no harm to a listener', async (t) => {
  const gateway = await gatewayOf(t, { ...ATTACHED, listeners: { shop: { port: 0 } } });
  await ready(gateway);
  const { shop: port = 0 } = gateway.ports().listeners;
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('GET // HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(String(answer), /^HTTP\/1\.1 404 /);
});

test('limits hold on a server of the program; the PROXY protocol is refused there', async (t) => {
  const { server, port } = await programServer(t);
  const config = (listener: object): ConfigObject => ({ ...ATTACHED, listeners: { shop: { port: 0, ...listener } } });
  const made = (listener: object) => createGateway({ config: config(listener), server, logger: 'silent' });
  const proxied = async () => {
    const gateway = await made({ proxy_protocol: 'v2' });
    t.after(() => gateway.stop());
    await gateway.start();
  };
  await assert.rejects(proxied(), {
    code: 'TG_LISTEN_FAILED',
    message: /proxy_protocol is for a port that the gateway/,
  });

  const gateway = await made({ limits: { per_address: { connections: 1 } } });
  t.after(() => gateway.stop());
  await ready(gateway);
  const client = await TestClient.open(`ws://127.0.0.1:${port}/orders`);
  await assert.rejects(TestClient.open(`ws://127.0.0.1:${port}/orders`), /429/);
  client.ws.terminate();
});

test('refuses TLS and PROXY headers of its own in front of the server of a program', async (t) => {
  const { server } = await programServer(t);
  const tls = { cert: tlsFile('server.pem'), key: tlsFile('server.key.pem') };
  for (const [shop, setting] of [
    [{ tls }, 'tls'],
    [{ proxy_protocol: 'v2' }, 'proxy_protocol'],
  ] as const) {
    const expected = new RegExp(`^TidegateError: listeners\\.shop: ${setting} is for a port that`);
    await assert.rejects(gatewayOf(t, { ...ATTACHED, listeners: { shop } }, { server }), expected);
  }
});
