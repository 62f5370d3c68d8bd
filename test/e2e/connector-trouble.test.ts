import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectApi } from '../helpers/connect-gateway.ts';
import { type FeedConnection, FeedServer, rawFrame } from '../helpers/feed-server.ts';
import { freePort, startGateway, until } from '../helpers/gateway-process.ts';

const INTERVAL = 300;
const MIB = 1_048_576;

/** A server that harms its clients. */
interface Trouble {
  readonly url: string;
  /** What the trace of the task says. */
  readonly says: RegExp;
  readonly more?: Readonly<Record<string, string>>;
}

/** Takes connections and says this to each, whatever it is asked. */
async function speaker(t: TestContext, words: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(words);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A message of 200 MB in one frame, as fast as it is taken. */
function oneHugeFrame({ ws }: FeedConnection): void {
  const { _socket: socket } = ws as unknown as { _socket: Socket };
  socket.write(rawFrame(2, Buffer.alloc(64), { length: 200 * MIB }));
  const pour = (left: number) => {
    if (left > 0 && !socket.destroyed) socket.write(Buffer.alloc(MIB), () => pour(left - 1));
  };
  pour(200);
}

/** The same in parts that are no larger than others send. */
function oneHugeMessage({ ws }: FeedConnection): void {
  const pour = (left: number) => {
    if (left > 0 && ws.readyState === 1)
      ws.send(Buffer.alloc(MIB), { binary: true, fin: left === 1 }, () => pour(left - 1));
  };
  pour(200);
}

async function troubles(t: TestContext): Promise<Record<string, Trouble>> {
  const server = async (
    says: RegExp,
    options: Parameters<typeof FeedServer.start>[1],
    more: { answer?: FeedServer['answer']; settings?: Record<string, string>; url?: (feed: FeedServer) => string } = {},
  ): Promise<Trouble> => {
    const feed = await FeedServer.start(t, options);
    feed.answer = more.answer;
    return {
      says,
      url: more.url?.(feed) ?? feed.url,
      ...(more.settings === undefined ? {} : { more: more.settings }),
    };
  };
  const ssh = await speaker(t, 'SSH-2.0-OpenSSH_9.6\r\n');
  const garbled = (accept: Buffer) => Buffer.concat([accept, rawFrame(1, 'x', { reserved: true })]);
  return {
    unreachable: { url: `ws://127.0.0.1:${await freePort()}`, says: /nothing listens there/ },
    unauthorized: await server(/answers 401 Unauthorized: it wants other credentials/, {}, { answer: { status: 401 } }),
    missing: await server(/answers 404 Not Found: there is nothing at this path/, {}, { answer: { status: 404 } }),
    redirecting: await server(
      /answers 302 Found: it redirects to ws:\/\/elsewhere\.test, which is not followed/,
      {},
      {
        answer: { status: 302, headers: { location: 'http://elsewhere.test/' } },
      },
    ),
    untrusted: await server(/TLS failed: the certificate .* is not signed by an authority that is trusted here/, {
      tls: {},
    }),
    plain: await server(
      /TLS failed: the server answers without it/,
      {},
      {
        url: ({ url }) => url.replace('ws:', 'wss:'),
      },
    ),
    silent: await server(
      /there was no answer within 500ms/,
      {},
      {
        answer: 'silence',
        settings: { 'websocket.connection.timeout.ms': '500' },
      },
    ),
    mute: await server(
      /heartbeat.expect asks for did not come within 400ms/,
      {},
      { settings: { 'websocket.heartbeat.expect.ms': '400' } },
    ),
    huge: await server(/larger than max_frame \(16MiB\)/, { greet: oneHugeFrame }),
    parts: await server(/larger than max_frame \(16MiB\)/, { greet: oneHugeMessage }),
    slamming: await server(/the server closed with 4000 "go away"/, { greet: ({ ws }) => ws.close(4000, 'go away') }),
    vanishing: await server(/broken off without a closing frame/, { greet: ({ ws }) => ws.terminate() }),
    garbled: await server(/breaks the WebSocket protocol/, {}, { answer: { raw: garbled } }),
    other: { url: `ws://127.0.0.1:${ssh}`, says: /what answers there does not speak HTTP/ },
  };
}

test('a connector reports RESTARTING or FAILED with the reason, and others go on', async (t) => {
  let last = 0;
  const good = await FeedServer.start(t, {
    greet: ({ ws }) => {
      const timer = setInterval(() => ws.send(`{"seq":${++last}}`), 10);
      ws.on('close', () => clearInterval(timer));
    },
  });
  const all = await troubles(t);
  const port = await freePort();
  const env = { CONNECT_PORT: String(port), KAFKA_DRIVER: 'embedded' };
  const gateway = await startGateway(t, { config: 'config/examples/connector.yaml', env });
  const api = new ConnectApi(`http://127.0.0.1:${port}`);
  await api.until('/health', ({ status }) => status === 200);
  const create = async (name: string, url: string, more: object) => {
    const config = { 'connector.class': 'WebSocketSource', 'websocket.url': url, 'kafka.topic': name, ...more };
    const { status, body } = await api.call('POST', '/connectors', { name, config });
    assert.equal(status, 201, JSON.stringify(body));
  };
  await create('good', good.url, {});
  await api.state('good', 'RUNNING');
  const begun = Date.now();
  for (const [name, { url, more }] of Object.entries(all)) {
    await create(`${name}-again`, url, { ...more, 'websocket.reconnect.interval.ms': `${INTERVAL}` });
    await create(`${name}-once`, url, { ...more, 'websocket.reconnect.enabled': 'false' });
  }
  for (const [name, { says }] of Object.entries(all))
    for (const [kind, state] of [
      ['again', 'RESTARTING'],
      ['once', 'FAILED'],
    ] as const) {
      const { body } = await api.until(`/connectors/${name}-${kind}/status`, ({ body }) => {
        const [task] = body.tasks ?? [];
        return task?.state === state && says.test(task.trace);
      });
      assert.equal(body.connector.state, 'RUNNING');
    }
  const metrics = async (pattern: RegExp) =>
    [...(await gateway.get('/metrics')).body.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
  const ends = (name: string) =>
    metrics(
      new RegExp(`tidegate_remote_(?:lost|failed_tries)_total\\{[^}]*connectors\\.${name}/0[^}]*\\} (\\d+)`, 'g'),
    );
  for (const name of Object.keys(all)) {
    await until(
      async () => (await ends(`${name}-again`)) >= 3,
      30_000,
      () => `${name} is not tried again`,
    );
    const [tries, most] = [await ends(`${name}-again`), (Date.now() - begun) / INTERVAL + 1];
    assert.ok(tries <= most, `${name} was tried ${tries} times, ${most} would be at its pace`);
    assert.equal(await ends(`${name}-once`), 1);
  }

  const before = last;
  await until(
    () => last >= before + 50,
    30_000,
    () => 'the good one is not read any more',
  );
  await until(
    async () => (await metrics(/tidegate_remote_settled_total\{[^}]*connectors\.good\/0[^}]*\} (\d+)/g)) >= before + 50,
    30_000,
    () => 'the good one does not store any more',
  );
  assert.equal(good.handshakes, 1);
  assert.equal((await gateway.get('/ready')).status, 200);
  const peak =
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) / 1_024;
  assert.ok(peak < 700, `frames of 200 MB took ${peak} MiB`);
  assert.equal(await gateway.stop(), 0);
});

