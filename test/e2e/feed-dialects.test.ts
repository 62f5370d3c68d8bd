import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ConfigObject, createGateway, type TopicRecord } from '../../src/index.ts';
import { type FeedConnection, FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';

/* Servers that behave as the public documentation of such servers says, with pings every 100 ms that must be answered. */

/** Milliseconds between two pings of a server, and how many may be without an answer. */
const PING_INTERVAL = 100;
const MAX_UNANSWERED = 20;

/** Pings, and closes the connection of a client that does not answer. `answered`: returns whether a text is an answer. */
function keepAlive(connection: FeedConnection, ping: () => void, answered: (text: string) => boolean): void {
  const { ws } = connection;
  let open = 0;
  const timer = setInterval(() => {
    if (open >= MAX_UNANSWERED) ws.close(1008, 'ping timeout');
    open += 1;
    ping();
  }, PING_INTERVAL);
  ws.on('message', (data) => {
    if (answered(String(data))) open = 0;
  });
  ws.on('close', () => clearInterval(timer));
}

/** Runs a feed of this server into a topic until `count` records are there and 2.5 s are over. */
async function recordsOf(t: TestContext, server: FeedServer, settings: object, count: number): Promise<string[]> {
  const gateway = await createGateway({
    config: {
      log: { driver: 'embedded', embedded: { memory: true }, topics: { out: { partitions: 1 } } },
      pipelines: {
        feed: { source: { websocket_client: { url: server.url, ...settings } }, sink: { topic: { name: 'out' } } },
      },
    } as ConfigObject,
  });
  t.after(() => gateway.stop());
  const records: TopicRecord[] = [];
  gateway.topic('out').records$.subscribe((record) => records.push(record));
  const begun = performance.now();
  await gateway.start();
  await until(
    async () => records.length >= count && performance.now() - begun > (MAX_UNANSWERED + 5) * PING_INTERVAL,
    20_000,
    () => `${records.length} records of ${server.connections.length} connections`,
  );
  assert.equal(server.connections.length, 1, 'the server closed the connection');
  return records.map(({ value }) => String(value));
}

test('an exchange with gzip frames and {"ping":N}', async (t) => {
  const server = await FeedServer.start(t, {
    greet: (connection) => {
      const say = (value: unknown) => connection.ws.send(gzipSync(JSON.stringify(value)));
      let ping = 0;
      keepAlive(
        connection,
        () => {
          ping = 1_790_000_000_000 + Math.floor(Math.random() * 1e6);
          say({ ping });
        },
        (text) => text === `{"pong":${ping}}`,
      );
      connection.ws.on('message', (data) => {
        const { sub, id } = JSON.parse(String(data)) as { sub?: string; id?: string };
        if (sub === undefined) return;
        say({ id, status: 'ok', subbed: sub });
        for (let n = 1; n <= 3; n += 1) say({ ch: sub, tick: { n } });
      });
    },
  });
  const records = await recordsOf(
    t,
    server,
    {
      decompress: 'gzip',
      subscribe: [{ send: { sub: 'market.x.trade', id: '1' }, expect: { status: 'ok' }, reject: { status: 'error' } }],
      heartbeat: { reply: { when: '${! $exists(json.ping) }', message: { pong: '${! json.ping }' } } },
    },
    3,
  );
  assert.deepEqual(
    records,
    [1, 2, 3].map((n) => JSON.stringify({ ch: 'market.x.trade', tick: { n } })),
  );
});

test('a server of Engine.IO and Socket.IO: 2 is answered by 3', async (t) => {
  const server = await FeedServer.start(t, {
    greet: (connection) => {
      const { ws } = connection;
      ws.send('0{"sid":"a","upgrades":[],"pingInterval":100,"pingTimeout":2000,"maxPayload":1000000}');
      keepAlive(
        connection,
        () => ws.send('2'),
        (text) => text === '3',
      );
      ws.on('message', (data) => {
        if (String(data) !== '40') return;
        ws.send('40{"sid":"b"}');
        ws.send('42["trade",{"n":1}]');
      });
    },
  });
  const settings = {
    subscribe: [
      { send: '40', expect: '${! $substring(text, 0, 2) = "40" }', reject: '${! $substring(text, 0, 2) = "44" }' },
    ],
    heartbeat: { reply: { when: '${! text = "2" }', message: '3' } },
  };
  const records = await recordsOf(t, server, settings, 2);
  assert.deepEqual(records.slice(1), ['42["trade",{"n":1}]']);
});

test('graphql-transport-ws: a ping with a payload is answered by a pong with it', async (t) => {
  const server = await FeedServer.start(t, {
    choose: () => 'graphql-transport-ws',
    greet: (connection) => {
      const say = (value: unknown) => connection.ws.send(JSON.stringify(value));
      keepAlive(
        connection,
        () => say({ type: 'ping', payload: { at: 7 } }),
        (text) => text === '{"type":"pong","payload":{"at":7}}',
      );
      connection.ws.on('message', (data) => {
        const { type, id } = JSON.parse(String(data)) as { type: string; id?: string };
        if (type === 'connection_init') say({ type: 'connection_ack' });
        if (type === 'subscribe') say({ type: 'next', id, payload: { data: { n: 1 } } });
      });
    },
  });
  const settings = {
    protocols: ['graphql-transport-ws'],
    subscribe: [
      { send: { type: 'connection_init' }, expect: { type: 'connection_ack' } },
      { type: 'subscribe', id: '1', payload: { query: 'subscription { n }' } },
    ],
    heartbeat: { reply: { when: { type: 'ping' }, message: { type: 'pong', payload: '${! json.payload }' } } },
  };
  assert.deepEqual(await recordsOf(t, server, settings, 1), ['{"type":"next","id":"1","payload":{"data":{"n":1}}}']);
});

test('STOMP: heart-beats of both sides are empty lines, and no records', async (t) => {
  const server = await FeedServer.start(t, {
    greet: (connection) => {
      const { ws } = connection;
      ws.once('message', () => {
        ws.send('CONNECTED\nversion:1.2\nheart-beat:100,1000\n\n\0');
        keepAlive(
          connection,
          () => ws.send('\n'),
          (text) => text === '\n',
        );
      });
      ws.on('message', (data) => {
        if (String(data).startsWith('SUBSCRIBE')) ws.send('MESSAGE\nsubscription:0\nmessage-id:1\n\n{"n":1}\0');
      });
    },
  });
  const settings = {
    subscribe: [
      {
        send: 'CONNECT\naccept-version:1.2\nheart-beat:1000,100\n\n\0',
        expect: '${! $substring(text, 0, 9) = "CONNECTED" }',
        reject: '${! $substring(text, 0, 5) = "ERROR" }',
      },
      'SUBSCRIBE\nid:0\ndestination:/topic/trades\n\n\0',
    ],
    heartbeat: { send: { every: '500ms', message: '\n' }, reply: { when: '${! text = "\\n" }' } },
  };
  const records = await recordsOf(t, server, settings, 1);
  assert.deepEqual(records, ['MESSAGE\nsubscription:0\nmessage-id:1\n\n{"n":1}\0']);
});

test('Phoenix: the answers to heartbeats are no records', async (t) => {
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      ws.on('message', (data) => {
        const { topic, event, ref } = JSON.parse(String(data)) as { topic: string; event: string; ref: string };
        const answer = { topic, event: 'phx_reply', payload: { status: 'ok', response: {} }, ref };
        ws.send(JSON.stringify(answer));
        if (event === 'phx_join') ws.send(JSON.stringify({ topic, event: 'trade', payload: { n: 1 }, ref: null }));
      });
    },
  });
  const settings = {
    subscribe: [
      {
        send: { topic: 'room:lobby', event: 'phx_join', payload: {}, ref: '1' },
        expect: { event: 'phx_reply', ref: '1', payload: { status: 'ok' } },
      },
    ],
    heartbeat: {
      send: { every: '200ms', message: { topic: 'phoenix', event: 'heartbeat', payload: {}, ref: 'beat' } },
      reply: { when: { topic: 'phoenix', event: 'phx_reply' } },
    },
  };
  const records = await recordsOf(t, server, settings, 1);
  assert.deepEqual(records, ['{"topic":"room:lobby","event":"trade","payload":{"n":1},"ref":null}']);
});

test('a server that allows 8 messages a second, pings and pongs counted, gets 15 subscriptions', async (t) => {
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      const times: number[] = [];
      const count = () => {
        times.push(performance.now());
        if (times.length > 4 && (times.at(-1) ?? 0) - (times.at(-5) ?? 0) < 1_000) ws.close(1008, 'too many requests');
      };
      for (const event of ['ping', 'pong', 'message'] as const) ws.on(event, count);
      const timer = setInterval(() => ws.ping(), 2_000);
      ws.on('close', () => clearInterval(timer));
      ws.on('message', (data) => ws.send(`{"result":null,"of":${data}}`));
    },
  });
  const subscribe = Array.from({ length: 15 }, (_, n) => ({ method: 'SUBSCRIBE', params: [`s${n}@trade`], id: n }));
  const records = await recordsOf(
    t,
    server,
    { subscribe, send_rate: '4/s', heartbeat: { ping: '1s', timeout: '10s' } },
    15,
  );
  assert.equal(records.length, 15);
});
