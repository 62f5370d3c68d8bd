import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { componentsIn } from '../../../../src/config/schema/step-schema.ts';
import {
  definitionsOf,
  type FlatConfig,
  pluginOf,
  plugins,
  validationAnswer,
} from '../../../../src/connect/settings/index.ts';
import { Message } from '../../../../src/core/message.ts';
import type { RemoteSinkSettings } from '../../../../src/feeds/settings/sink-settings.ts';
import type { FeedSettings } from '../../../../src/feeds/settings/source-settings.ts';
import { BINANCE, errorsOf, look, SINK, tasksOf } from './fixture.ts';

const feedOf = (config: FlatConfig): FeedSettings => tasksOf(config)[0]?.pipeline.source.config as FeedSettings;
/** Settings that a connect fills in, as the connector has them. */
const textsOf = (list: readonly { readonly text: string }[]) => list.map(({ text }) => text);
const sent = ({ subscribe }: Pick<FeedSettings, 'subscribe'>) =>
  subscribe.messages.map(({ send }) => send?.(new Message(Buffer.alloc(0))));

describe("a connector with S4's settings", () => {
  test('becomes a pipeline from its feed into its topic, with its reconnect pauses', () => {
    const [task] = tasksOf(BINANCE);
    const feed = feedOf(BINANCE);
    assert.deepEqual(textsOf(feed.url), ['wss://stream.binance.com:9443/ws']);
    assert.deepEqual(sent(feed), ['{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}']);
    assert.equal(feed.reconnect.enabled, true);
    assert.equal(feed.reconnect.interval, 3_000);
    assert.equal(task?.pipeline.source.spec.name, 'websocket_client');
    const sink = task?.pipeline.sink.config as { readonly name: { readonly text: string } } | undefined;
    assert.equal(sink?.name.text, 'binance-btcusdt-trades');
    assert.deepEqual(task?.pipeline.processors, []);
  });

  test("has S4's defaults for settings that are not given", () => {
    const { name, 'connector.class': type } = BINANCE;
    const config = { name, 'connector.class': type, 'websocket.url': 'ws://h', 'kafka.topic': 't' } as FlatConfig;
    const feed = feedOf(config);
    assert.deepEqual(feed.reconnect, { ...feed.reconnect, enabled: true, interval: 5_000 });
    assert.equal(feed.connect_timeout, 30_000);
    assert.deepEqual(feed.headers, {});
    assert.deepEqual(feed.subscribe, { messages: [] });
    assert.equal(feed.auth, undefined);
    assert.equal(feed.overflow, 'pause');
    assert.equal(tasksOf(config)[0]?.pipeline.in_flight.messages, 10_000);
  });

  test('decompresses, answers pings and keeps to a pace by settings of its own', () => {
    const feed = feedOf({
      ...BINANCE,
      'websocket.decompress': 'deflate',
      'websocket.heartbeat.reply': '{"when":{"op":"ping"},"message":"pong"}',
      'websocket.send.rate': '5/s',
      'websocket.subscribe.interval.ms': '200',
    });
    assert.deepEqual([feed.decompress, feed.send_rate], ['deflate', { count: 5, period: 1_000 }]);
    assert.equal(feed.heartbeat.reply[0]?.when(new Message(Buffer.from('{"op":"ping"}'))), true);
    assert.deepEqual([feed.subscribe.interval, sent(feed).length], [200, 1]);
    const errors = errorsOf({ ...BINANCE, 'websocket.decompress': 'zip', 'websocket.send.rate': 'often' });
    assert.deepEqual(Object.keys(errors).sort(), ['websocket.decompress', 'websocket.send.rate']);
  });

  test('keeps colons of header values, and sends its message byte for byte', () => {
    const message = '{ "id": 12345678901234567890,  "x": 1.50 }';
    const feed = feedOf({
      ...BINANCE,
      'websocket.headers': 'User-Agent:KafkaConnectWebSocket/1.0, X-At:10:20:30,X-List:a\\,b',
      'websocket.subscription.message': message,
    });
    assert.deepEqual(
      Object.entries(feed.headers).map(([name, { text }]) => [name, text]),
      [
        ['User-Agent', 'KafkaConnectWebSocket/1.0'],
        ['X-At', '10:20:30'],
        ['X-List', 'a,b'],
      ],
    );
    assert.deepEqual(sent(feed), [message]);
  });

  test('sends a message with "send" in it unchanged, unless it expects a reply', () => {
    const subscribe = (message: string) => feedOf({ ...BINANCE, 'websocket.subscription.message': message }).subscribe;
    assert.deepEqual(sent({ subscribe: subscribe('{"send":"all"}') }), ['{"send":"all"}']);
    const steps = subscribe('{"send":"all","expect":{"ok":true},"timeout":"2s"}');
    assert.deepEqual([sent({ subscribe: steps }), steps.messages[0]?.timeout], [['all'], 2_000]);
    const [refusable] = subscribe('{"send":"all","expect":{"ok":true},"reject":{"ok":false}}').messages;
    assert.equal(refusable?.reject?.(new Message(Buffer.from('{"ok":false}'))), true);
    const mistaken = errorsOf({ ...BINANCE, 'websocket.subscription.message': '{"send":"all","reject":{"ok":false}}' });
    assert.match(mistaken['websocket.subscription.message']?.[0] ?? '', /set expect, too/);
  });

  test('fails after a disconnect if reconnecting is disabled', () => {
    assert.equal(feedOf({ ...BINANCE, 'websocket.reconnect.enabled': 'false' }).reconnect.enabled, false);
  });

  test('replaces connections, and watches the numbers of its messages', () => {
    const feed = feedOf({
      ...BINANCE,
      'websocket.reconnect.on': '{"event":"serverShutdown"}',
      'websocket.reconnect.every.ms': '82800000',
      'websocket.reconnect.overlap.ms': '10000',
      'websocket.dedupe.id': '${! json.t }',
      'websocket.sequence.value': '${! json.u }',
      'websocket.sequence.first': '${! json.pu + 1 }',
      'websocket.sequence.by': '${! json.s }',
      'websocket.sequence.step': '2',
      'websocket.sequence.modulus': '4294967296',
      'websocket.sequence.window': '7',
      'websocket.sequence.resubscribe': '[{"method":"UNSUBSCRIBE","s":"${! meta.by }"},"again"]',
    });
    const { on, every, overlap, interval } = feed.reconnect;
    assert.deepEqual([every, overlap, interval], [82_800_000, 10_000, 3_000]);
    assert.equal(on?.(new Message(Buffer.from('{"event":"serverShutdown"}'))), true);
    const { value, first, by, step, modulus, window, resubscribe } = feed.sequence ?? {};
    assert.equal(first?.text, '${! json.pu + 1 }');
    assert.deepEqual([value?.text, by?.text, step, modulus, window], ['${! json.u }', '${! json.s }', 2, 2 ** 32, 7]);
    const gap = new Message(Buffer.from(''), { meta: { by: 'BTC' } });
    assert.deepEqual(
      resubscribe?.map(({ send }) => send(gap)),
      ['{"method":"UNSUBSCRIBE","s":"BTC"}', 'again'],
    );
    const errors = errorsOf({
      ...BINANCE,
      'websocket.reconnect.every.ms': '9000',
      'websocket.reconnect.overlap.ms': '1',
    });
    assert.match(errors['websocket.reconnect.overlap.ms']?.[0] ?? '', /set dedupe or resume, too/);
    assert.deepEqual(Object.keys(errorsOf({ ...BINANCE, 'websocket.sequence.by': '${! json.s }' })), [
      'websocket.sequence.value',
    ]);
  });

  test('asks another server first and signs, with reconnect and sequence, by settings of its own', async () => {
    const config: FlatConfig = {
      ...BINANCE,
      'websocket.url': '${! meta.session.json.endpoint }?token=${! meta.session.json.token }',
      'websocket.hosts': '*.example.com,feed.example.org',
      'websocket.secrets': '{"api":"topsecret"}',
      'websocket.prepare':
        '{"http":{"url":"https://api.example.com/bullet","method":"POST","headers":{"X-Key":"${! meta.secrets.api }"}},"as":"session"}',
      'websocket.subscription.message': '{"sign":"${! $hmac(\'sha256\', meta.secrets.api, meta.session.json.token) }"}',
      'websocket.decompress': 'gzip',
      'websocket.reconnect.on': '{"op":"bye"}',
      'websocket.reconnect.overlap.ms': '1000',
      'websocket.dedupe.id': '${! json.u }',
      'websocket.sequence.value': '${! json.u }',
    };
    assert.deepEqual(errorsOf(config), {});
    const { url, hosts, secrets, prepare, subscribe, reconnect, sequence } = feedOf(config);
    const meta = { secrets, session: { json: { endpoint: 'wss://a.example.com/x', token: 't k' } } };
    const values = new Message(Buffer.alloc(0), { meta });
    assert.deepEqual([url[0]?.isNamed, hosts], [true, ['*.example.com', 'feed.example.org']]);
    assert.equal(url[0]?.make(values), 'wss://a.example.com/x?token=t%20k');
    const [call] = prepare;
    assert.deepEqual(
      [call?.as, call?.http.method, call?.http.headers['X-Key']?.make(values)],
      ['session', 'POST', 'topsecret'],
    );
    const sign = createHmac('sha256', 'topsecret').update('t k').digest('hex');
    assert.equal(await subscribe.messages[0]?.send?.(values), JSON.stringify({ sign }));
    assert.deepEqual([reconnect.overlap, sequence?.value.text], [1_000, '${! json.u }']);
    const { 'websocket.hosts': _, ...without } = config;
    assert.deepEqual(Object.keys(errorsOf(without)), ['websocket.hosts']);
    assert.ok(
      !JSON.stringify(errorsOf({ ...config, 'websocket.secrets': '{"api":["topsecret"]}' })).includes('topsecret'),
    );
  });

  test('answers challenges: a reply has a name, and a server that speaks first is waited for', () => {
    const sign = (name: string) => `{"sign":"\${! $hmac('sha256', meta.secrets.api, meta.${name}.json.id) }"}`;
    const config: FlatConfig = {
      ...BINANCE,
      'websocket.secrets': '{"api":"topsecret"}',
      'websocket.subscription.message': '{"expect":{"op":"hello"},"as":"hello"}',
      'websocket.subscriptions': `[${sign('hello')}]`,
      'websocket.heartbeat.reply': `{"when":{"op":"challenge"},"message":${sign('hello')}}`,
      'websocket.ack.message': sign('hello'),
    };
    assert.deepEqual(errorsOf(config), {});
    const [first, second] = feedOf(config).subscribe.messages;
    assert.deepEqual([first?.send, first?.as, second?.expect], [undefined, 'hello', undefined]);
    const message = { ...config, 'websocket.subscription.message': '{"expect":7,"method":"SUBSCRIBE"}' };
    assert.match(JSON.stringify(errorsOf(message)), /meta.hello \} has no value here/);
    const unknown = { ...config, 'websocket.ack.message': sign('other') };
    assert.match(JSON.stringify(errorsOf(unknown)), /websocket.ack.message.*meta.other \} has no value here/);
  });

  test('has a gate as large as its queue, and batches that fit it', () => {
    for (const [size, messages, count] of [
      ['1', 2, 1],
      ['7', 7, 3],
      ['50000', 50_000, 500],
    ] as const) {
      const [task] = tasksOf({ ...BINANCE, 'websocket.message.queue.size': size });
      assert.equal(task?.pipeline.in_flight.messages, messages);
      assert.equal(task?.pipeline.batch.count, count);
    }
  });

  test('keeps unknown settings, and lists them', () => {
    const config = { ...BINANCE, 'transforms.x': 'y', flavour: 'mint' };
    assert.deepEqual(look(config).unknown, ['transforms.x', 'flavour']);
    assert.equal(tasksOf(config)[0]?.config.flavour, 'mint');
  });
});

