import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { forward } from '../../src/connect/rest/forwarding.ts';
import { type ConnectApi, REBALANCING, recordsOf, startConnect } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { ResumableFeeds } from '../helpers/resumable-feeds.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

type Gateway = Awaited<ReturnType<typeof startConnect>>;

/** Gateways of one cluster, each with an API of its own. */
function cluster(t: TestContext, brokers: string) {
  const prefix = `_${uniqueTopic('connect')}`;
  const start = () =>
    startConnect(t, {
      log: { driver: 'kafkajs', brokers: brokers.split(',') },
      admin: { port: 0, host: '127.0.0.1' },
      connect: { group: prefix, topics: prefix, session_timeout: '6s' },
    });
  return { prefix, start };
}

const workerOf = ({ api }: Gateway) => new URL(api.url).host;

async function metricsOf({ gateway }: Gateway): Promise<string> {
  return (await fetch(`http://127.0.0.1:${gateway.ports().admin}/metrics`)).text();
}

test('two gateways that start together share the connectors, and each answers for both', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  const { prefix, start } = cluster(t, kafka.brokers);
  const [a, b] = await Promise.all([start(), start()]);
  const gateways = [a, b] as const;

  await t.test('the topics are created once, with their settings', async () => {
    const { admin } = await KafkaAdmin.connect(t, kafka.brokers);
    const { topics } = await admin.fetchTopicMetadata({
      topics: ['configs', 'status', 'offsets', 'work'].map((kind) => `${prefix}.${kind}`),
    });
    const partitions = Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions.length]));
    assert.deepEqual(partitions, {
      [`${prefix}.configs`]: 1,
      [`${prefix}.status`]: 1,
      [`${prefix}.offsets`]: 1,
      [`${prefix}.work`]: 64,
    });
    for (const kind of ['configs', 'status', 'offsets']) {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: `${prefix}.${kind}`, configNames: ['cleanup.policy'] }],
      });
      assert.deepEqual(
        resources[0]?.configEntries.map(({ configValue }) => configValue),
        ['compact'],
      );
    }
  });

  const names = Array.from({ length: 8 }, (_, n) => `feed-${n}`);
  for (const name of names) {
    const made = await a.api.call('POST', '/connectors', { name, config: feeds.connector(name, `${prefix}.${name}`) });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  }
  const owners = new Map<string, Gateway>();
  for (const name of names) {
    // The other one hears of it, too.
    const { body } = await a.api.state(name, 'RUNNING');
    await b.api.state(name, 'RUNNING');
    const owner = gateways.find((one) => workerOf(one) === body.connector.worker_id);
    assert.ok(owner !== undefined, body.connector.worker_id);
    owners.set(name, owner);
  }
  const ofB = names.filter((name) => owners.get(name) === b);
  const ofA = names.filter((name) => owners.get(name) === a);
  assert.ok(ofA.length > 0 && ofB.length > 0, `a has ${ofA}, b has ${ofB}`);
  const [mine = '', other = ''] = [ofA[0], ofB[0]];

  await t.test('whatever belongs to the other one is done there', async () => {
    for (const [{ api }, name] of [
      [a, other],
      [b, mine],
    ] as const) {
      const path = `/connectors/${name}`;
      const config = feeds.connector(name, `${prefix}.${name}`);
      const did = async (method: string, what: string, body?: unknown) =>
        (await api.call(method, path + what, body)).status;
      assert.equal(await did('PUT', '/config', { ...config, 'tasks.max': '2' }), 200);
      assert.equal(await did('PATCH', '/config', { 'tasks.max': '1' }), 200);
      await Promise.all(gateways.map((one) => one.api.state(name, 'RUNNING')));
      assert.equal(await did('PUT', '/pause'), 202);
      await Promise.all(gateways.map((one) => one.api.state(name, 'PAUSED')));
      assert.equal(await did('PUT', '/resume'), 202);
      await Promise.all(gateways.map((one) => one.api.state(name, 'RUNNING')));
      const { connections } = feeds.of(name);
      assert.equal(await did('POST', '/restart?includeTasks=true'), 202);
      await until(
        () => feeds.of(name).connections > connections,
        30_000,
        () => 'the task was not restarted',
      );
      assert.equal(await did('POST', '/tasks/0/restart'), 204);
      assert.equal(await did('PATCH', '/offsets', { offsets: [] }), 400);
      assert.equal(await did('PUT', '/stop'), 204);
      const place = { url: feeds.urlOf(name) };
      const change = { offsets: [{ partition: place, offset: { cursor: 7 } }] };
      assert.equal(await did('PATCH', '/offsets', change), 200);
      for (const one of gateways)
        await one.api.until(`${path}/offsets`, ({ body }) => body.offsets[0]?.offset.cursor === 7);
      assert.equal(await did('PUT', '/resume'), 202);
      await until(
        () => feeds.of(name).resumedAfter.includes(7),
        30_000,
        () => `resumed behind ${feeds.of(name).resumedAfter}`,
      );
      assert.equal(await did('PUT', '/stop'), 204);
      assert.equal(await did('DELETE', '/offsets'), 200);
      for (const one of gateways) await one.api.until(`${path}/offsets`, ({ body }) => body.offsets.length === 0);
      assert.equal(await did('DELETE', ''), 204);
      for (const one of gateways) await one.api.until(path, ({ status }) => status === 404);
      assert.equal(feeds.live(name), 0);
      assert.equal(feeds.of(name).mostAtOnce, 1);
    }
    for (const one of gateways)
      assert.match(await metricsOf(one), /tidegate_connect_requests_total\{[^}]*forwarded="true"[^}]*\} \d/);
  });

  await t.test('a call is forwarded once at most, and only with a valid signature', async () => {
    const key = (await recordsOf(a.gateway, `${prefix}.configs`))
      .filter((record) => String(record.key) === 'session-key')
      .map(({ json }) => (json as { key: string }).key)
      .at(-1);
    assert.ok(key !== undefined);
    const config = feeds.connector(other, `${prefix}.${other}`);
    const target = `/connectors/${other}/config`;
    const call = { method: 'PUT', target, body: Buffer.from(JSON.stringify(config)) };
    const now = Date.now();
    const send = (to: Gateway, key: string, now: number) =>
      forward(to.api.url, call, { credentials: {}, key, now, isThere: () => true, failed: () => {} });
    const astray = await send(a, key, now);
    assert.deepEqual(
      [astray.status, JSON.parse(String(astray.body))],
      [409, { error_code: 409, message: REBALANCING }],
    );
    const forged = await send(b, Buffer.alloc(32).toString('base64'), now);
    const old = await send(b, key, now - 120_000);
    const unsigned = await b.api.call('PUT', target, config, { 'x-tidegate-forwarded': String(now) });
    assert.deepEqual([forged.status, old.status, unsigned.status], [403, 403, 403]);
    assert.equal((await b.api.call('GET', `/connectors/${other}`)).status, 404);
    assert.equal((await send(b, key, now)).status, 201);
  });

  await t.test(
    'the tasks of one connector are spread, and a gateway shows no figures of what it does not run',
    async () => {
      const subscriptions = JSON.stringify(Array.from({ length: 6 }, (_, after) => ({ after })));
      const config = {
        'connector.class': 'tidegate.WebSocketSourceConnector',
        'websocket.url': feeds.urlOf('many'),
        'kafka.topic': `${prefix}.many`,
        'tasks.max': '6',
        'websocket.subscriptions': subscriptions,
      };
      assert.equal((await a.api.call('POST', '/connectors', { name: 'many', config })).status, 201);
      const { body } = await b.api.state('many', 'RUNNING', 6);
      const workers: string[] = body.tasks.map(({ worker_id }: { worker_id: string }) => worker_id);
      assert.deepEqual([...new Set(workers)].sort(), gateways.map(workerOf).sort());
      const tasksIn = (metrics: string) =>
        [...new Set([...metrics.matchAll(/="connectors\.many\/(\d)"/g)].map(([, task]) => Number(task)))].sort();
      await until(
        () => feeds.live('many') === 6,
        30_000,
        () => `${feeds.live('many')} sockets are open`,
      );
      for (const one of gateways)
        assert.deepEqual(
          tasksIn(await metricsOf(one)),
          workers.flatMap((worker, task) => (worker === workerOf(one) ? [task] : [])),
        );
      assert.equal((await b.api.call('DELETE', '/connectors/many')).status, 204);
      await until(
        () => feeds.live('many') === 0,
        30_000,
        () => `${feeds.live('many')} sockets are open still`,
      );
      for (const one of gateways) {
        await one.api.until('/connectors/many', ({ status }) => status === 404);
        let left = '';
        await until(
          async () => {
            left = await metricsOf(one);
            return !left.includes('connectors.many/');
          },
          30_000,
          () =>
            left
              .split('\n')
              .filter((line) => line.includes('connectors.many/'))
              .join('\n'),
        );
      }
    },
  );
});

