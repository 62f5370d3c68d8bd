import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { connect, runPipeline } from '../../../../src/testing/simulation/kit.ts';
import { Simulation } from '../../../../src/testing/simulation/simulation.ts';
import { BEGINNING } from '../../../../src/testing/simulation/test-clock.ts';

const SECRET = 'a text of 32 bytes or more, for tests';

const ENDPOINTS = `
auth: { users: { jwt: { secret: "${SECRET}", algorithms: [ HS256 ] } } }
listeners: { public: { port: 9090 } }
endpoints:
  orders:
    { listener: public, path: "/orders/{shop}", codec: json, auth: users, origins: [ https://shop.example.org ],
      protocols: [ orders.v1 ], max_payload: 1KiB, limits: { messages: 5/s, burst: 1s } }
  prices: { listener: public, path: /prices, codec: json, direction: out }
pipelines:
  orders-in:
    source: { endpoint: orders }
    sink: { topic: { name: orders, key: "\${! meta.auth.sub }", headers: { shop: "\${! meta.shop }" } } }
  prices-out: { source: { topic: { names: [ prices ], from: latest } }, sink: { endpoint: prices } }
`;

const ROOMS = `
listeners: { public: { port: 9090 } }
endpoints:
  rooms: { listener: public, path: /, codec: rooms, presence: { topic: room }, allow: { direct: everyone } }
pipelines:
  rooms-in: { source: { endpoint: rooms }, sink: { topic: { name: messages, key: "\${! meta.client_id }" } } }
  rooms-out: { source: { topic: { names: [ messages ], from: latest } }, sink: { endpoint: rooms } }
`;

const parsed = (frames: readonly (string | Buffer)[]) => frames.map((frame) => JSON.parse(String(frame)));

