import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Centrifuge, type Options, type Subscription } from 'centrifuge';
import { WebSocket } from 'ws';
import { createGateway, type Gateway } from '../../src/index.ts';
import { until as untilIn } from '../helpers/gateway-process.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';
import { tokenOf } from '../unit/auth/rig.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const SECRET = 'a secret of this test, 32 bytes or more';

/** Milliseconds for what a machine that runs other tests as well does late. */
const TIMEOUT = 30_000;

const CONFIG = `
log: { driver: embedded, embedded: { memory: true } }
admin: { enabled: false }
auth: { users: { jwt: { secret: "${SECRET}", algorithms: [ HS256 ], clock_skew: 0s } } }
listeners: { public: { port: 0 } }
endpoints:
  app:
    listener: public
    path: /connection/websocket
    codec: { centrifuge: { calls: true } }
    auth: users
    ping: { interval: 1s, timeout: 2s }
    token_expiry: { grace: 2s }
    channels: { join: "user.\${! auth.sub }", max_per_connection: 10001, history: { last: 100 }, presence: { topic: events } }
    allow: { subscribe: [ "news.*" ], publish: [ "news.*", "user.*" ] }
pipelines:
  in:
    source: { endpoint: app }
    processors: [ { map: { headers: { method: "\${! meta.method }" } } } ]
    sink: { topic: { name: events, key: "\${! meta.channel }" } }
  out:
    source: { topic: { names: [ events ] } }
    sink: { endpoint: { name: app, channel: "\${! key }" } }
`;

async function started(t: TestContext) {
  return urlOf(await gatewayWith(t, CONFIG));
}

async function gatewayWith(t: TestContext, config: string): Promise<Gateway> {
  const gateway = await createGateway({ config, logger: 'silent' });
  t.after(() => gateway.stop());
  await gateway.start();
  // A client that is refused before that tries again later each time.
  await gateway.ready();
  return gateway;
}

function urlOf(gateway: Gateway): string {
  return `ws://127.0.0.1:${gateway.inspect().listeners[0]?.port}/connection/websocket`;
}

const token = (sub: string, seconds = 600) =>
  tokenOf({ alg: 'HS256' }, { sub, exp: Math.ceil(Date.now() / 1_000) + seconds }, SECRET);

/** The sockets that clients of a test have opened, in their order. */
function sockets() {
  const opened: WebSocket[] = [];
  class Kept extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      opened.push(this);
    }
  }
  return { opened, websocket: Kept };
}

/** A client of the library as it is published. */
function library(t: TestContext, url: string, options: Partial<Options> = {}) {
  const { opened, websocket } = sockets();
  const client = new Centrifuge(url, {
    websocket,
    minReconnectDelay: 20,
    timeout: TIMEOUT,
    token: token('ann'),
    ...options,
  });
  t.after(() => client.disconnect());
  const events: [string, unknown][] = [];
  for (const name of ['connected', 'disconnected', 'error', 'message', 'publication', 'subscribed'] as const)
    client.on(name, (event: unknown) => events.push([name, event]));
  const of = (name: string) => events.filter(([one]) => one === name).map(([, event]) => event as Fields);
  return { client, opened, of };
}

const until = (condition: () => boolean) => untilIn(condition, TIMEOUT, () => `not in time: ${condition}`);

type Fields = Readonly<Record<string, unknown>>;

function heard(subscription: Subscription) {
  const publications: unknown[] = [];
  const subscribed: Fields[] = [];
  subscription.on('publication', ({ data }) => publications.push(data));
  subscription.on('subscribed', (event) => subscribed.push(event as unknown as Fields));
  return { publications, subscribed };
}

async function membersRead(subscription: Subscription): Promise<void> {
  const isAnswered = () =>
    subscription.presence().then(
      () => true,
      () => false,
    );
  await untilIn(isAnswered, TIMEOUT, () => 'the clients of the channel are never known');
}

async function subscribedTo(client: Centrifuge, channel: string) {
  const subscription = client.newSubscription(channel);
  const kept = heard(subscription);
  subscription.subscribe();
  client.connect();
  await subscription.ready(TIMEOUT);
  return { subscription, ...kept };
}