test('a class is found by its full name, its simple name, and that without Connector', () => {
  for (const name of [
    'io.conduktor.connect.websocket.WebSocketSourceConnector',
    'tidegate.WebSocketSourceConnector',
    'WebSocketSourceConnector',
    'WebSocketSource',
  ])
    assert.equal(pluginOf(name)?.type, 'source', name);
  assert.equal(pluginOf('WebSocketSink')?.type, 'sink');
  for (const name of ['', 'Source', 'SourceConnector', 'conduktor.WebSocketSource'])
    assert.equal(pluginOf(name), undefined, name);
});

describe('tasks', () => {
  const urls = { ...BINANCE, 'websocket.url': null, 'websocket.urls': 'ws://a,ws://b,ws://c', 'tasks.max': '2' };

  test('several servers are distributed among them', () => {
    const { 'websocket.url': _none, ...config } = urls;
    const tasks = tasksOf(config);
    assert.deepEqual(
      tasks.map(({ pipeline }) => textsOf((pipeline.source.config as FeedSettings).url)),
      [['ws://a', 'ws://c'], ['ws://b']],
    );
    assert.deepEqual(
      tasks.map(({ config: own }) => own['websocket.urls']),
      ['ws://a,ws://c', 'ws://b'],
    );
  });

  test('several subscriptions are distributed among them, after the message that each connection sends', () => {
    const tasks = tasksOf({
      ...BINANCE,
      'tasks.max': '5',
      'websocket.subscription.message': 'login',
      'websocket.subscriptions': '["one",{"op":"two"},{"send":"three","expect":{"ok":true},"timeout":"2s"}]',
    });
    const feeds = tasks.map(({ pipeline }) => pipeline.source.config as FeedSettings);
    assert.deepEqual(feeds.map(sent), [
      ['login', 'one'],
      ['login', '{"op":"two"}'],
      ['login', 'three'],
    ]);
    assert.equal(feeds[2]?.subscribe.messages[1]?.timeout, 2_000);
    assert.equal(tasks[1]?.config['websocket.subscriptions'], '[{"op":"two"}]');
  });

  test('there is one if nothing can be distributed, and its settings name its class as in Connect', () => {
    const tasks = tasksOf({ ...BINANCE, 'tasks.max': '9' });
    assert.equal(tasks.length, 1);
    assert.deepEqual(tasks[0]?.config, {
      ...BINANCE,
      'tasks.max': '9',
      'task.class': 'io.conduktor.connect.websocket.WebSocketSourceTask',
    });
  });

  test('symbols are distributed among tasks, of which a list has no more than it needs connections', () => {
    const shards = {
      ...BINANCE,
      'websocket.subscription.message': '{"sub":"${! meta.shard.symbols }"}',
      'websocket.shards.list': 'a,b,c,d,e',
      'websocket.shards.per.connection': '2',
      'websocket.shards.unsubscribe.message': '{"unsub":"${! meta.shard.symbols }"}',
      'tasks.max': '9',
    };
    const tasks = tasksOf(shards);
    assert.deepEqual(
      tasks.map(({ config: own }) => own['websocket.shards.share']),
      ['1/3', '2/3', '3/3'],
    );
    assert.equal(tasksOf({ ...shards, 'tasks.max': '1' })[0]?.config['websocket.shards.share'], '1/1');
    const { 'websocket.shards.list': _none, ...rest } = shards;
    assert.equal(tasksOf({ ...rest, 'websocket.shards.topic': 'symbols' }).length, 9);
    assert.equal(tasksOf({ ...shards, 'websocket.shards.list': 'a,b,a,b,a' }).length, 1, 'a symbol counts once');
    // A part that is given is that of the whole connector.
    const part = { ...shards, 'websocket.shards.share': '2/3' };
    assert.equal(tasksOf(part).length, 1);
    assert.deepEqual(feedOf(part).shards?.share, { number: 2, of: 3 });
  });

  test('mistakes about symbols name the list that is given, or the one that is missing', () => {
    const subscribe = { ...BINANCE, 'websocket.subscription.message': '{"sub":"${! meta.shard.symbols }"}' };
    const [file, topic] = [{ 'websocket.shards.file': 'symbols.txt' }, { 'websocket.shards.topic': 'symbols' }];
    assert.deepEqual(errorsOf({ ...subscribe, ...file, ...topic }), {
      'websocket.shards.file': [
        'Invalid value symbols.txt for configuration websocket.shards.file: set exactly one of list, file and topic',
      ],
    });
    assert.deepEqual(Object.keys(errorsOf({ ...BINANCE, ...topic })), ['websocket.shards.topic']);
    const { 'websocket.shards.list': missing = [] } = errorsOf({ ...BINANCE, 'websocket.shards.share': '1/2' });
    assert.match(missing.join(), /^Missing required configuration "websocket\.shards\.list"/);
  });

  test('a sink has tasks.max of them, all members of one group', () => {
    const tasks = tasksOf({ ...SINK, 'tasks.max': '3' });
    assert.deepEqual(
      tasks.map(({ pipeline }) => pipeline.source.config),
      Array(3).fill({ names: ['orders', 'prices'], from: 'earliest', group: 'connect-partner' }),
    );
    const tombstones = (config: FlatConfig) =>
      (tasksOf(config)[0]?.pipeline.sink.config as RemoteSinkSettings | undefined)?.tombstones;
    assert.equal(tombstones(SINK), 'skip');
    assert.equal(tombstones({ ...SINK, 'websocket.tombstones': 'send' }), 'send');
    assert.equal(
      (tasks[0]?.pipeline.sink.config as RemoteSinkSettings | undefined)?.url.text,
      'wss://partner.example.com/orders',
    );
  });

  test('a sink waits for replies, decompresses them and keeps to a pace by settings of its own', () => {
    const config: FlatConfig = {
      ...SINK,
      'websocket.confirm': 'reply',
      'websocket.replies': '{"record":"${! json.id }","reply":"${! json.re }","reject":{"ok":false},"timeout":"5s"}',
      'websocket.frame': 'as_is',
      'websocket.decompress': 'auto',
      'websocket.send.rate': '5/s',
      'websocket.reconnect.on': '{"op":"bye"}',
      'websocket.reconnect.every.ms': '60000',
      'websocket.secrets': '{"api":"topsecret"}',
    };
    assert.deepEqual(errorsOf(config), {});
    const sink = tasksOf(config)[0]?.pipeline.sink.config as RemoteSinkSettings;
    const { confirm, replies, frame, decompress, send_rate, reconnect, secrets } = sink;
    assert.deepEqual([confirm, frame, decompress, secrets], ['reply', 'as_is', 'auto', { api: 'topsecret' }]);
    assert.deepEqual([replies?.timeout, send_rate?.count, reconnect.every], [5_000, 5, 60_000]);
    assert.equal(reconnect.on?.(new Message(Buffer.from('{"op":"bye"}'))), true);
    const { 'websocket.replies': _, ...without } = config;
    assert.deepEqual(Object.keys(errorsOf(without)), ['websocket.confirm']);
    assert.deepEqual(Object.keys(errorsOf({ ...config, 'websocket.confirm': 'pong' })), ['websocket.replies']);
  });
});