test('work moves to a new gateway and from a stopped one: one socket each, nothing lost, nothing twice', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const feeds = await ResumableFeeds.start(t);
  const { prefix, start } = cluster(t, kafka.brokers);
  const [a, b] = await Promise.all([start(), start()]);
  const names = Array.from({ length: 8 }, (_, n) => `feed-${n}`);
  const topic = `${prefix}.numbers`;
  for (const name of names)
    assert.equal((await a.api.call('POST', '/connectors', { name, config: feeds.connector(name, topic) })).status, 201);
  /** The worker of each connector and each task, once all of them run. */
  const places = async ({ api }: Gateway) => {
    const found = new Map<string, string>();
    for (const name of names) {
      const { body } = await api.state(name, 'RUNNING', 1, 30_000);
      found.set(name, body.connector.worker_id).set(`${name}/0`, body.tasks[0].worker_id);
    }
    return found;
  };
  const plain = await plainFeeds(t);
  for (const name of plain.names) {
    const config = { ...S4, 'websocket.url': `${plain.url}/${name}`, 'kafka.topic': `${prefix}.plain` };
    assert.equal((await a.api.call('POST', '/connectors', { name, config })).status, 201);
  }
  const before = await places(a);
  assert.deepEqual([...new Set(before.values())].sort(), [a, b].map(workerOf).sort());
  feeds.speak();

  // While a third one joins, owners may be unknown; a repeated call succeeds.
  const [c, calls] = await Promise.all([start(), insistOnAll(b.api, names)]);
  t.diagnostic(`${calls} calls had to be tried again`);
  await isAssigned(c, prefix, [21, 21, 22]);
  const after = await places(c);
  assert.ok([...after.values()].includes(workerOf(c)), [...after.values()].join());
  for (const [what, worker] of before)
    assert.ok([worker, workerOf(c)].includes(after.get(what) ?? ''), `${what} has moved between the old ones`);
  const moved = [...before].filter(([what, worker]) => after.get(what) !== worker);
  assert.ok(moved.length <= before.size / 2, `${moved.length} of ${before.size} have moved`);
  const metrics = await metricsOf(a);
  for (const [what, worker] of after)
    if (what.endsWith('/0')) assert.equal(metrics.includes(`="connectors.${what}"`), worker === workerOf(a), what);

  await b.gateway.stop();
  await isAssigned(c, prefix, [32, 32]);
  const last = await places(c);
  assert.deepEqual([...new Set(last.values())].sort(), [a, c].map(workerOf).sort());
  for (const [what, worker] of after)
    if (worker !== workerOf(b)) assert.equal(last.get(what), worker, `${what} has moved though its owner is alive`);
  feeds.halt();
  for (const name of names) assert.equal(feeds.of(name).mostAtOnce, 1, `two sockets at once for ${name}`);
  await feeds.isWhole(kafka.brokers, topic);
  // Those that cannot go on behind a number have lost nothing of what was read, by either gateway.
  assert.ok(plain.connections() > plain.names.length, 'none of them has moved');
  const read = plain.read();
  let stored: string[] = [];
  await until(
    async () => {
      stored = (await recordsOf(a.gateway, `${prefix}.plain`)).map(({ text }) => text);
      return read.every((text) => stored.includes(text));
    },
    30_000,
    () => `lost: ${read.filter((text) => !stored.includes(text)).slice(0, 10)}`,
  );
  assert.equal(new Set(stored).size, stored.length, 'something is stored twice');
});