test('the library connects with a token, subscribes, and receives what another one publishes', async (t) => {
  const url = await started(t);
  const one = library(t, url);
  const { publications, subscribed } = await subscribedTo(one.client, 'news.a');
  assert.equal(subscribed[0]?.recoverable, true);
  const other = library(t, url, { token: token('bob') });
  other.client.connect();
  await other.client.publish('news.a', { n: 1 });
  await other.client.publish('news.b', { n: 2 });
  await until(() => publications.length > 0);
  assert.deepEqual(publications, [{ n: 1 }]);
  await assert.rejects(other.client.publish('secret', 1), { code: 103 });
  assert.deepEqual(await other.client.rpc('sum', [1, 2]), { data: {} });
});

test('a token of a subscription has no effect and is asked for once; what the connection may do decides', async (t) => {
  const url = await started(t);
  const { client } = library(t, url);
  let asked = 0;
  const getToken = async () => `no token ${++asked}`;
  const allowed = client.newSubscription('news.a', { getToken });
  allowed.subscribe();
  client.connect();
  await allowed.ready(TIMEOUT);
  assert.equal(asked, 1);
  const other = client.newSubscription('secret', { getToken });
  const refused = new Promise<number>((resolve) => other.on('unsubscribed', ({ code }) => resolve(code)));
  other.subscribe();
  assert.equal(await refused, 103);
  assert.equal(asked, 2);
});

test('presence lists the clients of a channel, and its subscribers hear of each that joins or leaves', async (t) => {
  const url = await started(t);
  const one = library(t, url);
  const { subscription } = await subscribedTo(one.client, 'news.a');
  const changes: string[] = [];
  subscription.on('join', ({ info }) => changes.push(`join ${info.user}`));
  subscription.on('leave', ({ info }) => changes.push(`leave ${info.user}`));
  const other = library(t, url, { token: token('bob') });
  await subscribedTo(other.client, 'news.a');
  await until(() => changes.includes('join bob'));
  const { clients } = await subscription.presence();
  assert.deepEqual(
    Object.values(clients)
      .map(({ user }) => user)
      .sort(),
    ['ann', 'bob'],
  );
  assert.deepEqual(await subscription.presenceStats(), { numClients: 2, numUsers: 2 });
  other.client.disconnect();
  await until(() => changes.at(-1) === 'leave bob');
});

test('the library reads what is kept of a channel, from a position, in reverse and page by page', async (t) => {
  const url = await started(t);
  const { client } = library(t, url);
  const { subscription, publications } = await subscribedTo(client, 'news.a');
  const start = await subscription.history({ limit: 0 });
  for (const n of [1, 2, 3]) await client.publish('news.a', { n });
  await until(() => publications.length === 3);
  const numbers = async (options: Parameters<Subscription['history']>[0]) =>
    (await subscription.history(options)).publications.map(({ data }) => data.n);
  const { epoch, offset, publications: all } = await subscription.history({ limit: -1 });
  assert.deepEqual([all.map(({ data }) => data.n), all.at(-1)?.offset, epoch], [[1, 2, 3], offset, start.epoch]);
  assert.deepEqual([start.publications, (await subscription.history({ limit: 0 })).offset], [[], offset]);
  const second = { epoch, offset: all[1]?.offset ?? 0 };
  assert.deepEqual(await numbers({ limit: 2 }), [1, 2]);
  assert.deepEqual(await numbers({ limit: 2, reverse: true }), [3, 2]);
  assert.deepEqual(await numbers({ limit: 10, since: second }), [3]);
  assert.deepEqual(await numbers({ limit: 10, since: second, reverse: true }), [1]);
  await assert.rejects(subscription.history({ limit: 1, since: { epoch: 'other.0', offset: 1 } }), { code: 112 });
  await assert.rejects(client.history('news.b', { limit: 1 }), { code: 103 });
  for (let n = 0; n < 100; n += 1) await client.publish('news.a', { n });
  await assert.rejects(subscription.history({ limit: 1, since: { epoch, offset: start.offset } }), { code: 112 });
});