describe('converters', () => {
  const steps = (settings: FlatConfig, defaults?: FlatConfig) =>
    componentsIn(tasksOf({ ...BINANCE, ...settings }, defaults)[0]?.pipeline.processors ?? [], []).map(({ chosen }) => [
      chosen.spec.name,
      chosen.config,
    ]);
  const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

  test('text is written unchanged by default, and as bytes', () => {
    assert.deepEqual(steps({}), []);
    for (const name of ['string', 'bytes', 'org.apache.kafka.connect.storage.StringConverter', 'ByteArrayConverter'])
      assert.deepEqual(steps({ 'value.converter': name }), [], name);
  });

  test("Kafka's JsonConverter writes a JSON string, with its schema unless that is disabled", () => {
    assert.deepEqual(steps({ 'value.converter': JSON_CONVERTER }), [['convert', 'to_json_with_schema']]);
    const plain = { 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'false' };
    assert.deepEqual(steps(plain), [['convert', 'to_json_string']]);
  });

  test('json requires JSON and leaves it unchanged', () => {
    assert.deepEqual(steps({ 'value.converter': 'json' }), [['convert', 'json']]);
  });

  test('those of the worker apply if the connector has none', () => {
    const worker = { 'value.converter': JSON_CONVERTER, 'value.converter.schemas.enable': 'false' };
    assert.deepEqual(steps({}, worker), [['convert', 'to_json_string']]);
    assert.deepEqual(steps({ 'value.converter': 'string' }, worker), []);
  });
});