test('a token of a header counts as in production, and its claims reach the records', async () => {
  const token = await new SignJWT({ sub: 'ada' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(BEGINNING / 1_000 + 3_600)
    .sign(Buffer.from(SECRET));
  const headers = { Authorization: `Bearer ${token}`, origin: 'https://shop.example.org' };
  const { client, simulation } = await connect(ENDPOINTS, 'orders', {
    path: '/orders/books',
    headers,
    protocol: ['other', 'orders.v1'],
  });
  client.send({ total: 5 });
  await simulation.quiet();
  const [order] = simulation.output().get('orders') ?? [];
  assert.deepEqual(
    [client.protocol, order?.key, order?.json, order?.headers.shop],
    ['orders.v1', 'ada', { total: 5 }, 'books'],
  );
  await simulation.advance(3_700_000);
  assert.equal(client.closed?.code, 4401, 'the token expires by the clock of the simulation');
  await simulation.stop();
});

test('handshakes are refused as in production, and claims of the test need no token', async () => {
  const simulation = await Simulation.start(ENDPOINTS);
  const path = '/orders/books';
  const refused = (message: RegExp) => ({ code: 'TG_NOT_ALLOWED', message });
  await assert.rejects(simulation.connect('orders', { path }), refused(/401 token_missing/));
  const identity = { sub: 'bob' };
  const evil = { origin: 'https://evil.example.org' };
  await assert.rejects(simulation.connect('orders', { path, identity, headers: evil }), refused(/403 origin/));
  await assert.rejects(simulation.connect('orders', { identity }), {
    code: 'TG_CONFIG_INVALID',
    message: /say with path/,
  });
  await assert.rejects(simulation.connect('prices', { identity }), { code: 'TG_CONFIG_INVALID', message: /no auth/ });
  const client = await simulation.connect('orders', { path, identity });
  client.send('{"total":1}');
  await simulation.quiet();
  assert.equal(simulation.output().get('orders')?.[0]?.key, 'bob');
  client.close(4000, 'enough');
  await simulation.quiet();
  assert.deepEqual(client.closed, { code: 4000, reason: 'enough' });
  assert.throws(() => client.send('x'), { code: 'TG_NOT_RUNNING' });
  await simulation.stop();
});

test('limits of clients hold: a message that is too long closes, and one too many waits for its time', async () => {
  const simulation = await Simulation.start(ENDPOINTS);
  const how = { path: '/orders/books', identity: { sub: 'ada' } };
  const [long, busy] = [await simulation.connect('orders', how), await simulation.connect('orders', how)];
  long.send('x'.repeat(2_000));
  for (let at = 0; at < 10; at += 1) busy.send({ at });
  await simulation.quiet();
  assert.equal(long.closed?.code, 1009);
  const stored = () => simulation.output().get('orders')?.length;
  assert.ok((stored() ?? 0) < 10, String(stored()));
  await simulation.advance(2_000);
  assert.equal(stored(), 10);
  await simulation.stop();
});

test('a broadcast reaches every client and is shown as endpoints.NAME beside a topic of that name', async () => {
  const simulation = await Simulation.start(ENDPOINTS);
  const clients = [await simulation.connect('prices'), await simulation.connect('prices')];
  simulation.feed('prices-out', [{ json: { p: 1 } }, { json: { p: 2 } }]);
  await simulation.quiet();
  for (const { frames } of clients) assert.deepEqual(parsed(frames), [{ p: 1 }, { p: 2 }]);
  assert.deepEqual(
    simulation
      .output()
      .get('endpoints.prices')
      ?.map(({ json }) => json),
    [{ p: 1 }, { p: 2 }],
  );
  await simulation.stop();
  assert.deepEqual(
    clients.map(({ closed }) => closed?.code),
    [1012, 1012],
  );
});

test('a client that takes nothing is closed after its time; one that goes on gets the rest', async () => {
  const simulation = await Simulation.start(ENDPOINTS);
  const [slow, stuck] = [await simulation.connect('prices'), await simulation.connect('prices')];
  slow.stall();
  stuck.stall();
  const text = JSON.stringify('x'.repeat(50_000));
  for (let at = 0; at < 10; at += 1) {
    simulation.feed('prices-out', [{ text }]);
    await simulation.quiet();
  }
  assert.equal(slow.frames.length, 0);
  slow.unstall();
  await simulation.quiet();
  assert.equal(slow.frames.length, 10);
  await simulation.advance(120_000);
  assert.deepEqual([slow.closed, stuck.closed?.code], [undefined, 1006]);
  await simulation.stop();
});

test('pings are answered, so that a silent client stays', async () => {
  const { client, simulation } = await connect(ENDPOINTS, 'prices');
  await simulation.advance(600_000);
  assert.equal(client.closed, undefined);
  await simulation.stop();
});

test('members of a room hear each other and know of each other, and may come back after a crash', async () => {
  const simulation = await Simulation.start(ROOMS);
  const [ada, bob] = [await simulation.connect('rooms'), await simulation.connect('rooms')];
  await simulation.advance(1_000);
  ada.send({ type: 'broadcast-all', message: 'hello' });
  ada.send({ type: 'broadcast-one', targetId: 'client-2', message: 'only you' });
  await simulation.quiet();
  const heard = parsed(bob.frames).filter(({ message }) => message !== undefined);
  assert.deepEqual(heard.map(({ type, from, message }) => [type, from, message]).sort(), [
    ['direct', 'client-1', 'only you'],
    ['kafka', 'client-1', 'hello'],
  ]);
  assert.ok(ada.frames.length > 1, 'the list of clients, and what is said');
  assert.ok(
    [...simulation.output().keys()].every((name) => ['messages', 'rooms'].includes(name)),
    'presence is internal',
  );
  await simulation.crash();
  assert.deepEqual([ada.closed?.code, bob.closed?.code], [1006, 1006]);
  const again = await simulation.connect('rooms');
  await simulation.advance(1_000);
  assert.ok(again.frames.length > 0);
  await simulation.stop();
});

test('runPipeline gives what came out by name, with time between messages', async () => {
  const config = `
pipelines:
  clicks:
    source: { topic: { names: [ clicks ], from: earliest, group: clicks } }
    processors: [ { window: { tumbling: 1m, idle: 5s, aggregate: { n: count } } } ]
    sink: { topic: { name: counts } }
`;
  const click = { json: {}, key: 'a' };
  const { counts, ...others } = await runPipeline(config, 'clicks', [click, click, { after: 70_000 }, click]);
  assert.deepEqual([counts?.map(({ json }) => (json as { n: number }).n), others], [[2], {}]);
  await assert.rejects(runPipeline(config, 'click', [click]), { code: 'TG_CONFIG_INVALID' });
  await assert.rejects(connect(config, 'clicks'), { code: 'TG_CONFIG_INVALID' });
});
