import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { createGateway, type Gateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';
import { tokenOf } from '../unit/auth/rig.ts';

const SECRET = 'a secret of this test, 32 bytes or more';

const CONFIG = `
log: { driver: embedded, embedded: { memory: true } }
admin: { enabled: false }
auth: { users: { jwt: { secret: "${SECRET}", algorithms: [ HS256 ] } } }
listeners: { public: { port: 0 } }
endpoints:
  prices:
    { listener: public, path: /prices, codec: json, channels: { max_per_connection: 100 }, allow: { subscribe: "symbol.*" } }
  symbol:
    { listener: public, path: "/prices/{symbol}", codec: raw, direction: out, channels: { join: "symbol.\${! meta.symbol }" } }
  users:
    listener: public
    path: /users
    codec: json
    auth: users
    channels: { join: "user.\${! auth.sub }" }
    allow: { subscribe: "tenant.\${! auth.tenant }.*" }
  talks:
    listener: public
    path: /talks
    codec: json
    auth: users
    channels: {}
    allow: { subscribe: "talk.*", publish: "talk.\${! auth.tenant }.*" }
pipelines:
  talks-in:
    source: { endpoint: talks }
    sink: { topic: { name: talks, key: "\${! meta.channel }" } }
  talks-out:
    source: { topic: { names: [ talks ] } }
    sink: { endpoint: { name: talks, channel: "\${! key }" } }
  prices-out:
    source: { topic: { names: [ prices ] } }
    sink:
      all:
        - endpoint: { name: prices, channel: "symbol.\${! key }" }
        - endpoint: { name: symbol, channel: "symbol.\${! key }" }
  users-out:
    source: { topic: { names: [ events ] } }
    sink:
      route:
        - { when: "\${! json.user }", sink: { endpoint: { name: users, channel: "user.\${! json.user }" } } }
        - { when: "\${! json.tenants }", sink: { endpoint: { name: users, channel: "\${! json.tenants.('tenant.' & $ & '.news') }" } } }
        - { sink: { endpoint: { name: users, channel: "\${! json.nothing }" } } }
  orders:
    source: { endpoint: prices }
    sink: { topic: { name: orders } }
  users-in:
    source: { endpoint: users }
    processors: [ { map: { headers: { client: "\${! meta.client_id }" } } } ]
    sink: { endpoint: { name: users, channel: "client.\${! headers.client }" } }
`;

async function started(t: TestContext): Promise<{ gateway: Gateway; url: string }> {
  const gateway = await createGateway({ config: CONFIG, logger: 'silent' });
  t.after(() => gateway.stop());
  await gateway.start();
  const port = gateway.inspect().listeners[0]?.port;
  return { gateway, url: `ws://127.0.0.1:${port}` };
}

async function connected(t: TestContext, url: string, claims?: object): Promise<TestClient> {
  const options = claims === undefined ? {} : { headers: { authorization: `Bearer ${token(claims)}` } };
  const client = await TestClient.open(url, options);
  t.after(() => client.ws.terminate());
  return client;
}

const token = (claims: object) =>
  tokenOf({ alg: 'HS256' }, { exp: Math.ceil(Date.now() / 1_000) + 600, ...claims }, SECRET);

type Json = Readonly<Record<string, unknown>>;
const jsonOf = ({ frames }: TestClient) => frames.map((frame) => JSON.parse(frame.toString()) as Json);
const typesOf = (client: TestClient) => jsonOf(client).map(({ type }) => type);

async function ask(client: TestClient, request: Json): Promise<void> {
  const before = client.frames.length;
  client.ws.send(JSON.stringify(request));
  await client.until(() => client.frames.length > before);
}

test('three clients get the prices of their two symbols, and nothing else', async (t) => {
  const { gateway, url } = await started(t);
  const [a, b, path] = await Promise.all(
    ['/prices', '/prices', '/prices/IBM'].map((at) => connected(t, `${url}${at}`)),
  );
  assert.ok(a && b && path);
  await ask(a, { type: 'subscribe', channel: 'symbol.ACME', id: 1 });
  await ask(b, { type: 'subscribe', channel: 'symbol.ACME', id: 2 });
  await ask(b, { type: 'subscribe', channel: 'symbol.IBM', id: 3 });
  const prices = gateway.topic('prices');
  for (let price = 1; price <= 100; price += 1)
    for (const key of ['ACME', 'IBM', 'OTHER']) await prices.publish({ key, value: JSON.stringify({ price }) });
  await prices.publish({ value: JSON.stringify({ price: 'of no symbol' }) });
  await prices.publish({ key: 'IBM', value: JSON.stringify({ price: 'last' }) });
  await prices.publish({ key: 'ACME', value: JSON.stringify({ price: 'last' }) });
  const isComplete = (client: TestClient, count: number) => client.until(() => client.frames.length === count);
  await Promise.all([isComplete(a, 1 + 101), isComplete(b, 2 + 202), isComplete(path, 101)]);
  const got = (client: TestClient, channel: string) =>
    jsonOf(client).flatMap((frame) => (frame.channel === channel && frame.type === 'message' ? [frame.data] : []));
  const all = [...Array.from({ length: 100 }, (_, at) => ({ price: at + 1 })), { price: 'last' }];
  assert.deepEqual(got(a, 'symbol.ACME'), all);
  assert.deepEqual([got(b, 'symbol.ACME'), got(b, 'symbol.IBM')], [all, all]);
  assert.deepEqual(jsonOf(path), all);
  const { channels, subscriptions } = gateway.inspect().endpoints[0] ?? {};
  assert.deepEqual([channels, subscriptions], [2, 3]);
});

test('notifications reach their user alone, by the claims of a token', async (t) => {
  const { gateway, url } = await started(t);
  const ada = await connected(t, `${url}/users`, { sub: 'ada', tenant: 'a' });
  const bob = await connected(t, `${url}/users`, { sub: 'bob', tenant: 'b' });
  await assert.rejects(connected(t, `${url}/users`, { tenant: 'a' }), /403/);
  await assert.rejects(connected(t, `${url}/users`), /401/);
  await ask(bob, { type: 'subscribe', channel: 'user.ada' });
  await ask(bob, { type: 'subscribe', channel: 'tenant.a.news' });
  await ask(bob, { type: 'subscribe', channel: 'tenant.b.news' });
  assert.deepEqual(
    jsonOf(bob).map(({ type, code }) => code ?? type),
    ['TG_NOT_ALLOWED', 'TG_NOT_ALLOWED', 'subscribed'],
  );
  const events = gateway.topic('events');
  for (const value of [{ user: 'ada', n: 1 }, { n: 2 }, { tenants: ['a', 'b'], n: 3 }, { user: 'bob', n: 4 }])
    await events.publish({ key: 'one', value: JSON.stringify(value) });
  await bob.until(() => bob.frames.length === 5);
  await ada.until(() => ada.frames.length === 1);
  assert.deepEqual(
    jsonOf(bob)
      .slice(3)
      .map(({ channel }) => channel),
    ['tenant.b.news', 'user.bob'],
  );
  assert.deepEqual(jsonOf(ada), [{ type: 'message', channel: 'user.ada', data: { user: 'ada', n: 1 } }]);
});

test('a pipeline answers the client that sent a message, by the channel that is its own', async (t) => {
  const { url } = await started(t);
  const [ada, bob] = [
    await connected(t, `${url}/users`, { sub: 'x' }),
    await connected(t, `${url}/users`, { sub: 'x' }),
  ];
  ada.ws.send('{"id":1,"ask":"?"}');
  await ada.until(() => ada.frames.length === 2);
  assert.deepEqual(typesOf(ada).sort(), ['ack', 'message']);
  await ask(bob, { type: 'subscribe', channel: 'client.x' });
  assert.deepEqual(
    jsonOf(bob).map(({ code }) => code),
    ['TG_NOT_ALLOWED'],
  );
});

test('a client publishes to the channels of its tenant, and is answered', async (t) => {
  const { url } = await started(t);
  const ada = await connected(t, `${url}/talks`, { sub: 'ada', tenant: 'a' });
  const bob = await connected(t, `${url}/talks`, { sub: 'bob', tenant: 'b' });
  await ask(bob, { type: 'subscribe', channel: 'talk.a.x' });
  const data = '{"n": 12345678901234567890.10}';
  ada.ws.send(`{"type":"publish","channel":"talk.a.x","data":${data},"id":1.0}`);
  await ada.until(() => ada.frames.length === 1);
  assert.equal(ada.frames[0]?.toString(), '{"type":"ack","id":1.0,"outcome":"stored"}');
  await bob.until(() => bob.frames.length === 2);
  assert.equal(bob.frames[1]?.toString(), `{"type":"message","channel":"talk.a.x","data":${data}}`);
  await ask(bob, { type: 'publish', channel: 'talk.a.x', data: 1, id: 2 });
  await ask(bob, { type: 'publish', channel: `client.x`, data: 1, id: 3 });
  await ask(bob, { type: 'publish', data: 1, id: 4 });
  assert.deepEqual(
    jsonOf(bob)
      .slice(2)
      .map(({ id, code }) => [id, code]),
    [
      [2, 'TG_NOT_ALLOWED'],
      [3, 'TG_NOT_ALLOWED'],
      [4, 'TG_MESSAGE_INVALID'],
    ],
  );
});

test('a new token ends the subscriptions that it does not allow, and the connection goes on', async (t) => {
  const { gateway, url } = await started(t);
  const ada = await connected(t, `${url}/users`, { sub: 'ada', tenant: 'a' });
  await ask(ada, { type: 'subscribe', channel: 'tenant.a.news' });
  ada.ws.send(JSON.stringify({ type: 'renew', token: token({ sub: 'ada', tenant: 'b' }) }));
  await ada.until(() => typesOf(ada).includes('renewed'));
  assert.deepEqual(typesOf(ada), ['subscribed', 'unsubscribed', 'renewed']);
  const events = gateway.topic('events');
  await events.publish({ key: 'one', value: JSON.stringify({ tenants: ['a'] }) });
  await events.publish({ key: 'one', value: JSON.stringify({ user: 'ada' }) });
  await ada.until(() => ada.frames.length === 4);
  assert.equal(jsonOf(ada)[3]?.channel, 'user.ada');
  ada.ws.send(JSON.stringify({ type: 'renew', token: token({ tenant: 'b' }) }));
  await ada.until(() => ada.closed !== undefined);
  assert.equal(ada.closed?.code, 4403);
});

test('10,000 subscribes in a burst on one socket meet the limit, and leave nothing when it closes', async (t) => {
  const { gateway, url } = await started(t);
  const client = await connected(t, `${url}/prices`);
  for (let at = 0; at < 10_000; at += 1) client.ws.send(`{"type":"subscribe","channel":"symbol.${at}","id":${at}}`);
  await client.until(() => client.frames.length === 10_000);
  const answers = jsonOf(client);
  assert.deepEqual(
    answers.map(({ id }) => id),
    Array.from({ length: 10_000 }, (_, at) => at),
  );
  assert.equal(answers.filter(({ type }) => type === 'subscribed').length, 100);
  assert.equal(answers.filter(({ code }) => code === 'TG_LIMIT_REACHED').length, 9_900);
  const isEmpty = () => gateway.inspect().endpoints[0]?.subscriptions === 0;
  assert.ok(!isEmpty());
  client.ws.close();
  await client.until(() => client.closed !== undefined);
  while (!isEmpty()) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(gateway.inspect().endpoints[0]?.channels, 0);
});

test('a page of a browser sees as the reason of the close why it is in no channel', async (t) => {
  const { url } = await started(t);
  const headers = { authorization: `Bearer ${token({ tenant: 'a' })}`, origin: 'http://page.test' };
  const ws = new WebSocket(`${url}/users`, { headers });
  const [code, reason] = await new Promise<[number, string]>((resolve) =>
    ws.on('close', (closed, why) => resolve([closed, why.toString()])),
  );
  assert.deepEqual([code, reason], [4403, 'channel_missing']);
});