test('every setting of the components has a name', () => {
  const feed = feedOf({
    ...BINANCE,
    'websocket.auth.token': 'geheim',
    'websocket.protocols': 'v2,v1',
    'websocket.proxy': 'http://proxy:3128',
    'websocket.compression.enabled': 'true',
    'websocket.message.max.bytes': '1024',
    'websocket.reconnect.backoff.max.ms': '60000',
    'websocket.ping.interval.ms': '0',
    'websocket.ping.timeout.ms': '5000',
    'websocket.heartbeat.message': '{"op":"ping"}',
    'websocket.heartbeat.interval.ms': '15000',
    'websocket.heartbeat.expect.ms': '30000',
    'websocket.heartbeat.expect.message': '{"op":"pong"}',
    'websocket.tls.ca': '/etc/ca.pem',
    'websocket.tls.verify': 'false',
    'websocket.message.overflow': 'drop_oldest',
    'websocket.resume.cursor': '${! json.seq }',
    'websocket.resume.message': '{"after":${! meta.cursor }}',
    'websocket.dedupe.id': '${! json.id }',
    'websocket.dedupe.window': '500',
    'websocket.dedupe.within.ms': '90000',
    'websocket.ack.message': '{"ack":${! json.id }}',
    'websocket.gap.record': 'true',
  });
  assert.deepEqual(feed.auth?.token, 'geheim');
  assert.deepEqual(textsOf(feed.protocols), ['v2', 'v1']);
  assert.equal(feed.proxy, 'http://proxy:3128');
  assert.equal(feed.compression, true);
  assert.equal(feed.max_frame, 1_024);
  assert.deepEqual(feed.reconnect, { enabled: true, backoff: { initial: 3_000, max: 60_000 } });
  assert.deepEqual([feed.heartbeat.ping, feed.heartbeat.timeout], [0, 5_000]);
  assert.equal(feed.heartbeat.send?.every, 15_000);
  assert.equal(feed.heartbeat.send?.message(new Message(Buffer.alloc(0))), '{"op":"ping"}');
  assert.equal(feed.heartbeat.expect?.within, 30_000);
  assert.equal(feed.heartbeat.expect?.frame?.(new Message(Buffer.from('{"op":"pong","t":1}'))), true);
  assert.deepEqual([feed.tls?.ca, feed.tls?.reject_unauthorized], ['/etc/ca.pem', false]);
  assert.equal(feed.overflow, 'drop_oldest');
  assert.equal(feed.buffer.messages, 10_000);
  assert.equal(feed.resume?.message?.(new Message(Buffer.alloc(0), { meta: { cursor: 7 } })), '{"after":7}');
  assert.deepEqual([feed.dedupe?.window, feed.dedupe?.within], [500, 90_000]);
  assert.equal(feed.ack?.message(new Message(Buffer.from('{"id":3}'))), '{"ack":3}');
  assert.equal(feed.gap?.record, true);
});

