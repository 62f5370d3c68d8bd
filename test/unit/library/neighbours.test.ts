// Slow: it floods a gateway.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { Neighbours } from '../../helpers/neighbour-latency.ts';
import { SECRET, tokenOf } from '../auth/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

/** One client or address goes over a limit; ten others keep their latency, and the limit has its reason in a metric. */
interface Case {
  readonly gateway: Gateway;
  readonly open: (name: string) => Promise<TestClient>;
  /** Handshakes of a name that are refused, one after another until the test ends. */
  readonly storm: (name: string, more?: Record<string, string>) => void;
  readonly neighbours: Neighbours;
  /** Resolves once the metric has counted the limit. */
  readonly counted: (series: string) => Promise<void>;
}

async function setUp(t: TestContext, limits: { listener?: object; endpoint?: object }): Promise<Case> {
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    auth: { users: { jwt: { secret: SECRET, algorithms: ['HS256'] } } },
    admin: { port: 0 },
    listeners: { public: { port: 0, host: '127.0.0.1', trusted_proxies: '127.0.0.1', ...limits.listener } },
    endpoints: { words: { listener: 'public', path: '/ws', codec: 'envelope', auth: 'users', ...limits.endpoint } },
    pipelines: {
      in: { source: { endpoint: 'words' }, sink: { topic: { name: 'words' } } },
      out: {
        source: { topic: { names: ['words'] } },
        processors: [{ filter: { keep: '${! $length(text) > 10000 }' } }],
        sink: { endpoint: 'words' },
      },
    },
  } as ConfigObject);
  await ready(gateway);
  const url = `ws://127.0.0.1:${gateway.ports().listeners.public}/ws`;
  // Each name has an address and an identity of its own.
  const headersOf = (name: string) => ({
    'x-forwarded-for': `192.0.2.${name}`,
    authorization: `Bearer ${tokenOf({ alg: 'HS256' }, { sub: name }, SECRET)}`,
  });
  const open = (name: string) => TestClient.open(url, { headers: headersOf(name) });
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const storm = async (name: string, more: Record<string, string> = {}) => {
    while (!isOver) {
      const ws = new WebSocket(url, { headers: { ...headersOf(name), ...more } }).on('error', () => {});
      const [, response] = await once(ws, 'unexpected-response');
      assert.ok([401, 429, 431, 503].includes(response.statusCode), String(response.statusCode));
      response.destroy();
    }
  };
  const neighbours = await Neighbours.open((index) => open(String(100 + index)));
  t.after(() => neighbours.leave());
  const counted = async (series: string) => {
    const scrape = async () => await (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
    await until(
      async () => Number((await scrape()).split(`${series} `)[1]?.split('\n')[0] ?? 0) > 0,
      10_000,
      () => `nothing was counted in ${series}`,
    );
  };
  return { gateway, open, storm: (name, more) => void storm(name, more).catch(() => {}), neighbours, counted };
}

const limited = (reason: string) => `tidegate_clients_limited_total{endpoint="words",reason="${reason}"}`;
const refused = (reason: string) => `tidegate_connections_refused_total{endpoint="words",reason="${reason}"}`;

test('a client over its bytes is read later, and ten neighbours keep their latency', async (t) => {
  const { open, neighbours, counted } = await setUp(t, { endpoint: { limits: { bytes: '64KiB/s' } } });
  const greedy = await open('1');
  await neighbours.keepTheirLatency(() => {
    for (let index = 0; index < 60; index++) greedy.send('x'.repeat(8_192));
  });
  assert.ok(greedy.of('ACK').length < 60, 'it was not slowed');
  await counted(limited('bytes'));
  greedy.ws.terminate();
});

test('an identity over its messages on several connections is slowed, and ten neighbours are not', async (t) => {
  const { open, neighbours, counted } = await setUp(t, {
    endpoint: { limits: { burst: '1s', per_identity: { messages: '100/s' } } },
  });
  const greedy = [await open('1'), await open('1')];
  await neighbours.keepTheirLatency(() => {
    for (const client of greedy) for (let index = 0; index < 250; index++) client.send('more');
  });
  assert.ok(greedy.reduce((sum, client) => sum + client.of('ACK').length, 0) < 500, 'it was not slowed');
  await counted(limited('identity_messages'));
  for (const { ws } of greedy) ws.terminate();
});

/** What the first client of a name may, and all that come behind it may not. */
const STORMS = [
  ['an identity', 'identity_connections', { endpoint: { limits: { per_identity: { connections: 1 } } } }],
  [
    'an address, by its connections,',
    'address_connections',
    { listener: { limits: { per_address: { connections: 1 } } } },
  ],
  ['an address, by its rate,', 'address_handshakes', { listener: { limits: { per_address: { handshakes: '1/h' } } } }],
  ['all, by their rate,', 'handshake_rate', { listener: { limits: { handshakes: '11/h' } } }],
  ['all, by their number,', 'listener_full', { listener: { limits: { connections: 11 } } }],
  ['all, by the number of an endpoint,', 'full', { endpoint: { max_connections: 11 } }],
] as const;

for (const [whose, reason, limits] of STORMS)
  test(`a storm of ${whose} is refused, and ten clients that are in keep their latency`, async (t) => {
    const { open, storm, neighbours, counted } = await setUp(t, limits);
    const first = await open('1');
    await neighbours.keepTheirLatency(() => {
      for (let one = 0; one < 4; one++) storm('1');
    });
    await counted(refused(reason));
    first.ws.terminate();
  });

test('guesses of one address are refused by its rate, and ten neighbours keep their latency', async (t) => {
  const limits = { per_address: { handshakes: '3/h' } };
  const { storm, neighbours, counted } = await setUp(t, { listener: { limits } });
  const guess = { authorization: `Bearer ${tokenOf({ alg: 'HS256' }, { sub: '1' }, 'a guess')}` };
  await neighbours.keepTheirLatency(() => storm('1', guess));
  await counted(refused('token_signature'));
  await counted(refused('address_handshakes'));
});

test('requests with too many headers are refused, and ten neighbours keep their latency', async (t) => {
  const { storm, neighbours, counted } = await setUp(t, { listener: { limits: { headers: { count: 20 } } } });
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, 'x']));
  await neighbours.keepTheirLatency(() => {
    for (let one = 0; one < 4; one++) storm('1', many);
  });
  await counted('tidegate_connections_refused_total{endpoint="-",reason="headers_too_large"}');
});

test('a message that never ends is cut, and ten neighbours keep their latency', async (t) => {
  const { open, neighbours, counted } = await setUp(t, { endpoint: { frame_timeout: '1s' } });
  const slow = await open('1');
  await neighbours.keepTheirLatency(() => slow.ws.send('x', { fin: false }));
  await counted(limited('frame_timeout'));
  await slow.until(() => slow.closed !== undefined);
  assert.equal(slow.closed?.code, 1009);
});

test('a client that stops reading is closed, and ten readers of the same records keep their latency', async (t) => {
  const slow_consumer = { queue: '256KiB', when_full: 'disconnect' };
  const { open, neighbours, counted } = await setUp(t, { endpoint: { slow_consumer } });
  const [writer, silent] = [await open('1'), await open('2')];
  let isOver = false;
  const write = async () => {
    for (let sent = 1; !isOver; sent++) {
      writer.send('x'.repeat(16_384));
      await writer.until(() => writer.of('ACK').length >= sent);
    }
  };
  const written = write();
  await neighbours.keepTheirLatency(() => silent.ws.pause());
  await counted(limited('slow_consumer'));
  isOver = true;
  await written;
  for (const { ws } of [writer, silent]) ws.terminate();
});