test('a client that was cut recovers what was published meanwhile, each record once', async (t) => {
  const url = await started(t);
  const one = library(t, url);
  const { publications, subscribed } = await subscribedTo(one.client, 'news.a');
  const other = library(t, url, { token: token('bob') });
  other.client.connect();
  await other.client.publish('news.a', 1);
  await until(() => publications.length === 1);
  one.opened[0]?.terminate();
  for (const n of [2, 3]) await other.client.publish('news.a', n);
  await until(() => subscribed.length === 2);
  await other.client.publish('news.a', 4);
  await until(() => publications.length === 4);
  assert.deepEqual(publications, [1, 2, 3, 4]);
  assert.deepEqual([subscribed[1]?.wasRecovering, subscribed[1]?.recovered], [true, true]);
});

test('a channel of join is subscribed by the server, and recovers after a cut', async (t) => {
  const url = await started(t);
  const { client, opened, of } = library(t, url);
  client.connect();
  await client.ready(TIMEOUT);
  assert.deepEqual(
    of('subscribed').map(({ channel, recoverable }) => [channel, recoverable]),
    [['user.ann', true]],
  );
  const other = library(t, url, { token: token('bob') });
  other.client.connect();
  await other.client.publish('user.ann', 1);
  await until(() => of('publication').length === 1);
  opened[0]?.terminate();
  await other.client.publish('user.ann', 2);
  await until(() => of('publication').length === 2);
  assert.deepEqual(
    of('publication').map(({ channel, data }) => [channel, data]),
    [
      ['user.ann', 1],
      ['user.ann', 2],
    ],
  );
  const { wasRecovering, recovered } = of('subscribed')[1] ?? {};
  assert.deepEqual([wasRecovering, recovered], [true, true]);
});

test('on Kafka clients of two gateways see each other, and go on at the other one when theirs stops', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('events');
  const config = CONFIG.replace(/log: .*/, `log: { driver: kafkajs, brokers: "${kafka.brokers}" }`)
    .replaceAll(' events', ` ${topic}`)
    .replace('{ last: 100 }', '{ last: 100 }, recover: {}');
  const [a, b] = [await gatewayWith(t, config), await gatewayWith(t, config)];
  const one = library(t, urlOf(a));
  // As behind a load balancer: the address stays, the gateway behind it is another one.
  let front = urlOf(a);
  class Balanced extends WebSocket {
    constructor(_url: string, ...rest: [string[]?]) {
      super(front, ...rest);
    }
  }
  const moving = library(t, front, { token: token('eve'), websocket: Balanced });
  const changes: string[] = [];
  const other = library(t, urlOf(b), { token: token('bob') });
  const seen = await subscribedTo(other.client, 'news.a');
  // Until the gateway has read the clients of the other one, it announces none.
  await membersRead(seen.subscription);
  seen.subscription.on('join', ({ info }) => changes.push(`join ${info.user}`));
  seen.subscription.on('leave', ({ info }) => changes.push(`leave ${info.user}`));
  const { publications, subscribed } = await subscribedTo(moving.client, 'news.a');
  await subscribedTo(one.client, 'news.a');
  await untilIn(
    () => changes.includes('join eve') && changes.includes('join ann'),
    TIMEOUT,
    () => `bob saw ${changes.join(', ')}`,
  );
  const users = Object.values((await seen.subscription.presence()).clients).map(({ user }) => user);
  assert.deepEqual(users.sort(), ['ann', 'bob', 'eve']);
  for (const n of [1, 2, 3]) await other.client.publish('news.a', n);
  await other.client.publish('user.eve', 'own');
  await until(() => publications.length === 3 && moving.of('publication').length === 1);
  front = urlOf(b);
  const stopped = a.stop();
  for (let n = 4; n <= 50; n += 1) await other.client.publish('news.a', n);
  await other.client.publish('user.eve', 'later');
  await stopped;
  // All records may have come from the first gateway: then the client is only now subscribed at the other one.
  await until(() => subscribed.length > 1 && moving.of('subscribed').length > 1);
  await until(() => publications.length === 50 && moving.of('publication').length === 2);
  assert.deepEqual(
    publications,
    Array.from({ length: 50 }, (_, at) => at + 1),
  );
  assert.deepEqual([subscribed.at(-1)?.wasRecovering, subscribed.at(-1)?.recovered], [true, true]);
  assert.equal(moving.of('subscribed').at(-1)?.recovered, true);
  await until(() => changes.includes('leave ann'));
});