test('key, timestamp and headers of the record come from expressions', () => {
  const [task] = tasksOf({
    ...BINANCE,
    'websocket.record.key': '${! json.s }',
    'websocket.record.timestamp': '${! json.E }',
    'websocket.record.headers': '{"source":"binance","kind":"${! json.e }"}',
  });
  const sink = task?.pipeline.sink.config as { key: { text: string }; headers: Record<string, unknown> } | undefined;
  assert.equal(sink?.key.text, '${! json.s }');
  assert.deepEqual(Object.keys(sink?.headers ?? {}), ['source', 'kind']);
  assert.deepEqual(
    componentsIn(task?.pipeline.processors ?? [], []).map(({ chosen }) => chosen.spec.name),
    ['map'],
  );
});

test('failed messages are handled as in Connect', () => {
  assert.deepEqual(look(BINANCE).description?.errors, {
    isTolerant: false,
    isLogged: false,
    withMessages: false,
    deadLetter: undefined,
  });
  const config = {
    ...BINANCE,
    'errors.tolerance': 'all',
    'errors.log.enable': 'true',
    'errors.log.include.messages': 'true',
    'errors.deadletterqueue.topic.name': 'bad',
  };
  assert.deepEqual(look(config).description?.errors, {
    isTolerant: true,
    isLogged: true,
    withMessages: true,
    deadLetter: 'bad',
  });
});

