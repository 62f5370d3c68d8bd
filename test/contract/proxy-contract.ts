import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { ConfigObject, Gateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { RawClient } from '../helpers/raw-client.ts';
import type { ProxyOptions, ReverseProxy } from '../services/reverse-proxy.ts';
import { gatewayOf, MEMORY, next, ready } from '../unit/library/rig.ts';

/*
 * The files of deploy/proxies in front of two gateways. Idle times are 20 times shorter, those of pings as well: what is
 * tested is that one is longer than the other.
 */

const DIVISOR = 20;
/** Milliseconds: 75 s in the files. */
const IDLE = 75_000 / DIVISOR;
/** `ping.interval` is 20 s where a configuration says nothing. */
const PING = { interval: `${20_000 / DIVISOR}ms` };

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A proxy with the repository's file for it. */
export interface ProxyUnderTest {
  readonly name: string;
  readonly require: (t: TestContext, options: ProxyOptions) => Promise<ReverseProxy | undefined>;
  /** What the program itself says of the file. */
  readonly check: () => string;
  readonly isFine: RegExp;
}

export function proxyContract(proxy: ProxyUnderTest): void {
  describe(`behind ${proxy.name}`, { concurrency: true }, () => {
    test(`${proxy.name} takes the file of the repository as it is, without a warning`, async (t) => {
      const there = await proxy.require(t, { gateways: [1, 2] });
      if (there === undefined) return;
      const output = proxy.check();
      assert.match(output, proxy.isFine);
      assert.doesNotMatch(output, /warn|alert|error/i);
    });

    test('a handshake comes through with its path, query, subprotocol and the client’s address', async (t) => {
      const gateway = await inProcess(t);
      const there = await proxy.require(t, { gateways: [portOf(gateway)] });
      if (there === undefined) return;
      const arrived = next(gateway, 'ws-connection');
      const token = 'x'.repeat(12_000);
      // As a browser has it, from an address that is not the proxy's, with headers that a client may invent.
      const client = new WebSocket(
        `ws://127.0.0.1:${there.port}/shops/${'d'.repeat(200)}/ws?token=${token}`,
        ['tide.v2', 'tide.v1'],
        {
          perMessageDeflate: true,
          localAddress: '127.0.0.2',
          origin: 'https://shop.example.org',
          headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Real-IP': '203.0.113.9', 'X-Forwarded-Proto': 'gopher' },
        },
      );
      await once(client, 'open');
      const [, { url, headers, remote }] = await arrived;

      assert.equal(url, `/shops/${'d'.repeat(200)}/ws?token=${token}`);
      assert.equal(client.protocol, 'tide.v1');
      // Asked for, and declined by the gateway: not lost.
      assert.match(headers['sec-websocket-extensions'] ?? '', /permessage-deflate/);
      assert.equal(client.extensions, '');
      assert.equal(headers.origin, 'https://shop.example.org');
      assert.equal(headers.host, `127.0.0.1:${there.port}`);
      assert.equal(headers['x-real-ip'], '127.0.0.2');
      assert.equal(headers['x-forwarded-for'], '203.0.113.9, 127.0.0.2');
      assert.equal(headers['x-forwarded-proto'], 'http');
      // The proxy's own entry is the last one; what the client invented is in front of it.
      assert.equal(remote, '127.0.0.2');
    });

    test('a silent client keeps its socket by pings, and without pings the proxy closes it', async (t) => {
      const gateway = await inProcess(t);
      const there = await proxy.require(t, { gateways: [portOf(gateway)], divisor: DIVISOR });
      if (there === undefined) return;
      const began = Date.now();
      const pinged = await TestClient.open(`ws://127.0.0.1:${there.port}/ws`);
      const silent = await TestClient.open(`ws://127.0.0.1:${there.port}/no-pings`);
      await silent.until(() => silent.closed !== undefined, 5 * IDLE);
      assert.equal(silent.closed?.code, 1006);
      assert.ok(Date.now() - began >= IDLE, 'cut before its time');

      await sleep(began + 2 * IDLE - Date.now());
      assert.equal(pinged.closed, undefined);
      pinged.send('still here');
      await pinged.until(() => pinged.of('USER').length === 1);
    });

    test('frames of 1 MB pass both ways, and a client that does not read is the gateway’s to cut', async (t) => {
      const gateway = await inProcess(t);
      const there = await proxy.require(t, { gateways: [portOf(gateway)] });
      if (there === undefined) return;
      const cut = next(gateway, 'ws-close');
      const slow = await RawClient.open(there.port, '/ws');
      slow.socket.pause();
      const client = await TestClient.open(`ws://127.0.0.1:${there.port}/ws`);
      const contents = Array.from({ length: 32 }, (_, n) => String.fromCharCode(97 + (n % 26)).repeat(1_000_000));
      for (const [n, content] of contents.entries()) {
        client.send(content);
        await client.until(() => client.of('USER').length === n + 1 && client.of('ACK').length === n + 1);
      }
      assert.ok(client.of('USER').every(({ content }, n) => content === contents[n]));
      // What the proxy would keep for it would not be in the gateway's queue, and no policy would see it.
      assert.equal((await cut)[1].code, 1008);
      assert.equal(client.closed, undefined);
    });

    test('a handshake that a gateway answers with 503 goes to the other one, and the client sees nothing of it', async (t) => {
      const full = await inProcess(t, { max_connections: 1 });
      const roomy = await inProcess(t);
      const there = await proxy.require(t, { gateways: [portOf(full), portOf(roomy)] });
      if (there === undefined) return;
      for (let n = 0; n < 8; n += 1) await TestClient.open(`ws://127.0.0.1:${there.port}/ws`);
      assert.deepEqual([clientsOf(full), clientsOf(roomy)], [1, 7]);
    });

    test('a gateway that was gone gets all new sockets again once the proxy knows, as it has the fewest', async (t) => {
      const first = await inProcess(t);
      const second = await inProcess(t);
      const port = portOf(first);
      const gateways = [port, portOf(second)];
      const there = await proxy.require(t, { gateways });
      if (there === undefined) return;
      const open = () => TestClient.open(`ws://127.0.0.1:${there.port}/ws`);
      await first.stop();
      for (let n = 0; n < 8; n += 1) await open();
      assert.equal(clientsOf(second), 8);

      const successor = await inProcess(t, { port });
      await until(
        async () => (await open()) && clientsOf(successor) > 0,
        10_000,
        () => 'it gets none',
      );
      // Sockets stay for hours: none of them has to be over for the next one to come.
      for (let n = 0; n < 5; n += 1) await open();
      assert.equal(clientsOf(successor), 6);
    });

    test('a gateway that stops: new sockets go to the other one, its own get 1012 and come back there', async (t) => {
      const config = 'test/fixtures/behind-proxy.yaml';
      const [first, second] = await Promise.all([startGateway(t, { config }), startGateway(t, { config })]);
      await Promise.all([first.ready(), second.ready()]);
      const there = await proxy.require(t, { gateways: [first.port, second.port] });
      if (there === undefined) return;
      const open = () => TestClient.open(`ws://127.0.0.1:${there.port}/ws`);
      const clients: TestClient[] = [];
      for (let n = 0; n < 12; n += 1) clients.push(await open());
      assert.deepEqual([await connections(first), await connections(second)], [6, 6]);

      const stopped = first.stop('SIGTERM');
      await until(
        async () => (await first.get('/ready')).status === 503,
        5_000,
        () => 'it is still ready',
      );
      const newcomers = await Promise.all([open(), open(), open(), open()]);
      assert.equal(await connections(second), 10);
      const isGone = ({ closed }: TestClient) => closed !== undefined;
      await until(
        () => clients.filter(isGone).length === 6,
        10_000,
        () => `${clients.filter(isGone).length} of 6 clients were closed`,
      );
      assert.deepEqual(new Set(clients.filter(isGone).map(({ closed }) => closed?.code)), new Set([1012]));
      assert.equal(await stopped, 0);
      await Promise.all(clients.filter(isGone).map(open));
      assert.equal(await connections(second), 16);
      assert.ok(newcomers.every(({ closed }) => closed === undefined));

      await second.stop('SIGKILL');
      await assert.rejects(open(), new RegExp(`Unexpected server response: ${there.statusOfNone}`));
    });
  });
}

/** A gateway in this process, which says what it sees of a handshake. */
async function inProcess(
  t: TestContext,
  { port = 0, ...endpoint }: { port?: number; max_connections?: number } = {},
): Promise<Gateway> {
  const shared = {
    listener: 'public',
    codec: 'envelope',
    max_payload: '2MiB',
    slow_consumer: { queue: '4MiB' },
  } as const;
  const config: ConfigObject = {
    ...MEMORY,
    listeners: { public: { port, trusted_proxies: ['127.0.0.1'] } },
    endpoints: {
      messages: {
        ...shared,
        path: ['/ws', '/shops/{shop}/ws'],
        protocols: ['tide.v1'],
        ping: PING,
        ...endpoint,
      },
      unpinged: { ...shared, path: '/no-pings', ping: { interval: '1h' } },
    },
    pipelines: {
      in: { source: { endpoint: 'messages' }, sink: { topic: { name: 'messages' } } },
      out: { source: { topic: { names: ['messages'] } }, sink: { endpoint: 'messages' } },
      'unpinged-in': { source: { endpoint: 'unpinged' }, sink: { topic: { name: 'messages' } } },
    },
  };
  const gateway = await gatewayOf(t, config);
  await ready(gateway);
  return gateway;
}

function portOf(gateway: Gateway): number {
  return gateway.ports().listeners.public ?? 0;
}

function clientsOf(gateway: Gateway): number {
  return gateway.inspect().endpoints.reduce((sum, { connections }) => sum + connections, 0);
}

async function connections(gateway: GatewayProcess): Promise<number> {
  const { body } = await gateway.get('/metrics');
  return Number(/^tidegate_connections\{[^}]*\} (\d+)/m.exec(body)?.[1]);
}
