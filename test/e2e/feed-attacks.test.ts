// Own process: it measures memory.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createGzip, gzipSync } from 'node:zlib';
import { type ConfigObject, createGateway, type TopicRecord } from '../../src/index.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';

const MIB = 1_048_576;

/** Runs a feed of this server into a topic. `keep`: which messages become records. */
async function feedOf(t: TestContext, server: FeedServer, settings: object, keep?: string): Promise<TopicRecord[]> {
  const gateway = await createGateway({
    config: {
      log: { driver: 'embedded', embedded: { memory: true }, topics: { out: { partitions: 1 } } },
      pipelines: {
        feed: {
          source: { websocket_client: { url: server.url, ...settings } },
          processors: keep === undefined ? [] : [{ filter: { keep } }],
          sink: { topic: { name: 'out' } },
        },
      },
    } as ConfigObject,
  });
  t.after(() => gateway.stop());
  const records: TopicRecord[] = [];
  gateway.topic('out').records$.subscribe((record) => records.push(record));
  await gateway.start();
  return records;
}

/** Zeros that gzip makes a thousandth of, without ever having them in memory. */
async function bomb(bytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const packed: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => packed.push(chunk));
  const zeros = Buffer.alloc(MIB);
  for (let left = bytes; left > 0; left -= MIB)
    await new Promise<void>((resolve, reject) => gzip.write(zeros, (error) => (error ? reject(error) : resolve())));
  await new Promise<void>((resolve) => gzip.end(resolve));
  return Buffer.concat(packed);
}

test('a gzip bomb ends its connection and takes no memory; the next connection works', async (t) => {
  const packed = await bomb(256 * MIB);
  assert.ok(packed.length < MIB, `${packed.length}`);
  const codes: number[] = [];
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      const isFirst = server.connections.length <= 1;
      ws.on('close', (code) => codes.push(code));
      ws.send(gzipSync(`{"n":${isFirst ? 1 : 2}}`));
      if (!isFirst) return;
      ws.send(packed);
      ws.send(gzipSync('{"n":"behind the bomb"}'));
    },
  });
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  t.after(() => clearInterval(timer));
  const records = await feedOf(t, server, {
    decompress: 'gzip',
    max_frame: '2MiB',
    reconnect: { interval: '100ms' },
  });
  await until(
    async () => records.length >= 2,
    10_000,
    () => `${records.length} records`,
  );
  assert.deepEqual(
    records.map(({ value }) => String(value)),
    ['{"n":1}', '{"n":2}'],
  );
  assert.equal(codes.length, 1);
  assert.ok(most - before < 128 * MIB, `${Math.round((most - before) / MIB)} MiB more`);
});

test('a storm of pings of a server that reads no answers: few answers wait, every record arrives', async (t) => {
  const [bursts, each] = [200, 200];
  const padding = 'x'.repeat(1_000);
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      ws.pause();
      let burst = 0;
      const storm = () => {
        if (!ws.readyState || ws.readyState > 1) return;
        for (let n = 1; n <= each; n += 1) {
          ws.ping('y'.repeat(120));
          ws.send(`{"ping":${burst * each + n},"padding":"${padding}"}`);
        }
        ws.send(`{"n":${burst}}`);
        burst += 1;
        if (burst < bursts) setTimeout(storm, 1);
      };
      storm();
    },
  });
  const reply = {
    when: '${! $exists(json.ping) }',
    message: { pong: '${! json.ping }', padding: '${! json.padding }' },
  };
  const records = await feedOf(t, server, { heartbeat: { ping: '0s', reply } });
  await until(
    async () => records.length === bursts,
    30_000,
    () => `${records.length} records`,
  );
  assert.deepEqual(
    records.map(({ value }) => String(value)),
    Array.from({ length: bursts }, (_, n) => `{"n":${n}}`),
  );
  const [connection] = server.connections;
  assert.ok(connection);
  connection.ws.resume();
  await connection.until(
    () => connection.received.some((text) => text.startsWith(`{"pong":${bursts * each},`)),
    10_000,
  );
  const answers = connection.received.length;
  assert.ok(answers < (bursts * each) / 2, `${answers} answers waited`);
  assert.equal(server.connections.length, 1);
});

test('a server that never reads the answers by ack is cut off, and takes little memory', async (t) => {
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      ws.pause();
      let n = 0;
      const storm = () => {
        if (ws.readyState > 1) return;
        const end = ws.bufferedAmount < MIB / 16 ? n + 2_000 : n;
        for (; n < end; n += 1) ws.send(`{"n":${n}}`);
        setTimeout(storm, 1);
      };
      storm();
    },
  });
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  t.after(() => clearInterval(timer));
  await feedOf(
    t,
    server,
    { ack: { message: '{"ack":${! json.n }}' }, reconnect: { interval: '100ms' } },
    '${! json.no }',
  );
  await until(
    async () => server.connections.length >= 2,
    60_000,
    () => 'it was not cut off',
  );
  // Some 10 MiB are in use; the rest is what messages at this speed leave to be collected.
  assert.ok(most - before < 256 * MIB, `${Math.round((most - before) / MIB)} MiB more`);
});