describe('mistakes', () => {
  test('are all reported at once, each at its setting, in the words of Connect', () => {
    assert.deepEqual(
      errorsOf({
        'connector.class': 'WebSocketSource',
        'tasks.max': 'x',
        'value.converter': 'nope.X',
        'errors.tolerance': 'some',
        'errors.log.enable': 'maybe',
        'websocket.url': 'http://h',
        'websocket.message.queue.size': '0',
        'websocket.headers': 'no colon',
        'websocket.subscriptions': 'nope',
        'websocket.heartbeat.message': 'hi',
        'websocket.gap.topic': 'a b',
        'errors.deadletterqueue.topic.name': '_tidegate.connect.configs',
      }),
      {
        name: ['Missing required configuration "name" which has no default value.'],
        'tasks.max': [
          'Invalid value x for configuration tasks.max: Not a number of type INT',
          'Invalid value null for configuration tasks.max: Value must be non-null',
        ],
        'value.converter': ['Invalid value nope.X for configuration value.converter: Class nope.X could not be found.'],
        'errors.tolerance': ['Invalid value some for configuration errors.tolerance: String must be one of: none, all'],
        'errors.log.enable': [
          'Invalid value maybe for configuration errors.log.enable: Expected value to be either true or false',
        ],
        'websocket.url': [
          'Invalid value http://h for configuration websocket.url: expected a URL that begins with ws:// or wss:// and has no #',
        ],
        'websocket.message.queue.size': [
          'Invalid value 0 for configuration websocket.message.queue.size: Value must be at least 1',
        ],
        'kafka.topic': ['Missing required configuration "kafka.topic" which has no default value.'],
        'errors.deadletterqueue.topic.name': [
          'Invalid value _tidegate.connect.configs for configuration errors.deadletterqueue.topic.name: this topic is internal: brokers or gateways keep their own state in it; choose another one',
        ],
        'websocket.gap.topic': [
          'Invalid value a b for configuration websocket.gap.topic: a topic name is at most 249 letters, digits, ".", "_" and "-", and neither "." nor ".."',
        ],
        'websocket.headers': [
          'Invalid value [hidden] for configuration websocket.headers: expected name:value pairs with commas between them',
        ],
        'websocket.subscriptions': [
          'Invalid value [hidden] for configuration websocket.subscriptions: this is not JSON',
        ],
        'websocket.heartbeat.interval.ms': [
          'Missing required configuration "websocket.heartbeat.interval.ms" which has no default value.',
        ],
      },
    );
  });

  test('in the combination of settings are reported', () => {
    const { 'websocket.url': url, ...rest } = BINANCE;
    assert.deepEqual(errorsOf(rest as FlatConfig), {
      'websocket.url': ['Missing required configuration "websocket.url" which has no default value.'],
    });
    assert.deepEqual(errorsOf({ ...rest, 'websocket.url': url ?? null, 'websocket.urls': 'ws://a,ws://b' }), {
      'websocket.urls': ['Give websocket.url or websocket.urls, not both'],
    });
    assert.deepEqual(errorsOf({ ...SINK, topics: '', 'websocket.url': '' }), {
      topics: ['Missing required configuration "topics" which has no default value.'],
      'websocket.url': ['Missing required configuration "websocket.url" which has no default value.'],
    });
  });

  test('in messages that are sent first are reported at their setting', () => {
    const broken = 'hello ${! nope( }';
    const said = (more: FlatConfig) => Object.keys(errorsOf({ ...BINANCE, ...more }));
    assert.deepEqual(said({ 'websocket.subscription.message': broken }), ['websocket.subscription.message']);
    assert.deepEqual(said({ 'websocket.subscriptions': JSON.stringify([broken]) }), ['websocket.subscriptions']);
    const { 'websocket.subscription.message': _, ...without } = BINANCE;
    assert.deepEqual(Object.keys(errorsOf({ ...without, 'websocket.subscriptions': JSON.stringify([broken]) })), [
      'websocket.subscriptions',
    ]);
  });

  test('in expressions without a value, or in a name, are reported at their setting', () => {
    const said = (more: FlatConfig) => Object.keys(errorsOf({ ...BINANCE, ...more }));
    const beat = { 'websocket.heartbeat.message': '{"a":${! json.a }}', 'websocket.heartbeat.interval.ms': '5000' };
    assert.deepEqual(said(beat), ['websocket.heartbeat.message']);
    assert.deepEqual(said({ 'websocket.headers': 'X-Key:${! meta.token }' }), ['websocket.headers']);
    assert.deepEqual(said({ 'websocket.record.headers': '{"${! json.a }":"lit"}' }), ['websocket.record.headers']);
  });

  test('quote what is not secret', () => {
    assert.deepEqual(errorsOf({ ...BINANCE, 'websocket.resume.cursor': '${! json.seq' }), {
      'websocket.resume.cursor': [
        'Invalid value ${! json.seq for configuration websocket.resume.cursor: "${! json.seq" has no } that closes its ${! ',
      ],
    });
  });

  test('never quote a secret', () => {
    const secret = 'correct-horse';
    const said = JSON.stringify(
      errorsOf({
        ...BINANCE,
        'websocket.url': `ftp://user:${secret}@h/`,
        'websocket.proxy': `socks://user:${secret}@h/`,
        'websocket.headers': `Connection:${secret},X:\u0000${secret}`,
        'websocket.auth.token': '',
        'websocket.ack.message': `{"token":"${secret}","id":"\${! $nosuch(json.id) }"}`,
        'websocket.subscriptions': `[{"send":"${secret} \${! nothing } \${!"}]`,
      }),
    );
    assert.match(said, /websocket\.headers/);
    assert.match(said, /websocket\.ack\.message/);
    assert.ok(!said.includes(secret), said);
  });
});

