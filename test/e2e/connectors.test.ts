import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { Batch } from '../../src/core/batch.ts';
import { Message } from '../../src/core/message.ts';
import { displayUrl } from '../../src/core/secrets.ts';
import { type ConnectApi, launchConnect, recordsOf, startConnect } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';

const S4 = 'io.conduktor.connect.websocket.WebSocketSourceConnector';

/** A feed that numbers its messages, and begins behind the number that a client names. */
function numbered(interval = 5) {
  let last = 0;
  return (connection: { ws: { send(text: string): void; on(event: 'close', listener: () => void): unknown } }) => {
    const timer = setInterval(() => {
      last += 1;
      connection.ws.send(JSON.stringify({ seq: last, symbol: last % 2 === 0 ? 'B' : 'A' }));
    }, interval);
    connection.ws.on('close', () => clearInterval(timer));
  };
}

const configOf = (url: string, more: object = {}) => ({
  'connector.class': S4,
  'tasks.max': '1',
  'websocket.url': url,
  'kafka.topic': 'echo',
  ...more,
});

const create = (api: ConnectApi, name: string, config: object, more: object = {}) =>
  api.call('POST', '/connectors', { name, config, ...more });

describe('a connector', () => {
  test('writes a feed to its topic as S4: no key, unchanged text, its message first, its token', async (t) => {
    const feed = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('{ "price": 1.50 }') });
    const { api, gateway } = await startConnect(t);
    const config = configOf(feed.url, {
      'websocket.subscription.message': '{"action":"subscribe"}',
      'websocket.headers': 'User-Agent:K/1.0,X-At:10:20:30',
      'websocket.auth.token': 'geheim',
    });
    const made = await create(api, 'echo', config);
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('location'), `${api.url}/connectors/echo`);
    assert.deepEqual(made.body, {
      name: 'echo',
      config: { ...config, 'websocket.auth.token': '[hidden]', name: 'echo' },
      tasks: [],
      type: 'source',
    });
    const connection = await feed.connection(1);
    await connection.until(() => connection.received.length === 1);
    assert.deepEqual(connection.received, ['{"action":"subscribe"}']);
    assert.equal(connection.headers.authorization, 'Bearer geheim');
    assert.deepEqual([connection.headers['user-agent'], connection.headers['x-at']], ['K/1.0', '10:20:30']);
    await api.until('/connectors/echo/topics', ({ body }) => body.echo.topics.length === 1);
    const [record] = await recordsOf(gateway, 'echo');
    assert.deepEqual([record?.key, record?.text], [null, '{ "price": 1.50 }']);
    const { body } = await api.state('echo', 'RUNNING');
    assert.match(body.connector.worker_id, /^127\.0\.0\.1:\d+$/);
    assert.equal(body.type, 'source');
  });

  test('can be created while the gateway starts: the call waits', async (t) => {
    const { api } = await launchConnect(t);
    assert.equal((await api.call('GET', '/health')).status, 503);
    const [made, listed] = await Promise.all([
      create(api, 'early', configOf('ws://127.0.0.1:1')),
      api.call('GET', '/connectors'),
    ]);
    assert.deepEqual([made.status, listed.status], [201, 200]);
  });

  test('is paused, resumed, stopped and deleted, and its socket with it', async (t) => {
    const feed = await FeedServer.start(t, { greet: numbered() });
    const { api } = await startConnect(t);
    await create(api, 'x', configOf(feed.url));
    await api.state('x', 'RUNNING');
    await feed.connection(1);
    assert.equal((await api.call('PUT', '/connectors/x/pause')).status, 202);
    await api.state('x', 'PAUSED');
    await until(
      () => feed.live.length === 0,
      30_000,
      () => 'the socket is open still',
    );
    assert.equal((await api.call('PUT', '/connectors/x/resume')).status, 202);
    await feed.connection(2);
    await api.state('x', 'RUNNING');
    assert.equal((await api.call('PUT', '/connectors/x/stop')).status, 204);
    await api.state('x', 'STOPPED', 0);
    assert.deepEqual((await api.call('GET', '/connectors/x/tasks')).body, []);
    assert.equal((await api.call('DELETE', '/connectors/x')).status, 204);
    assert.equal((await api.call('GET', '/connectors/x/status')).status, 404);
    assert.deepEqual((await api.call('GET', '/connectors')).body, []);
    await until(
      () => feed.live.length === 0,
      30_000,
      () => 'the socket is open still',
    );
    assert.equal(feed.mostAtOnce, 1);
  });

  test('whose settings change while it is paused applies them when it is resumed', async (t) => {
    const feed = await FeedServer.start(t);
    const { api } = await startConnect(t);
    const urls = { 'websocket.url': null, 'websocket.urls': `${feed.url}/a,${feed.url}/b` };
    const { 'websocket.url': _, ...config } = { ...configOf(feed.url), ...urls };
    await create(api, 'x', config);
    await api.state('x', 'RUNNING', 1);
    await api.call('PUT', '/connectors/x/pause');
    await api.state('x', 'PAUSED', 1);
    const changed = await api.call('PUT', '/connectors/x/config', { ...config, 'tasks.max': '2' });
    assert.deepEqual([changed.status, changed.body.config['tasks.max'], changed.body.tasks.length], [200, '2', 1]);
    const tasks = async () => {
      const { body } = await api.call('GET', '/connectors/x/tasks');
      return body.map((task: { config: Record<string, string> }) => task.config['tasks.max']);
    };
    assert.deepEqual(await tasks(), ['1']);
    await api.call('POST', '/connectors/x/restart?includeTasks=true');
    await api.state('x', 'PAUSED', 1);
    assert.deepEqual(await tasks(), ['1']);
    await api.call('PUT', '/connectors/x/resume');
    await api.state('x', 'RUNNING', 2);
    assert.deepEqual(await tasks(), ['2', '2']);
    await feed.connection(4);
    assert.deepEqual(feed.live.map(({ url }) => url).sort(), ['/a', '/b']);
  });

  test('starts in its initial state', async (t) => {
    const feed = await FeedServer.start(t);
    const { api } = await startConnect(t);
    await create(api, 'p', configOf(feed.url), { initial_state: 'PAUSED' });
    await create(api, 's', configOf(feed.url), { initial_state: 'stopped' });
    await api.state('p', 'PAUSED', 0);
    await api.state('s', 'STOPPED', 0);
    assert.equal(feed.handshakes, 0);
  });

  test('distributes its subscriptions among tasks, one socket each', async (t) => {
    const feed = await FeedServer.start(t);
    const { api } = await startConnect(t);
    const config = configOf(feed.url, { 'tasks.max': '3', 'websocket.subscriptions': '["a","b","c","d"]' });
    await create(api, 'many', config);
    await api.state('many', 'RUNNING', 3);
    const connections = await Promise.all([1, 2, 3].map((count) => feed.connection(count)));
    for (const connection of connections) await connection.until(() => connection.received.length > 0);
    await until(
      () => connections.flatMap(({ received }) => received).length === 4,
      30_000,
      () => 'subscriptions are missing',
    );
    assert.deepEqual(connections.map(({ received }) => received.join()).sort(), ['a,d', 'b', 'c']);
    assert.equal((await api.call('POST', '/connectors/many/tasks/1/restart')).status, 204);
    await feed.connection(4);
    assert.equal((await api.call('POST', '/connectors/many/tasks/3/restart')).status, 404);
  });

  test('reports RESTARTING while its server is away, and FAILED if it may not reconnect', async (t) => {
    const feed = await FeedServer.start(t);
    const { api } = await startConnect(t);
    feed.answer = { status: 401 };
    await create(api, 'a', configOf(feed.url, { 'websocket.reconnect.interval.ms': '50' }));
    await create(api, 'b', configOf(feed.url, { 'websocket.reconnect.enabled': 'false' }));
    const isIn = (state: string) => (said: { body: { tasks?: { state: string }[] } }) =>
      said.body.tasks?.[0]?.state === state;
    const troubled = await api.until('/connectors/a/status', isIn('RESTARTING'));
    assert.match(troubled.body.tasks[0].trace, /401/);
    assert.equal(troubled.body.connector.state, 'RUNNING');
    const failed = await api.until('/connectors/b/status', isIn('FAILED'));
    assert.match(failed.body.tasks[0].trace, /TG_REMOTE_FAILED.*401/);
    feed.answer = undefined;
    await api.state('a', 'RUNNING');
    assert.equal((await api.call('GET', '/connectors/b/tasks/0/status')).body.state, 'FAILED');
    const again = await api.call('POST', '/connectors/b/restart?includeTasks=true&onlyFailed=true');
    assert.equal(again.status, 202);
    assert.deepEqual([again.body.connector.state, again.body.tasks[0].state], ['RUNNING', 'RESTARTING']);
    await api.state('b', 'RUNNING');
  });

  test('drops and counts messages beyond its queue if its server must not be slowed down', async (t) => {
    const feed = await FeedServer.start(t);
    const { api, gateway } = await startConnect(t);
    const { stats } = gateway.context;
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
    for (const [count, overflow, kept] of [
      [1, 'drop_oldest', [...range(1, 10), ...range(101, 110)]],
      [2, 'drop_newest', range(1, 20)],
    ] as const) {
      // The log takes its time: until it is let go on, nothing is stored.
      const topic = gateway.context.topic(overflow);
      const waiting: Batch[] = [];
      const write = topic.write.bind(topic);
      topic.write = (batch) => void waiting.push(batch);
      const more = { 'websocket.message.queue.size': '10', 'websocket.message.overflow': overflow };
      await create(api, overflow, configOf(feed.url, { 'kafka.topic': overflow, ...more }));
      const { ws } = await feed.connection(count);
      const labels = { component: `connectors.${overflow}/0`, url: displayUrl(feed.url) };
      const dropped = stats.counter('tidegate_remote_dropped_total', { ...labels, reason: 'overflow' });
      for (const n of range(1, 10)) ws.send(String(n));
      await until(
        () => waiting.reduce((sum, { messages }) => sum + messages.length, 0) === 10,
        30_000,
        () => 'the first ones did not come',
      );
      for (const n of range(11, 110)) ws.send(String(n));
      await until(
        () => dropped.value === 90,
        30_000,
        () => `${dropped.value} were dropped`,
      );
      topic.write = write;
      for (const batch of waiting) write(batch);
      await until(
        async () => (await recordsOf(gateway, overflow)).length === 20,
        30_000,
        () => 'not all that were kept are stored',
      );
      assert.deepEqual(
        (await recordsOf(gateway, overflow)).map(({ text }) => Number(text)),
        kept,
      );
      assert.equal(dropped.value, 90);
      await api.state(overflow, 'RUNNING');
    }
    assert.equal(feed.handshakes, 2, 'no connection was lost');
  });

  test('fails at a message that is not JSON, or writes it to its dead letters', async (t) => {
    const feed = await FeedServer.start(t, {
      greet: ({ ws }) => {
        for (const text of ['{"a":1}', 'oops', '{"a":2}']) ws.send(text);
      },
    });
    const { api, gateway } = await startConnect(t);
    await create(api, 'strict', configOf(feed.url, { 'value.converter': 'json' }));
    const isFailed = (said: { body: { tasks?: { state: string }[] } }) => said.body.tasks?.[0]?.state === 'FAILED';
    const failed = await api.until('/connectors/strict/status', isFailed);
    assert.match(failed.body.tasks[0].trace, /a message cannot be processed: the payload is not JSON/);
    await create(
      api,
      'tolerant',
      configOf(feed.url, {
        'kafka.topic': 'good',
        'value.converter': 'json',
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': 'bad',
        'websocket.record.key': 'of ${! text }',
      }),
    );
    await until(
      async () => (await recordsOf(gateway, 'good').catch(() => [])).length === 2,
      30_000,
      () => 'the good ones did not come',
    );
    assert.deepEqual(
      (await recordsOf(gateway, 'good')).map(({ text }) => text),
      ['{"a":1}', '{"a":2}'],
    );
    await until(
      async () => (await recordsOf(gateway, 'bad')).length === 1,
      30_000,
      () => 'no dead letter',
    );
    const [letter] = await recordsOf(gateway, 'bad');
    assert.deepEqual([letter?.text, String(letter?.key)], ['oops', 'of oops']);
    await api.state('tolerant', 'RUNNING');
  });

  test('logs skipped messages as errors.log.* say: not at all, without or with their content', async (t) => {
    const feed = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('oops, geheim') });
    const lines = new PassThrough();
    let log = '';
    lines.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const { api, gateway } = await startConnect(t, { lines });
    const tolerant = { 'value.converter': 'json', 'errors.tolerance': 'all' };
    const told = async (name: string, more: object) => {
      const letters = { 'errors.deadletterqueue.topic.name': `bad-${name}` };
      await create(api, name, configOf(feed.url, { ...tolerant, ...letters, ...more }));
      await until(
        async () => (await recordsOf(gateway, `bad-${name}`).catch(() => [])).length === 1,
        30_000,
        () => 'no dead letter',
      );
      return log.split('\n').filter((line) => line.includes('was skipped') && line.includes(`connectors.${name}/0`));
    };
    assert.deepEqual(await told('silent', {}), []);
    const [without] = await told('brief', { 'errors.log.enable': 'true' });
    assert.match(without ?? '', /"level":"warn".*a message was skipped: the payload is not JSON: Unexpected token/);
    assert.ok(!without?.includes('geheim'), without);
    // Its dead letter has no key.
    await gateway.context.log.admin.create({ name: 'bad-refused', config: { 'cleanup.policy': 'compact' } });
    const letters = { 'errors.deadletterqueue.topic.name': 'bad-refused', 'errors.log.enable': 'true' };
    await create(api, 'refused', configOf(feed.url, { ...tolerant, ...letters }));
    const ofRefused = () =>
      log.split('\n').find((line) => line.includes('bad-refused') && line.includes('was skipped'));
    await until(
      () => ofRefused() !== undefined,
      30_000,
      () => 'no line',
    );
    assert.match(ofRefused() ?? '', /the payload is not JSON.*; its dead letter was refused \(TG_RECORD_REFUSED\)/);
    assert.ok(!ofRefused()?.includes('geheim'), ofRefused());
    const [withIt] = await told('full', { 'errors.log.enable': 'true', 'errors.log.include.messages': 'true' });
    assert.equal(JSON.parse(withIt ?? '{}').payload, 'oops, geheim');
  });

  test('shows its secrets nowhere, and keeps them if its config is written back', async (t) => {
    const feed = await FeedServer.start(t);
    const { api, gateway } = await startConnect(t);
    const config = configOf(feed.url, {
      'websocket.auth.token': 'geheim-1',
      'websocket.headers': 'X-Api-Key:geheim-2',
    });
    await create(api, 'x', config);
    await feed.connection(1);
    const shown = await Promise.all(
      [
        '/connectors/x',
        '/connectors/x/config',
        '/connectors/x/tasks',
        '/connectors/x/status',
        '/connectors?expand=info&expand=status',
      ].map((path) => api.call('GET', path)),
    );
    for (const { status, body } of shown) {
      assert.equal(status, 200);
      assert.doesNotMatch(JSON.stringify(body), /geheim/);
    }
    const put = await api.call('PUT', '/connectors/x/config', { ...shown[1]?.body, 'tasks.max': '2' });
    assert.equal(put.status, 200);
    const connection = await feed.connection(2);
    assert.deepEqual(
      [connection.headers.authorization, connection.headers['x-api-key']],
      ['Bearer geheim-1', 'geheim-2'],
    );
    const refused = await create(api, 'y', shown[1]?.body);
    assert.equal(refused.status, 400);
    assert.doesNotMatch(JSON.stringify(gateway.inspect()), /geheim/);
  });

  test('keeps its position in its offsets, which can be changed while it is stopped', async (t) => {
    const feed = await FeedServer.start(t, { greet: numbered() });
    const { api } = await startConnect(t);
    const config = configOf(feed.url, {
      'websocket.resume.cursor': '${! json.seq }',
      'websocket.resume.message': '{"after":${! meta.cursor }}',
    });
    await create(api, 'x', config);
    const { body } = await api.until('/connectors/x/offsets', ({ body }) => body.offsets.length === 1);
    assert.deepEqual(body.offsets[0].partition, { url: feed.url });
    assert.ok(body.offsets[0].offset.cursor > 0);
    const change = { offsets: [{ partition: { url: feed.url }, offset: { cursor: 7 } }] };
    assert.equal((await api.call('PATCH', '/connectors/x/offsets', change)).status, 400);
    await api.call('PUT', '/connectors/x/stop');
    const altered = await api.call('PATCH', '/connectors/x/offsets', change);
    assert.deepEqual(
      [altered.status, altered.body],
      [200, { message: 'The offsets for this connector have been altered successfully' }],
    );
    await api.call('PUT', '/connectors/x/resume');
    const resumed = await feed.connection(2);
    await resumed.until(() => resumed.received.length === 1);
    assert.deepEqual(resumed.received, ['{"after":7}']);
    await api.call('PUT', '/connectors/x/stop');
    assert.equal((await api.call('DELETE', '/connectors/x/offsets')).status, 200);
    assert.deepEqual((await api.call('GET', '/connectors/x/offsets')).body, { offsets: [] });
  });

  test('keeps every digit of a cursor, as the server sends it and as a call sets it', async (t) => {
    const feed = await FeedServer.start(t, { greet: ({ ws }) => ws.send('{"seq":8389766145050669871}') });
    const { api } = await startConnect(t);
    const offsets = async () => (await fetch(`${api.url}/connectors/x/offsets`)).text();
    const config = configOf(feed.url, {
      'websocket.resume.cursor': '${! json.seq }',
      'websocket.resume.message': '{"after":${! meta.cursor }}',
    });
    await create(api, 'x', config);
    await api.until('/connectors/x/offsets', ({ body }) => body.offsets.length === 1);
    assert.match(await offsets(), /"cursor":8389766145050669871,/);
    await api.call('PUT', '/connectors/x/stop');
    const offset = '{"cursor":123456789012345678901234567890}';
    const change = `{"offsets":[{"partition":${JSON.stringify({ url: feed.url })},"offset":${offset}}]}`;
    assert.equal((await api.call('PATCH', '/connectors/x/offsets', change)).status, 200);
    assert.ok((await offsets()).includes(offset));
    await api.call('PUT', '/connectors/x/resume');
    const resumed = await feed.connection(2);
    await resumed.until(() => resumed.received.length === 1);
    assert.deepEqual(resumed.received, ['{"after":123456789012345678901234567890}']);
  });
});

