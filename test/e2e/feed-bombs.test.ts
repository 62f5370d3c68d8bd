import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ConnectApi } from '../helpers/connect-gateway.ts';
import { type FeedConnection, FeedServer } from '../helpers/feed-server.ts';
import { freePort, type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { mebibytes, residentBytes } from '../helpers/process-memory.ts';

const MIB = 1_048_576;
/** What max_frame is by default: no frame is larger, and no message once it is decompressed. */
const MAX_FRAME = 16 * MIB;
/** 16 MiB of zeros. */
const ZEROS = gzipSync(Buffer.alloc(MAX_FRAME), { level: 9 });
const EMPTY = gzipSync('');

const repeated = (bytes: Buffer, count: number) => Buffer.concat(Array.from({ length: count }, () => bytes));
/** As many as there is room for in a frame. */
const filled = (bytes: Buffer) => repeated(bytes, Math.floor(MAX_FRAME / bytes.length));

/** A server that sends pings to the client at /calm, and bombs to others when the test says so. */
async function bombServer(t: TestContext) {
  let slowest = 0;
  const server = await FeedServer.start(t, {
    greet: (connection) => {
      if (connection.url === '/calm') pings(connection);
    },
  });
  function pings({ ws }: FeedConnection): void {
    let sentAt = performance.now();
    let n = 0;
    const ping = () => {
      n += 1;
      sentAt = performance.now();
      ws.send(JSON.stringify({ op: 'ping', n }));
    };
    const answered = () => {
      slowest = Math.max(slowest, performance.now() - sentAt);
      setTimeout(ping, 5);
    };
    ws.on('message', answered);
    ping();
  }
  const at = async (path: string) => {
    const found = () => server.live.findLast(({ url }) => url === path);
    await until(
      () => found() !== undefined,
      20_000,
      () => `no connection at ${path}`,
    );
    return found() as FeedConnection; // until resolves only behind one
  };
  const takeSlowest = () => {
    const taken = slowest;
    slowest = 0;
    return taken;
  };
  return { server, at, takeSlowest };
}

/** Milliseconds of CPU that a process has taken, with all its threads. */
function cpuOf({ process: { pid } }: GatewayProcess): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}

async function started(t: TestContext) {
  const { server, at, takeSlowest } = await bombServer(t);
  const port = await freePort();
  const env = { CONNECT_PORT: String(port), FEED_URL: server.url };
  const gateway = await startGateway(t, { config: 'test/fixtures/feed-bombs.yaml', env });
  await gateway.ready();
  await at('/calm');
  const figure = async (name: string, component: string) => {
    const { body } = await gateway.get('/metrics');
    const [, value] = new RegExp(`^${name}\\{component="${component}"[^}]*\\} (\\d+)`, 'm').exec(body) ?? [];
    return Number(value ?? 0);
  };
  return { server, at, takeSlowest, gateway, figure, api: new ConnectApi(`http://127.0.0.1:${port}`) };
}

test('a bomb ends its connection with a reason in the status, and costs little memory and CPU', async (t) => {
  const { server, at, takeSlowest, gateway, api } = await started(t);
  const bombs = {
    '1 MiB that would become 1 GiB': repeated(ZEROS, 64),
    'a whole frame that would become 16 GiB': filled(ZEROS),
  };
  for (const [name, bomb] of Object.entries(bombs)) {
    const path = `/${Object.keys(bombs).indexOf(name)}`;
    const config = {
      'connector.class': 'tidegate.WebSocketSourceConnector',
      'websocket.url': `${server.url}${path}`,
      'websocket.decompress': 'gzip',
      'websocket.reconnect.interval.ms': '60000',
      'kafka.topic': 'bombs',
    };
    const made = await api.call('POST', '/connectors', { name: `c${path.slice(1)}`, config });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { ws } = await at(path);
    takeSlowest();
    const before = { memory: residentBytes(gateway.process.pid), cpu: cpuOf(gateway) };
    ws.send(bomb);
    const { body } = await api.until(
      `/connectors/c${path.slice(1)}/status`,
      ({ body }) => body.tasks?.[0]?.state === 'RESTARTING',
    );
    assert.match(
      body.tasks[0].trace,
      /the server sent a message larger than max_frame \(16MiB\) once decompressed/,
      name,
    );
    const memory = residentBytes(gateway.process.pid, 'VmHWM') - before.memory;
    const cpu = cpuOf(gateway) - before.cpu;
    const slowest = takeSlowest();
    t.diagnostic(`${name}: ${mebibytes(memory)} MiB, ${cpu} ms of CPU, an answer took ${Math.round(slowest)} ms`);
    assert.ok(memory < 192 * MIB, `${name}: ${mebibytes(memory)} MiB`);
    assert.ok(cpu < 1_500, `${name}: ${cpu} ms of CPU`);
  }
  assert.equal((await gateway.get('/ready')).status, 200);
});

test('many messages that become as large as allowed are taken some at a time, and other feeds go on', async (t) => {
  const { at, takeSlowest, gateway, figure } = await started(t);
  const { ws } = await at('/many');
  takeSlowest();
  const before = residentBytes(gateway.process.pid);
  // Half of what Node reads of a busy socket in a turn.
  const count = 64;
  const sentAt = performance.now();
  for (let n = 0; n < count; n += 1) ws.send(ZEROS);
  // A thousandth of the second layer: it is a message like any other.
  ws.send(gzipSync(repeated(ZEROS, 64), { level: 9 }));
  // What costs most CPU for its length, and gives nothing.
  ws.send(filled(EMPTY));
  await until(
    async () => (await figure('tidegate_remote_settled_total', 'pipelines.many.source')) === count + 2,
    60_000,
    () => 'not all messages came',
  );
  const memory = residentBytes(gateway.process.pid, 'VmHWM') - before;
  const [slowest, whole] = [takeSlowest(), performance.now() - sentAt];
  t.diagnostic(`${mebibytes(memory)} MiB, an answer took ${Math.round(slowest)} ms of ${Math.round(whole)}`);
  assert.ok(memory < 512 * MIB, `${mebibytes(memory)} MiB`);
  assert.ok(slowest < whole / 2, `an answer took ${slowest} ms of ${whole}`);
  assert.equal(await figure('tidegate_remote_live', 'pipelines.many.source'), 1);
});