test('a message that Kafka refuses fails its task, or is skipped if so configured', async (t) => {
  const feed = await FeedServer.start(t, {
    greet: ({ ws }) => {
      for (const size of [10, 20 * MIB, 20]) ws.send('x'.repeat(size));
    },
  });
  const port = await freePort();
  const env = { CONNECT_PORT: String(port), KAFKA_DRIVER: 'embedded' };
  const gateway = await startGateway(t, { config: 'config/examples/connector.yaml', env });
  const api = new ConnectApi(`http://127.0.0.1:${port}`);
  await api.until('/health', ({ status }) => status === 200);
  const config = {
    'connector.class': 'WebSocketSource',
    'websocket.url': feed.url,
    'websocket.message.max.bytes': String(32 * MIB),
  };
  await api.call('POST', '/connectors', { name: 'strict', config: { ...config, 'kafka.topic': 'strict' } });
  await api.call('POST', '/connectors', {
    name: 'tolerant',
    config: { ...config, 'kafka.topic': 'tolerant', 'errors.tolerance': 'all', 'errors.log.enable': 'true' },
  });
  await api.until('/connectors/strict/status', ({ body }) => {
    const [task] = body.tasks ?? [];
    return task?.state === 'FAILED' && /TG_RECORD_TOO_LARGE|too large/.test(task.trace);
  });
  await until(
    async () => /tidegate_lane_records_total\{[^}]*"tolerant"[^}]*\} 2/.test((await gateway.get('/metrics')).body),
    30_000,
    () => 'the others were not stored',
  );
  await api.state('tolerant', 'RUNNING');
  assert.match(gateway.output(), /a message was skipped/);
  assert.equal(await gateway.stop(), 0);
});
