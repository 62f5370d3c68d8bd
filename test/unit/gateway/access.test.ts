import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import WebSocket from 'ws';
import { loadConfig } from '../../../src/config/index.ts';
import { Gateway } from '../../../src/gateway/gateway.ts';
import { TestClient } from '../../helpers/client.ts';
import { until } from '../../helpers/gateway-process.ts';
import { HmacAuthenticator } from '../../helpers/hmac-authenticator.ts';
import { RoomClient } from '../../helpers/room-client.ts';
import { TopicsClient } from '../../helpers/topics-client.ts';
import { keptLogger } from '../actors/rig.ts';

const TEXT = `
log: { driver: embedded, embedded: { memory: true }, topics: { a.orders: {}, b.orders: {}, orders: {}, room: {} } }
admin: { enabled: false }
auth: { users: { jwt: { secret: "a secret of the test, 32 bytes or more", algorithms: [ HS256 ] } } }
listeners: { public: { port: 0 } }
endpoints:
  orders:
    listener: public
    path: /orders/{tenant}
    codec: json
    auth: users
    protocols: [ tidegate.v1, bearer.odd ]
    allow: { connect: "\${! auth.tenant = meta.tenant }" }
    token_expiry: { grace: 1s }
  topics:
    listener: public
    path: /topics
    codec: topics
    auth: users
    allow: { read: "\${! auth.tenant }.*", write: [ "\${! auth.tenant }.*" ], groups: [ "\${! auth.sub }-*" ] }
  room:
    listener: public
    path: /room
    codec: rooms
    auth: users
    presence: { topic: room, name: "\${! auth.sub }" }
    allow: { direct: everyone, kick: [ "\${! 'moderator' in auth.roles ? auth.sub }" ] }
  chat:
    listener: public
    path: /chat
    codec: chat
    auth: users
    presence: { topic: room, name: "\${! auth.sub }" }
pipelines:
  orders: { source: { endpoint: orders }, sink: { topic: { name: orders, key: "\${! auth.sub }", headers: { tenant: "\${! auth.tenant }" } } } }
  orders-out: { source: { topic: { names: [ orders ] } }, processors: [ map: { json: '\${! { "key": key, "tenant": headers.tenant, "n": json.n } }' } ], sink: { endpoint: orders } }
  room: { source: { endpoint: room }, sink: { topic: { name: room } } }
  room-out: { source: { topic: { names: [ room ] } }, sink: { endpoint: room } }
  chat: { source: { endpoint: chat }, sink: { topic: { name: room } } }
shutdown: { jitter: 0s }
`;

async function setUp(t: TestContext) {
  const { config } = await loadConfig({ text: TEXT, name: 'test' });
  const authenticator = new HmacAuthenticator();
  const kept = keptLogger();
  const authenticators = new Map([['users', authenticator]]);
  const gateway = await Gateway.create(config, { logger: kept.logger, servers: {}, authenticators });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  const port = gateway.ports().listeners.public ?? 0;
  const refused = (reason: string, endpoint = 'orders') =>
    gateway.context.stats.counter('tidegate_connections_refused_total', { endpoint, reason }).value;
  const token = (claims: object) => authenticator.sign({ sub: 'ada', tenant: 'a', ...claims });
  const headers = (claims: object) => ({ headers: { authorization: `Bearer ${token(claims)}` } });
  const open = (path: string, claims: object) => TestClient.open(`ws://127.0.0.1:${port}${path}`, headers(claims));
  return { gateway, authenticator, port, refused, token, headers, open, lines: kept.lines };
}

/** The status and body of a refused handshake. */
async function refusal(url: string, options: WebSocket.ClientOptions = {}) {
  const ws = new WebSocket(url, options);
  ws.on('error', () => {});
  const [, response] = await once(ws, 'unexpected-response');
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return {
    status: response.statusCode as number,
    headers: response.headers,
    body: JSON.parse(body) as { code?: string },
  };
}

test('handshakes: who may come in, who may not, and how each learns why', async (t) => {
  const { port, refused, token, headers, open, lines } = await setUp(t);
  const url = `ws://127.0.0.1:${port}/orders/a`;
  const missing = await refusal(url);
  assert.deepEqual([missing.status, missing.headers['www-authenticate']], [401, 'Bearer']);
  assert.match(JSON.stringify(missing.body), /token_missing/);
  assert.equal((await refusal(`${url}?token=x.y`)).status, 401);
  const other = await refusal(url, headers({ tenant: 'b' }));
  assert.equal(other.status, 403);
  assert.match(JSON.stringify(other.body), /not_allowed/);
  const away = await refusal(`${url}?token=unchecked`);
  assert.deepEqual([away.status, away.headers['retry-after']], [503, '5']);
  // A page of a browser: the handshake is accepted, and the connection closed.
  const origin = 'https://page.example';
  for (const [query, code] of [
    ['', 4401],
    [`?token=${token({ tenant: 'b' })}`, 4403],
  ] as const) {
    const page = await TestClient.open(`${url}${query}`, { origin });
    await page.until(() => page.closed !== undefined);
    assert.equal(page.closed?.code, code);
  }
  assert.deepEqual([refused('token_missing'), refused('token_invalid'), refused('not_allowed')], [2, 1, 2]);
  assert.equal(refused('keys_unavailable'), 1);
  // In a header, and as a subprotocol, which the answer does not repeat.
  assert.equal((await open('/orders/a', {})).closed, undefined);
  const ws = new WebSocket(url, [`bearer.${token({})}`, 'tidegate.v1'], { origin });
  await once(ws, 'open');
  assert.equal(ws.protocol, 'tidegate.v1');
  ws.terminate();
  const odd = new WebSocket(url, ['bearer.odd', 'tidegate.v1'], headers({}));
  await once(odd, 'open');
  assert.equal(odd.protocol, 'tidegate.v1', 'what looks like a token is never named, even if it is listed');
  odd.terminate();
  const text = JSON.stringify(lines);
  assert.ok(!text.includes(token({})) && !text.includes(token({ tenant: 'b' })), 'no token in a log line');
});