test('the library renews its token before the grace is over, and stays connected', async (t) => {
  const url = await started(t);
  let asked = 0;
  const getToken = async () => {
    asked += 1;
    return token('ann', asked === 1 ? 1 : 600);
  };
  const { client, of } = library(t, url, { token: '', getToken });
  client.connect();
  await client.ready(TIMEOUT);
  await until(() => asked === 2);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  assert.deepEqual([client.state, of('connected').length, of('disconnected').length], ['connected', 1, 0]);
});

/** As scripts/centrifuge-python.sh prints it. */
const PYTHON = process.env.CENTRIFUGE_PYTHON;

const skip = PYTHON === undefined && 'CENTRIFUGE_PYTHON is not set';
test('the library for Python connects, recovers after a cut, and lists the clients of a channel', {
  skip,
}, async (t) => {
  const url = await started(t);
  const program = join(ROOT, 'test/fixtures/centrifuge_client.py');
  const { stdout } = await promisify(execFile)(PYTHON ?? 'python3', [program, url, token('ann')], { timeout: 20_000 });
  assert.deepEqual(JSON.parse(stdout), [
    [{ n: 1 }, { n: 2 }],
    [
      [false, false],
      [true, true],
    ],
    ['ann'],
  ]);
});

test('a token that has expired is replaced, and one that is wrong ends the client', async (t) => {
  const url = await started(t);
  const expired = library(t, url, { token: token('ann', -600), getToken: async () => token('ann') });
  expired.client.connect();
  await expired.client.ready(TIMEOUT);
  assert.deepEqual(
    expired.of('error').map(({ error }) => (error as Fields).code),
    [109],
  );
  const wrong = library(t, url, { token: tokenOf({ alg: 'HS256' }, { sub: 'ann' }, `${SECRET}!`) });
  wrong.client.connect();
  await until(() => wrong.of('disconnected').length > 0);
  assert.equal(wrong.of('disconnected')[0]?.code, 3500);
  const none = library(t, url, { token: '' });
  none.client.connect();
  await until(() => none.of('disconnected').length > 0);
  assert.equal(none.of('disconnected')[0]?.code, 101);
});

test('the library answers pings, and a client that does not is cut', async (t) => {
  const url = await started(t);
  const { client, of } = library(t, url);
  client.connect();
  await client.ready(TIMEOUT);
  const mute = new WebSocket(url);
  mute.on('error', () => {});
  await once(mute, 'open');
  mute.send(JSON.stringify({ id: 1, connect: { token: token('bob') } }));
  const [code] = await once(mute, 'close');
  assert.equal(code, 1006);
  assert.deepEqual([client.state, of('connected').length], ['connected', 1]);
});

test('ten thousand subscriptions in one frame behind connect are all answered', async (t) => {
  const url = await started(t);
  const raw = new WebSocket(url);
  t.after(() => raw.terminate());
  const ids = new Set<number>();
  raw.on('message', (data) => {
    for (const line of String(data).split('\n')) {
      const reply = JSON.parse(line) as { id?: number; error?: object };
      if (reply.id !== undefined && reply.error === undefined) ids.add(reply.id);
    }
  });
  await once(raw, 'open');
  const subscribes = Array.from({ length: 10_000 }, (_, at) => ({ id: at + 2, subscribe: { channel: `news.${at}` } }));
  const commands = [{ id: 1, connect: { token: token('ann') } }, ...subscribes];
  raw.send(commands.map((command) => JSON.stringify(command)).join('\n'));
  await until(() => ids.size === 10_001);
});

test('frames that break the protocol end their connection alone', async (t) => {
  const url = await started(t);
  const { client } = library(t, url);
  client.connect();
  await client.ready(TIMEOUT);
  const hostile = [
    '{"id":1,"subscribe":{"channel":"news.a"}}',
    '{"id":1,"connect":[]}',
    '{"id":1,"connect":{"token":7}}',
    '['.repeat(500_000),
    `${'{"id":1,"ping":{}}\n'.repeat(20_000)}`,
  ];
  for (const frame of hostile) {
    const raw = new WebSocket(url);
    await once(raw, 'open');
    raw.send(frame);
    const [code] = await once(raw, 'close');
    assert.equal(code, 3501, frame.slice(0, 30));
  }
  assert.equal(client.state, 'connected');
});