const S4 = { 'connector.class': 'io.conduktor.connect.websocket.WebSocketSourceConnector' };

/** Feeds that send numbers to their clients, each followed by a ping: its pong says that the number was read. */
async function plainFeeds(t: TestContext) {
  const read: string[] = [];
  let said = 0;
  const server = await FeedServer.start(t, {
    greet: ({ ws }) => {
      const timer = setInterval(() => {
        said += 1;
        ws.send(`number ${said}`);
        ws.ping(String(said));
      }, 10);
      ws.on('pong', (number) => read.push(`number ${number}`));
      ws.on('close', () => clearInterval(timer));
    },
  });
  return {
    url: server.url,
    names: Array.from({ length: 6 }, (_, n) => `plain-${n}`),
    connections: () => server.connections.length,
    read: () => [...read],
  };
}

/** Resolves when every part of the work is held, and the gateways have so many of them. */
async function isAssigned({ gateway }: Gateway, prefix: string, shares: readonly number[]): Promise<void> {
  let sizes: number[] = [];
  await until(
    async () => {
      const holders = new Map<string, string>();
      for (const { key, text } of await recordsOf(gateway, `${prefix}.configs`)) {
        if (!String(key).startsWith('claim-')) continue;
        const { worker, released } = JSON.parse(text) as { worker: string; released?: boolean };
        holders.set(String(key), released === true ? 'none' : worker);
      }
      const counts = new Map<string, number>();
      for (const worker of holders.values()) counts.set(worker, (counts.get(worker) ?? 0) + 1);
      sizes = [...counts.values()].sort((one, other) => one - other);
      return sizes.join() === shares.join();
    },
    30_000,
    () => `the work is assigned as ${sizes}, not as ${shares}`,
  );
}

/** Pauses and resumes nothing: puts each config as it is, one after the other. Returns how often it had to try again. */
async function insistOnAll(api: ConnectApi, names: readonly string[]): Promise<number> {
  let refusals = 0;
  const end = Date.now() + 3_000;
  for (let n = 0; Date.now() < end; n++) {
    const path = `/connectors/${names[n % names.length]}/config`;
    const { body } = await api.call('GET', path);
    const put = await api.insist('PUT', path, body);
    assert.equal(put.status, 200, JSON.stringify(put.body));
    refusals += put.refusals;
  }
  return refusals;
}
