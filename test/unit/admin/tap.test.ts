import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { until } from '../../helpers/gateway-process.ts';
import { gatewayOf, MEMORY, ready } from '../library/rig.ts';

const GENERATED: ConfigObject = {
  ...MEMORY,
  admin: { port: 0, host: '127.0.0.1' },
  pipelines: {
    made: {
      source: { generate: { interval: '5ms', payload: { n: '${! $number(1) }' } } },
      processors: [{ map: { json: "${! { 'doubled': json.n * 2 } }" } }],
      sink: { topic: { name: 'out', key: 'a' } },
    },
  },
};

async function tapped(t: TestContext, config: ConfigObject = GENERATED) {
  const gateway = await gatewayOf(t, config);
  await ready(gateway);
  const url = (query: string) => `http://127.0.0.1:${gateway.ports().admin}/-/tap${query}`;
  return { gateway, url, ask: (query: string, init: RequestInit = {}) => fetch(url(query), init) };
}

async function linesOf(response: Response): Promise<Record<string, unknown>[]> {
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const sizeOf = (gateway: Gateway) =>
  gateway
    .inspect()
    .pipelines.map(({ state }) => state)
    .join();

test('a tap shows messages at a place as lines of JSON, until its limit', async (t) => {
  const { ask } = await tapped(t);
  const response = await ask('?pipeline=made&at=0&limit=2');
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const [head, first, second, end] = await linesOf(response);
  assert.deepEqual(head, { tapped: 'made', at: 0, place: 'source' });
  assert.deepEqual([first?.json, second?.json], [{ n: 1 }, { n: 1 }]);
  assert.deepEqual(end, { ended: '2 messages were shown' });
  const [, last] = await linesOf(await ask('?pipeline=made&limit=1&filter=json.doubled%20%3D%202'));
  assert.deepEqual(last?.json, { doubled: 2 });
});

test('a request that makes no sense is refused with what to write', async (t) => {
  const { ask } = await tapped(t);
  const cases: [query: string, status: number, message: RegExp][] = [
    ['', 400, /pipeline is the name of a pipeline; there are made/],
    ['?pipeline=mad', 404, /did you mean "made"\?/],
    ['?pipeline=made&at=3', 400, /at is a number from 0 \(behind the source\) to 2/],
    ['?pipeline=made&at=sink', 400, /at is a number/],
    ['?pipeline=made&rate=0', 400, /rate is a number of messages a second, from 1 to 1000/],
    ['?pipeline=made&limit=-1', 400, /limit is the number/],
    ['?pipeline=made&filter=json.', 400, /^filter: /],
    ['?pipeline=made&filtr=x', 400, /did you mean "filter"\?/],
  ];
  for (const [query, status, message] of cases) {
    const response = await ask(query);
    const { error } = (await response.json()) as { error: { message: string } };
    assert.equal(response.status, status, query);
    assert.match(error.message, message);
  }
  assert.equal((await ask('?pipeline=made', { method: 'POST' })).status, 405);
});

test('only operators see messages, and pages of other sites never', async (t) => {
  const { ask } = await tapped(t, {
    ...GENERATED,
    auth: { operators: { bearer: { tokens: { ada: 'the-token-of-an-operator' } } } },
    admin: { port: 0, host: '127.0.0.1', auth: 'operators' },
  });
  const query = '?pipeline=made&limit=1';
  assert.equal((await ask(query)).status, 401);
  assert.equal((await ask(query, { headers: { authorization: 'Bearer another' } })).status, 401);
  const authorization = 'Bearer the-token-of-an-operator';
  assert.equal((await ask(query, { headers: { authorization, origin: 'https://evil.example' } })).status, 403);
  assert.equal((await linesOf(await ask(query, { headers: { authorization } }))).length, 3);
});

test('a few taps are open at a time, and one that its reader leaves makes room', async (t) => {
  const { ask } = await tapped(t);
  const leaving = new AbortController();
  const open = await Promise.all([1, 2, 3, 4].map(() => ask('?pipeline=made', { signal: leaving.signal })));
  assert.deepEqual(
    open.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal((await ask('?pipeline=made&limit=1')).status, 503);
  leaving.abort();
  await until(
    async () => (await ask('?pipeline=made&limit=1')).status === 200,
    5_000,
    () => 'no room',
  );
});

test('a tap ends with its gateway, and says why', async (t) => {
  const { ask, gateway } = await tapped(t);
  const reading = linesOf(await ask('?pipeline=made'));
  assert.deepEqual(await gateway.stop(), { unsettled: 0 });
  const last = (await reading).at(-1);
  assert.match(String(last?.ended), /the pipeline made was stopped or replaced/);
});

test('a tap whose reader does not read holds nothing up', async (t) => {
  const { gateway, url } = await tapped(t, {
    ...GENERATED,
    pipelines: {
      made: {
        source: { generate: { interval: '0s', batch: 100, count: 20_000, payload: 'x'.repeat(2_000) } },
        sink: { topic: { name: 'out' } },
      },
    },
  });
  const { hostname, port, pathname } = new URL(url(''));
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET ${pathname}?pipeline=made&rate=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await until(
    async () => /pipeline_sent_total\{[^}]*pipeline="made"[^}]*\} 20000\b/.test(await metrics()),
    20_000,
    () => sizeOf(gateway),
  );
  assert.equal(gateway.inspect().pipelines[0]?.inFlight, 0);
});