test('a sink connector sends the records of its topics, and its offsets are those of its group', async (t) => {
  const feed = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('{"n":1}') });
  const partner = await FeedServer.start(t);
  const { api } = await startConnect(t);
  await create(api, 'in', configOf(feed.url, { 'kafka.topic': 'orders' }));
  await api.until('/connectors/in/topics', ({ body }) => body.in.topics.length === 1);
  const sink = {
    'connector.class': 'WebSocketSink',
    topics: 'orders',
    'websocket.url': partner.url,
    'websocket.confirm': 'pong',
  };
  assert.equal((await create(api, 'out', sink)).body.type, 'sink');
  const connection = await partner.connection(1);
  await connection.until(() => connection.received.length === 1);
  assert.deepEqual(connection.received, ['{"n":1}']);
  const place = { kafka_topic: 'orders', kafka_partition: 0 };
  await api.until('/connectors/out/offsets', ({ body }) => body.offsets[0]?.offset.kafka_offset === 1);
  assert.equal((await api.call('PUT', '/connectors/out/stop')).status, 204);
  await api.state('out', 'STOPPED', 0);
  const change = { offsets: [{ partition: place, offset: { kafka_offset: 0 } }] };
  assert.equal((await api.call('PATCH', '/connectors/out/offsets', change)).status, 200);
  assert.deepEqual((await api.call('GET', '/connectors/out/offsets')).body, {
    offsets: [{ partition: place, offset: { kafka_offset: 0 } }],
  });
  await api.call('PUT', '/connectors/out/resume');
  const again = await partner.connection(2);
  await again.until(() => again.received.length === 1);
  await api.call('PUT', '/connectors/out/stop');
  assert.equal((await api.call('DELETE', '/connectors/out/offsets')).status, 200);
  assert.deepEqual((await api.call('GET', '/connectors/out/offsets')).body, { offsets: [] });
});

test('of two calls that create the same connector at once, one is refused', async (t) => {
  const feed = await FeedServer.start(t);
  const { api } = await startConnect(t);
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(api, 'one', configOf(feed.url))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
});

test('a record that was written under an old claim is replaced', async (t) => {
  const feed = await FeedServer.start(t);
  const { api, gateway } = await startConnect(t);
  await create(api, 'x', configOf(feed.url));
  const config = configOf('ws://127.0.0.1:1', { name: 'x' });
  const late = new Message(Buffer.from(JSON.stringify({ config, state: 'STOPPED', epoch: 0 })), { key: 'connector-x' });
  gateway.context.topic('_tidegate.connect.configs').write(new Batch([late]));
  await until(
    async () => {
      const records = (await recordsOf(gateway, '_tidegate.connect.configs')).filter(
        ({ key }) => String(key) === 'connector-x',
      );
      return records.length >= 3;
    },
    30_000,
    () => 'no gateway replaced it',
  );
  await api.state('x', 'RUNNING');
  assert.equal((await api.call('GET', '/connectors/x/config')).body['websocket.url'], feed.url);
});