describe('the answer of config/validate', () => {
  test('has every setting with its definition, its value and its mistakes, and no secret', () => {
    const config = { ...BINANCE, 'websocket.auth.token': 'geheim', 'tasks.max': '0' };
    const answer = validationAnswer('WebSocketSource', look(config));
    assert.equal(answer.name, 'WebSocketSource');
    assert.equal(answer.error_count, 1);
    assert.deepEqual(answer.groups.slice(0, 4), ['Common', 'Transforms', 'Predicates', 'Error Handling']);
    const named = new Map(answer.configs.map((one) => [one.value.name, one]));
    assert.deepEqual(named.get('tasks.max'), {
      definition: {
        name: 'tasks.max',
        type: 'INT',
        required: false,
        default_value: '1',
        importance: 'HIGH',
        documentation: 'Most tasks that the connector is split into.',
        group: 'Common',
        width: 'SHORT',
        display_name: 'Tasks max',
        dependents: [],
        order: 3,
      },
      value: {
        name: 'tasks.max',
        value: '0',
        recommended_values: [],
        errors: ['Invalid value 0 for configuration tasks.max: Value must be at least 1'],
        visible: true,
      },
    });
    assert.equal(named.get('websocket.auth.token')?.value.value, '[hidden]');
    assert.equal(named.get('kafka.topic')?.definition?.required, true);
    assert.equal(named.get('websocket.headers')?.value.value, null);
    assert.ok(!JSON.stringify(answer).includes('geheim'));
  });
});