test('claims are auth in the expressions of pipelines, whatever the frame of the client says', async (t) => {
  const { open } = await setUp(t);
  const client = await open('/orders/a', { sub: 'ada' });
  client.ws.send('{"n":1,"auth":{"sub":"eve"}}');
  await client.until(() => client.frames.length >= 2);
  const frames = client.frames.map((frame) => JSON.parse(String(frame)) as object);
  assert.deepEqual(
    frames.find((frame) => 'key' in frame),
    { key: 'ada', tenant: 'a', n: 1 },
  );
});

test('a client that goes away while it is checked, and one whose check ends when the gateway stops', async (t) => {
  const { gateway, authenticator, port, token } = await setUp(t);
  let decide = () => {};
  authenticator.delay = new Promise((resolve) => {
    decide = resolve;
  });
  const handshake = `GET /orders/a?token=${token({})} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const gone = connect({ port, host: '127.0.0.1' });
  gone.write(handshake);
  await until(
    () => authenticator.checks === 1,
    5_000,
    () => 'no check 1',
  );
  gone.end();
  await once(gone, 'close');
  const stays = connect({ port, host: '127.0.0.1' });
  let answer = '';
  stays.on('data', (data) => {
    answer += String(data);
  });
  stays.write(handshake);
  await until(
    () => authenticator.checks === 2,
    5_000,
    () => 'no check 2',
  );
  const stopped = gateway.stop();
  decide();
  await once(stays, 'end');
  assert.match(answer, /^HTTP\/1\.1 503 .*stopping/s);
  await stopped;
  assert.equal(gateway.context.stats.counter('tidegate_connections_opened_total', { endpoint: 'orders' }).value, 0);
  assert.ok(authenticator.isClosed);
});

test('an expired token is renewed, or closes with 4401; a token of another subject closes with 4403', async (t) => {
  const { open, token } = await setUp(t);
  const soon = () => ({ exp: Date.now() + 1_200 });
  const [renews, waits, cheats, chats] = await Promise.all([
    open('/orders/a', soon()),
    open('/orders/a', soon()),
    open('/orders/a', soon()),
    open('/chat', { ...soon(), sub: 'Chris' }),
  ]);
  const asked = (client: TestClient) => client.frames.some((frame) => String(frame) === '{"type":"renew","within":1}');
  await Promise.all([renews, waits, cheats].map((client) => client.until(() => asked(client))));
  renews.ws.send(JSON.stringify({ type: 'renew', token: token({}), id: 7 }));
  cheats.ws.send(JSON.stringify({ type: 'renew', token: token({ sub: 'eve' }) }));
  await Promise.all([waits, cheats, chats].map((client) => client.until(() => client.closed !== undefined)));
  assert.deepEqual([waits.closed?.code, cheats.closed?.code, chats.closed?.code], [4401, 4403, 4401]);
  assert.ok(!asked(chats), 'lines of a chat have no frame for it');
  await renews.until(() => renews.frames.some((frame) => String(frame) === '{"type":"renewed","id":7}'));
  assert.equal(renews.closed, undefined);
});

test('topics: each tenant has its own, and a renewed token has the rights of its claims', async (t) => {
  const { port, headers, token } = await setUp(t);
  const client = await TopicsClient.open(port, '/topics', headers({}));
  const listed = async () => ((await client.topic('list')).p as { topic: string }[]).map(({ topic }) => topic);
  assert.deepEqual(await listed(), ['a.orders']);
  const codes = [client.publish('a.orders', 'x'), client.publish('b.orders', 'x'), client.publish('orders', 'x')];
  assert.deepEqual(
    (await Promise.all(codes)).map(({ code }) => code),
    [undefined, 'TG_NOT_ALLOWED', 'TG_NOT_ALLOWED'],
  );
  assert.equal((await client.topic('subscribe', { t: 'a.orders', consumer_group: 'eve-1' })).code, 'TG_NOT_ALLOWED');
  assert.equal((await client.ask('token', undefined, token({ tenant: 'b' }))).s, 0);
  assert.deepEqual(await listed(), ['b.orders']);
  const after = [client.publish('a.orders', 'x'), client.publish('b.orders', 'x')];
  assert.deepEqual(
    (await Promise.all(after)).map(({ code }) => code),
    ['TG_NOT_ALLOWED', undefined],
  );
  assert.equal((await client.topic('subscribe', { t: 'b.orders', consumer_group: 'ada-1' })).s, 0);
  // Without the right to what it reads it may not stay.
  client.say({ id: 'last', t: 'token', p: token({}) });
  await client.until(() => client.closed !== undefined);
  assert.equal(client.closed?.code, 4403);
});

test('rooms take the name from a claim, and a role decides who may kick', async (t) => {
  const { port, headers } = await setUp(t);
  const join = (claims: object) => RoomClient.join(`ws://127.0.0.1:${port}/room`, headers(claims));
  const ada = await join({ sub: 'ada', roles: ['moderator'] });
  const bob = await join({ sub: 'bob', roles: [] });
  assert.deepEqual([ada.id, bob.id], ['ada', 'bob']);
  bob.send({ type: 'kick-one', targetId: 'ada' });
  await bob.until(() => bob.of('error').length > 0);
  ada.send({ type: 'kick-one', targetId: 'bob' });
  await bob.until(() => bob.closed !== undefined);
  assert.deepEqual([bob.closed?.code, ada.closed], [4003, undefined]);
});