test('definitions of a class have unique names, documentation, and owners that exist', () => {
  for (const plugin of plugins) {
    const definitions = definitionsOf(plugin, {});
    const names = definitions.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { documentation, name } of definitions) assert.match(documentation, /^\S.*\.$/, name);
    for (const [, owner] of plugin.owners) assert.ok(names.includes(owner), owner);
    assert.ok(names.includes('connector.class'));
  }
});

describe('a setting that a URL or an answer could not carry', () => {
  for (const [what, blank] of [
    ['a line break', '\r\n'],
    ['a tab', '\t'],
    ['a space', ' '],
    ['another control character', '\u0001'],
  ] as const)
    test(`is a mistake if it is a URL with ${what} inside, which would be dialled without it`, () => {
      const config = { ...BINANCE, 'websocket.url': `ws://a.b${blank}.c/`, 'websocket.proxy': `http://p${blank}.q:1` };
      const { 'websocket.url': url, 'websocket.proxy': proxy } = errorsOf(config);
      for (const errors of [url, proxy])
        assert.match(errors?.join() ?? '', /has a space, line break or other control character in it; remove it/);
    });

  test('is quoted with its first 200 characters', () => {
    const errors = errorsOf({ ...BINANCE, name: '\u0001'.repeat(9_000), 'kafka.topic': 'x y'.repeat(300_000) });
    assert.deepEqual(Object.keys(errors), ['name', 'kafka.topic']);
    for (const [name, each] of Object.entries(errors)) assert.ok(each.join().length < 600, name);
  });

  test('is a name of more than 4,096 characters after percent-encoding', () => {
    const flaws = (name: string) => errorsOf({ ...BINANCE, name }).name;
    assert.equal(flaws('n'.repeat(4_096)), undefined);
    assert.match(flaws('n'.repeat(4_097))?.join() ?? '', /at most 4096 characters when it is percent-encoded .*4097/);
    assert.equal(flaws('é'.repeat(682)), undefined);
    assert.match(flaws('é'.repeat(683))?.join() ?? '', /not 4098/);
  });
});
