import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  beyondCeiling,
  builtinRegistry,
  describeCeiling,
  formatProblem,
  loadConfig,
  memoryCeiling,
} from '../../../src/config/index.ts';
import { defineOperator, z } from '../../../src/sdk/index.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const MEBIBYTE = 1_048_576;
const IN = '{ source: { endpoint: rooms }, sink: { topic: { name: chat } } }';
const OUT = '{ source: { topic: { names: [chat] } }, sink: { endpoint: rooms } }';
const pipelines = (text: string) => yaml({ pipelines: `pipelines: { ${text} }` });
const endpoints = (text: string) => yaml({ endpoints: `endpoints: { ${text} }` });
const inWith = (more: string) =>
  pipelines(`in: { source: { endpoint: rooms }, sink: { topic: { name: chat } }, ${more} }`);

const PATTERN = 'pattern: { within: 1m, steps: [{ name: a, when: "${! json.a }" }, { absent: "${! json.b }" }] }';
const WINDOW = 'window: { tumbling: 1m, aggregate: { n: count } }';

const joining = (topics: string, left = 'orders') =>
  pipelines(
    `j: { source: { topic: { names: [${topics}], group: g } }, processors: [{ join: { left: ${left}, right: payments, within: 1m } }], sink: { topic: { name: paid } } }`,
  );

const grouping = (topic: string, by: string) =>
  pipelines(
    `in: ${IN}, w: { source: { topic: { names: [${topic}], group: g } }, processors: [{ window: { tumbling: 1m, ${by}, aggregate: { n: count } } }], sink: { topic: { name: counts } } }`,
  ).replace('topics: {', 'topics: { counts: {}, rooms: { partitions: 1 },');

describe('what does not go together is an error', () => {
  const cases: [title: string, text: string, path: string, expected: RegExp][] = [
    [
      'a window without a group',
      pipelines(
        `w: { source: { topic: { names: [chat] } }, processors: [{ ${WINDOW} }], sink: { topic: { name: counts } }, broadcast: true }`,
      ),
      'pipelines.w.processors[0]',
      /the state of window is rebuilt by reading the topic again .* topics with a group/,
    ],
    [
      'what may drop other records when they are read again, in front of a window',
      pipelines(
        `w: { source: { topic: { names: [chat], group: g } }, processors: [{ throttle: { every: 1s } }, { ${WINDOW} }], sink: { topic: { name: counts } } }`,
      ),
      'pipelines.w.processors[0]',
      /throttle may drop other records when they are read again after a restart, and window would give other results/,
    ],
    [
      'exactly once from clients',
      inWith('exactly_once: true'),
      'pipelines.in.exactly_once',
      /the source has to be topics with one group; give it one, or write to a topic first/,
    ],
    [
      'exactly once into something that is not the log',
      pipelines(
        'w: { source: { topic: { names: [chat], group: g } }, exactly_once: true, sink: { websocket_client: { url: "ws://127.0.0.1:1/" } } }',
      ),
      'pipelines.w.exactly_once',
      /the sink websocket_client has none; write to a topic, and feed the sink from that topic/,
    ],
    [
      'exactly once into the first of several topics',
      pipelines(
        'w: { source: { topic: { names: [chat], group: g } }, exactly_once: true, sink: { first: [ { topic: { name: counts } }, drop ] } }',
      ),
      'pipelines.w.exactly_once',
      /the sink first has none/,
    ],
    [
      'exactly once into all of several sinks, one of which is not the log',
      pipelines(
        'w: { source: { topic: { names: [chat], group: g } }, exactly_once: true, sink: { all: [ { topic: { name: counts } }, stdout: {} ] } }',
      ),
      'pipelines.w.exactly_once',
      /the sink stdout has none/,
    ],
    [
      'two windows in one pipeline',
      pipelines(
        `w: { source: { topic: { names: [chat], group: g } }, processors: [{ ${WINDOW} }, { ${WINDOW} }], sink: { topic: { name: counts } } }`,
      ),
      'pipelines.w.processors[1]',
      /one operator with state; write its results to a topic/,
    ],
    [
      'a join of a topic that the source does not read',
      joining('orders, invoices'),
      'pipelines.j.processors[0].join.right',
      /the source does not read the topic "payments"; it reads "orders", "invoices"/,
    ],
    [
      'a join of a topic that the source reads by a pattern',
      joining('"ord*", payments'),
      'pipelines.j.source.topic',
      /"ord\*" may match topics that join has no use for; write the names of both topics/,
    ],
    [
      'a third topic beside those of a join',
      joining('orders, payments, invoices'),
      'pipelines.j.source.topic',
      /join has no use for records of "invoices"/,
    ],
    [
      'a pattern beside the topics of a join',
      joining('orders, payments, "more*"'),
      'pipelines.j.source.topic',
      /"more\*" may match topics that join has no use for/,
    ],
    [
      'a join of a topic with itself',
      joining('orders, payments', 'payments'),
      'pipelines.j.processors[0].join.right',
      /left and right are the same topic/,
    ],
    [
      'a pattern without a group',
      pipelines(`w: { source: { topic: { names: [chat] } }, processors: [{ ${PATTERN} }], sink: { endpoint: rooms } }`),
      'pipelines.w.processors[0]',
      /the state of pattern is rebuilt by reading the topic again .* topics with a group/,
    ],
    [
      'latest behind an endpoint',
      inWith('processors: [{ latest: { every: 1s } }]'),
      'pipelines.in.processors[0]',
      /latest keeps messages, so its source has to be topics, .* write to a topic first/,
    ],
    [
      'two operators with state, of which none needs a group',
      pipelines(
        `w: { source: { topic: { names: [chat] } }, processors: [{ latest: { every: 1s } }, { collect: { count: 5 } }], sink: { endpoint: rooms } }`,
      ),
      'pipelines.w.processors[1]',
      /one operator with state; write its results to a topic/,
    ],
    [
      'a batch that cannot fill before the gate closes',
      inWith('batch: { count: 600 }, in_flight: { messages: 1000 }'),
      'pipelines.in.batch.count',
      /more than half of in_flight\.messages \(1000\); make it at most 500/,
    ],
    [
      'a batch of too many bytes',
      inWith('in_flight: { bytes: 512KiB }'),
      'pipelines.in.batch.bytes',
      /at most half of in_flight\.bytes/,
    ],
    [
      'a first pause longer than the longest',
      inWith('on_error: { backoff: { initial: 10s, max: 1s } }'),
      'pipelines.in.on_error.backoff.initial',
      /longer than backoff\.max/,
    ],
    [
      'server-sent events for clients that have to send something',
      endpoints('rooms: { listener: public, path: /ws, codec: rooms, presence: { topic: room }, sse: true }'),
      'endpoints.rooms.sse',
      /clients of the codec "rooms" have to send something/,
    ],
    [
      'filtered messages as errors for clients that are not answered',
      endpoints('rooms: { listener: public, path: /ws, codec: raw, on_filtered: error }'),
      'endpoints.rooms.on_filtered',
      /the codec "raw" answers no message as filtered/,
    ],
    [
      'refused frames without a dead-letter topic',
      endpoints('rooms: { listener: public, path: /ws, codec: envelope, rejected: dead_letter }'),
      'endpoints.rooms.rejected',
      /pipelines\.in reads this endpoint and has no on_error\.dead_letter/,
    ],
    [
      'a group that would split a room',
      pipelines(`in: ${IN}, out: { source: { topic: { names: [chat], group: g } }, sink: { endpoint: rooms } }`),
      'pipelines.out.source.topic',
      /the group would split the room; leave the group out/,
    ],
    [
      'records that every gateway would write',
      pipelines(`in: ${IN}, copy: { source: { topic: { names: [chat] } }, sink: { topic: { name: copies } } }`),
      'pipelines.copy.sink',
      /give the source a group, or say broadcast: true/,
    ],
    [
      'dead letters that every gateway would write',
      pipelines(
        `in: ${IN}, out: { source: { topic: { names: [chat] } }, sink: { endpoint: rooms }, on_error: { dead_letter: dead } }`,
      ),
      'pipelines.out.on_error.dead_letter',
      /each would write its own dead letter/,
    ],
    [
      'dead letters into the topic of the sink',
      inWith('on_error: { dead_letter: chat }'),
      'pipelines.in.on_error.dead_letter',
      /is the topic that the sink writes to; dead letters need one of their own, such as chat\.dlt/,
    ],
    [
      'dead letters into the topic of the source',
      pipelines(
        `in: ${IN}, copy: { source: { topic: { names: [chat], group: g } }, sink: { topic: { name: copies } }, on_error: { dead_letter: chat } }`,
      ),
      'pipelines.copy.on_error.dead_letter',
      /the source reads/,
    ],
    [
      'records of clients that are to be skipped',
      inWith('on_error: { skip: true }'),
      'pipelines.in.on_error.skip',
      /the client gets an error for its message that failed, .* skip is for a source with a group/,
    ],
    [
      'records without a group that are to be skipped',
      pipelines(
        `in: ${IN}, out: { source: { topic: { names: [chat] } }, sink: { endpoint: rooms }, on_error: { skip: "true" } }`,
      ),
      'pipelines.out.on_error.skip',
      /without a group no offset is committed, .* skip is for a source with a group/,
    ],
    [
      'an endpoint that two pipelines read',
      pipelines(`in: ${IN}, also: { source: { endpoint: rooms }, sink: { topic: { name: other } } }`),
      'pipelines.also.source',
      /read by pipelines\.in already, and a message can be settled only once/,
    ],
    [
      'a client that may hold up all others',
      endpoints('rooms: { listener: public, path: /, codec: raw, slow_consumer: { when_full: block } }'),
      'endpoints.rooms.slow_consumer.when_full',
      /pipelines\.out broadcasts .* use drop_oldest, drop_newest or disconnect/,
    ],
    [
      'a key where the newest record of it does not matter',
      endpoints('rooms: { listener: public, path: /, codec: raw, slow_consumer: { key: "${! json.symbol }" } }'),
      'endpoints.rooms.slow_consumer.key',
      /key is for when_full: latest; leave this out, or choose latest/,
    ],
    [
      'a key that is not there at once',
      endpoints(
        'rooms: { listener: public, path: /, codec: raw, slow_consumer: { when_full: latest, key: "${! $string(json.symbol) }" } }',
      ),
      'endpoints.rooms.slow_consumer.key',
      /needs JSONata; only paths such as/,
    ],
    [
      'the newest messages of members of a room',
      endpoints(
        'rooms: { listener: public, path: /, codec: chat, presence: { topic: chat }, slow_consumer: { when_full: latest } }',
      ),
      'endpoints.rooms.slow_consumer.when_full',
      /could overtake the news that a member joined .* codec "chat" .* use drop_oldest/,
    ],
    [
      'the newest records of topics that clients subscribe to',
      yaml({
        endpoints:
          'endpoints: { t: { listener: public, path: /, codec: topics, allow: { read: "*" }, slow_consumer: { when_full: latest } } }',
        pipelines: '',
      }),
      'endpoints.t.slow_consumer.when_full',
      /clients of the codec "topics" confirm what they subscribe to, and get all of it/,
    ],
    [
      'one path twice',
      endpoints(
        'rooms: { listener: public, path: "/a/{x}", codec: raw }, halls: { listener: public, path: "/a/{y}", codec: raw }',
      ),
      'endpoints.halls.path',
      /endpoints\.rooms has \/a\/\{y\} on the listener "public" already/,
    ],
    [
      'one port twice',
      yaml({ listeners: 'listeners: { public: { port: 8080 } }' }),
      'listeners.public.port',
      /port 8080 is taken by admin\.port already/,
    ],
  ];
  for (const [title, text, path, expected] of cases) {
    test(title, async () => {
      const [problem, ...others] = await problemsOf(text);
      assert.deepEqual(others, []);
      assert.equal(problem?.path, path);
      assert.match(problem?.message ?? '', expected);
    });
  }

  test('an operator that keeps messages whose senders wait for an answer', async () => {
    const registry = builtinRegistry();
    const operator = defineOperator({
      name: 'hold',
      summary: 'Test.',
      config: z.strictObject({}),
      examples: [{}],
      stateful: true,
      create: () => ({ apply: (batches$) => batches$ }),
    });
    registry.add(operator, 'test');
    const lint = (codec: string) =>
      loadConfig(
        {
          text: yaml({
            endpoints: `endpoints: { rooms: { listener: public, path: /, codec: ${codec} } }`,
            pipelines:
              'pipelines: { in: { source: { endpoint: rooms }, processors: [hold], sink: { topic: { name: chat } } } }',
          }),
          name: 'x',
        },
        { registry, env: {}, production: null },
      );
    await assert.rejects(
      lint('envelope'),
      /pipelines\.in\.processors\[0\] {2}hold keeps messages, and the clients of "rooms" wait/,
    );
    await lint('raw');
  });
});

test('groups by the keys of records, and of a topic with one partition, need no note', async () => {
  for (const text of [grouping('chat', 'by: "${! key }"'), grouping('rooms', 'by: "${! json.room }"')])
    assert.deepEqual((await load(text)).warnings, []);
});

describe('what goes together is none', () => {
  const cases: [title: string, text: string][] = [
    [
      'a group into a topic',
      pipelines(
        `in: ${IN}, copy: { source: { topic: { names: [chat], group: g } }, sink: { topic: { name: copies } }, on_error: { dead_letter: dead } }`,
      ),
    ],
    [
      'a group that skips what fails, with dead letters and without',
      pipelines(
        `in: ${IN}, copy: { source: { topic: { names: [chat], group: g } }, sink: { topic: { name: copies } }, on_error: { skip: true } }, also: { source: { topic: { names: [chat], group: h } }, sink: { topic: { name: copies } }, on_error: { dead_letter: dead, skip: true } }`,
      ),
    ],
    [
      'no group into a topic, with broadcast: true',
      pipelines(
        `in: ${IN}, copy: { source: { topic: { names: [chat] } }, sink: { topic: { name: copies } }, broadcast: true }`,
      ),
    ],
    [
      'the same port on two addresses',
      yaml({
        admin: 'admin: { port: 9090, host: 127.0.0.1 }',
        listeners: 'listeners: { public: { port: 9090, host: 127.0.0.2 } }',
      }),
    ],
    ['free ports', yaml({ admin: 'admin: { port: 0 }', listeners: 'listeners: { public: { port: 0 } }' })],
    [
      'the newest of each key, by default and by an expression',
      endpoints(
        'rooms: { listener: public, path: /, codec: raw, slow_consumer: { when_full: latest } }, b: { listener: public, path: /b, codec: json, direction: out, slow_consumer: { when_full: latest, key: "${! json.a }/${! json.b }" } }',
      ),
    ],
    [
      'block, where no broadcast comes',
      yaml({
        endpoints:
          'endpoints: { rooms: { listener: public, path: /, codec: raw, slow_consumer: { when_full: block } } }',
        pipelines: `pipelines: { in: ${IN} }`,
      }),
    ],
  ];
  for (const [title, text] of cases) {
    test(title, async () => {
      assert.deepEqual(await problemsOf(text), []);
    });
  }
});

describe('what is probably not meant is a warning', () => {
  const cases: [title: string, text: string, expected: RegExp][] = [
    [
      'an endpoint that no pipeline reads',
      pipelines(`out: ${OUT}`),
      /^test\.yaml:4:10 {2}endpoints\.rooms {2}warning: no pipeline reads this endpoint/,
    ],
    [
      'a listener that no endpoint uses',
      yaml({ listeners: 'listeners: { public: { port: 1 }, spare: { port: 2 } }' }),
      /listeners\.spare {2}warning: no endpoint uses this listener/,
    ],
    [
      'broadcast: true that changes nothing',
      inWith('broadcast: true'),
      /pipelines\.in\.broadcast {2}warning: .* changes nothing here/,
    ],
    [
      'transactions without exactly_once',
      inWith('transaction: { interval: 1s }'),
      /pipelines\.in\.transaction {2}warning: there are no transactions without exactly_once: true/,
    ],
    [
      'a join of topics that get different numbers of partitions',
      joining('orders, payments')
        .replace('topics: {', 'topics: { orders: { partitions: 3 }, payments: { partitions: 2 }, paid: {},')
        .replace('pipelines: {', `pipelines: { in: ${IN},`),
      /pipelines\.j\.processors\[0\]\.join {2}warning: .*log\.topics gives "orders" 3 and "payments" 2$/,
    ],
    [
      'groups whose records may be in several partitions',
      grouping('chat', 'by: "${! json.room }"'),
      /pipelines\.w\.processors\[0\]\.window\.by {2}note: each partition has groups of its own; unless \$\{! json\.room }/,
    ],
    [
      'a topic that is read and written by one pipeline',
      pipelines(`in: ${IN}, c: { source: { topic: { names: [chat], group: g } }, sink: { topic: { name: chat } } }`),
      /pipelines\.c\.sink\.topic {2}warning: "chat" is also a topic that the source reads/,
    ],
  ];
  for (const [title, text, expected] of cases) {
    test(title, async () => {
      const { warnings } = await load(text);
      assert.equal(warnings.length, 1);
      assert.match(warnings.map(formatProblem).join('\n'), expected);
    });
  }

  test('a mistake elsewhere in an entry brings no complaint that follows from it', async () => {
    const problems = await problemsOf(
      pipelines('in: { source: { endpoint: rooms }, sink: { topik: { name: chat } }, batch: { count: 99999 } }'),
    );
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['pipelines.in.sink'],
    );
  });
});

test('an endpoint whose clients only receive is valid if it says so, and no pipeline may read it', async () => {
  const out = 'endpoints: { rooms: { listener: public, path: /ws, codec: envelope, direction: out } }';
  const fed = 'pipelines: { out: { source: { topic: { names: [chat] } }, sink: { endpoint: rooms } } }';
  assert.deepEqual((await load(yaml({ endpoints: out, pipelines: fed }))).warnings, []);
  const [read, ...more] = await problemsOf(yaml({ endpoints: out }));
  assert.deepEqual(more, []);
  assert.match(
    String(read?.message),
    /pipelines\.in reads this endpoint, but "out" says that its clients send nothing/,
  );
  const topics = 'endpoints: { rooms: { listener: public, path: /ws, codec: topics, direction: out } }';
  const [serves] = await problemsOf(yaml({ endpoints: topics, pipelines: 'pipelines: {}' }));
  assert.match(String(serves?.message), /clients of the codec topics publish and subscribe by themselves/);
});

test('the memory ceiling follows from gates, connections and the limit', async () => {
  const { config } = await load(
    yaml({
      endpoints: 'endpoints: { rooms: { listener: public, path: /, codec: raw, max_connections: 16 } }',
      pipelines:
        'pipelines: { in: { source: { endpoint: rooms }, sink: { topic: { name: chat } }, in_flight: { bytes: 2MiB } } }',
      memory: 'memory: { limit: 1MiB }',
    }),
  );
  const ceiling = memoryCeiling(config);
  assert.deepEqual(ceiling, {
    total: 259 * MEBIBYTE + 16 * 212_992,
    process: 256 * MEBIBYTE,
    pipelines: 2 * MEBIBYTE,
    sinks: 0,
    tables: 0,
    publishers: 0,
    groups: 0,
    replay: 0,
    history: 0,
    connections: 16 * 212_992,
    limit: MEBIBYTE,
  });
  assert.deepEqual(beyondCeiling(config), []);
  assert.equal(
    describeCeiling(ceiling),
    'ceiling 262.3 MiB: process 256 MiB + pipelines 2 MiB + connections 3.3 MiB + memory.limit 1 MiB',
  );
});

test('what is kept for clients that join late counts for the ceiling', async () => {
  const { config } = await load(
    yaml({
      endpoints: 'endpoints: { rooms: { listener: public, path: /, codec: raw, replay: { last: 10, bytes: 512KiB } } }',
      pipelines: `pipelines: { out: ${OUT} }`,
    }),
  );
  const ceiling = memoryCeiling(config);
  assert.equal(ceiling.replay, MEBIBYTE / 2);
  assert.match(describeCeiling(ceiling), / \+ replay 512 KiB \+ /);
  const { endpoints } = config;
  const rooms = { ...endpoints.rooms, sse: true, compression: { threshold: 1, level: 1 } } as typeof endpoints.rooms;
  assert.equal(memoryCeiling({ ...config, endpoints: { rooms } as typeof endpoints }).replay, 1.5 * MEBIBYTE);
});

test('clients that publish without a pipeline count for the ceiling, and what is not known is mentioned', async () => {
  const endpoints = `endpoints:
  open: { listener: public, path: /, codec: topics, max_connections: 32, topics: { in_flight: { bytes: 3MiB } } }
  other: { listener: public, path: /other, codec: topics, max_connections: 32 }
`;
  const { config } = await load(yaml({ endpoints, pipelines: 'pipelines: {}', memory: 'memory: { limit: 1MiB }' }));
  const ceiling = memoryCeiling(config);
  assert.equal(ceiling.publishers, 67 * 1_048_576, 'the setting, and the default');
  assert.match(
    describeCeiling(ceiling),
    / \+ clients that publish to topics 67 MiB \+ their groups 64 MiB \+ connections 13 MiB \+ /,
  );
  assert.equal(ceiling.total, 401 * 1_048_576);
  assert.match(beyondCeiling(config).join(), /one fetch of 1 MiB, and one record of each partition/);
});

test('clients that may write to the topic of a room are a warning: they could speak in the name of anyone', async () => {
  const chat = (write: string) =>
    load(
      yaml({
        endpoints: `endpoints:
  rooms: { listener: public, path: /ws, codec: chat, presence: { topic: chat } }
  topics: { listener: public, path: /t, codec: topics, allow: { write: ${write} } }`,
      }),
    );
  for (const write of ['[ chat ]', '[ "*" ]', '[ orders, "ch*" ]'])
    assert.match(
      (await chat(write)).warnings.map(formatProblem).join('\n'),
      /^test\.yaml:\S+ {2}endpoints\.topics\.allow\.write {2}warning: clients may write to chat, which is presence\.topic/,
      write,
    );
  assert.deepEqual((await chat('[ orders, "chats-*" ]')).warnings, []);
});

describe('expressions that do not do what was meant', () => {
  const at = (settings: string, path = '/d/{id}') =>
    yaml({
      endpoints: `endpoints: { rooms: { listener: public, path: "${path}", codec: json } }`,
      pipelines: `pipelines: { in: { source: { endpoint: rooms }, ${settings}, sink: { topic: { name: chat } } } }`,
    });
  const found = async (text: string) =>
    (await load(text)).warnings
      .filter(({ path }) => path.startsWith('pipelines'))
      .map(({ severity, path, message }) => `${severity} ${path} ${message}`);

  test('a comparison that is false for a missing value is a warning', async () => {
    const [warning] = await found(at('processors: [ { filter: { keep: "${! json.type and json.bot != true }" } } ]'));
    assert.match(
      warning ?? '',
      /^warning pipelines\.in\.processors\[0\]\.filter\.keep json\.bot != true is false if json\.bot is missing/,
    );
  });

  test('meta that the source never has is a warning with what it has, path parameters too', async () => {
    const keys = (name: string) => found(at(`processors: [ { map: { key: "\${! meta.${name} }" } } ]`));
    for (const name of ['id', 'client_id', 'endpoint', 'remote']) assert.deepEqual(await keys(name), [], name);
    assert.match((await keys('idd')).join(), /^warning .*map\.key .*never has meta\.idd; did you mean "id"/);
    const topic = yaml({
      pipelines:
        'pipelines: { out: { source: { topic: { names: [chat] } }, processors: [ { filter: { keep: "${! meta.user }" } } ], sink: { endpoint: rooms } } }',
    });
    assert.match((await found(topic)).join(), /never has meta\.user; it has meta\.tombstone/);
  });

  test('a text where an expression was meant is a warning', async () => {
    for (const text of [
      'json.id',
      'json.items[0].id',
      '$uppercase(json.a)',
      '{{json.id}}',
      '{! json.id }',
      '{ "id": json.id }',
    ])
      assert.match(
        (await found(at(`processors: [ { map: { text: ${JSON.stringify(text)} } } ]`))).join(),
        /^warning .*is this text for every message; what is to be evaluated is written "\$\{! \.\.\. \}"/,
        text,
      );
    for (const text of ['plain', 'a.b', '{"a":1}', 'jsonish.id', '$5'])
      assert.deepEqual(await found(at(`processors: [ { map: { text: ${JSON.stringify(text)} } } ]`)), [], text);
  });

  test('a value that may be missing in a text is a note', async () => {
    const notes = await found(at('processors: [ { map: { headers: { h: "sym-${! json.sym }" } } } ]'));
    assert.match(notes.join(), /^note pipelines\.in\.processors\[0\]\.map\.headers\.h for a message without json\.sym/);
    assert.deepEqual(await found(at('processors: [ { map: { key: "d-${! meta.id }" } } ]')), []);
    const outcomes: [string, RegExp][] = [
      ['map: { headers: { h: "a-${! json.b }" } }', /has no value and is left out$/],
      ['lookup: { http: { url: "http://h/${! json.b }" }, into: x }', /has no value and it is a miss$/],
      ['dedupe: { by: "a-${! json.b }", within: 1h }', /has no value and the message fails$/],
    ];
    for (const [step, outcome] of outcomes)
      assert.match((await found(at(`processors: [ { ${step} } ]`))).join(), outcome, step);
  });

  test('an answer that may be missing is a note, whatever its form', async () => {
    const feed = (message: string) =>
      pipelines(
        `in: { source: { websocket_client: { url: "ws://h", ack: { message: ${message} } } }, sink: { topic: { name: chat } } }`,
      );
    const ack = '"${! json.seq }"';
    for (const form of [ack, `{ message: { ack: ${ack} } }`, `[ ack, ${ack} ]`])
      assert.deepEqual(await found(feed(form)), [
        'note pipelines.in.source.websocket_client.ack.message for a message without json.seq, "${! json.seq }" has no value and no answer is sent',
      ]);
    assert.deepEqual(await found(feed('{ ack: all }')), []);
  });

  test('an expression in a name that the user chooses is an error at its place', async () => {
    const name = '"a${! json.a }"';
    const sink = 'sink: { topic: { name: chat } }';
    const cases: [text: string, path: string][] = [
      [
        pipelines(`in: { source: { endpoint: rooms }, sink: { topic: { name: chat, headers: { ${name}: lit } } } }`),
        'pipelines.in.sink.topic.headers',
      ],
      [at(`processors: [ { map: { headers: { ${name}: lit } } } ]`), 'pipelines.in.processors[0].map.headers'],
      [
        pipelines(`in: { source: { websocket_client: { url: "ws://h", headers: { ${name}: lit } } }, ${sink} }`),
        'pipelines.in.source.websocket_client.headers',
      ],
      [
        pipelines(`in: { source: { websocket_client: { url: "ws://h", ack: { message: { ${name}: 1 } } } }, ${sink} }`),
        'pipelines.in.source.websocket_client.ack.message',
      ],
      [
        pipelines(`in: { source: { topic: { names: [t], from: { offsets: { ${name}: { 0: 1 } } } } }, ${sink} }`),
        'pipelines.in.source.topic.from',
      ],
      [
        endpoints(
          `rooms: { listener: public, path: /ws, codec: envelope, replay: { offsets: { ${name}: { 0: 1 } } } }`,
        ),
        'endpoints.rooms.replay.offsets',
      ],
      [yaml({ log: `log: { driver: embedded, topics: { ${name}: {} } }` }), 'log.topics'],
      [
        yaml({ log: `log: { driver: embedded, topics: { chat: { config: { ${name}: 1 } } } }` }),
        'log.topics.chat.config',
      ],
      [
        yaml({ log: `connect: { port: 8083, defaults: { ${name}: a } }\nlog: { driver: embedded }` }),
        'connect.defaults',
      ],
    ];
    for (const [text, path] of cases) {
      const problems = await problemsOf(text);
      assert.ok(
        problems.some((problem) => problem.path.startsWith(path)),
        `${path}: ${problems.map(formatProblem).join()}`,
      );
    }
  });

  test('what is filled in at each connect is evaluated, and no expression about a message', async () => {
    const client = (more: string) => `{
      url: "wss://h/\${! meta.token }/x?t=\${! meta.token }${more}",
      auth: { token: "\${TOKEN:}" },
      headers: { A: "Key \${! meta.token }", B: json.id },
      protocols: "json.v1, bearer.\${! meta.token }",
      subscribe: { send: "login \${! meta.token }", expect: { ok: true }, reject: "\${! json.ok = false }" },
      heartbeat: { send: { every: 10s, message: { t: "\${! meta.token }" } } }`;
    const feed = `${client('&c=${! meta.cursor }')}, resume: { cursor: "\${! json.seq }" } }`;
    const text = pipelines(
      `in: { source: { websocket_client: ${feed} }, sink: { topic: { name: chat } } },
       out: { source: { endpoint: rooms }, sink: { websocket_client: ${client('')} } } }`,
    );
    assert.deepEqual(await problemsOf(text), []);
    assert.deepEqual(await found(text), []);
    const ack = (message: string) => feed.replace('resume:', `ack: { message: "${message}" }, resume:`);
    const withAck = (message: string) =>
      pipelines(`in: { source: { websocket_client: ${ack(message)} }, sink: { topic: { name: chat } } }`);
    assert.deepEqual(await found(withAck('${! meta.token }')), []);
    await assert.rejects(found(withAck('${! meta.topic }')), /ack\.message {2}\$\{! meta\.topic \} has no value here/);
  });

  test('an expression where nothing evaluates it is an error at its place', async () => {
    const cases: [text: string, path: string][] = [
      [yaml({ log: 'log: { driver: embedded, embedded: { path: "${! json.a }" } }' }), 'log.embedded.path'],
      [
        pipelines(
          'in: { source: { endpoint: rooms }, sink: { topic: { name: chat } }, on_error: { dead_letter: "d${! json.a }" } }',
        ),
        'pipelines.in.on_error.dead_letter',
      ],
      [
        pipelines(
          'in: { source: { websocket_client: { url: "ws://h", auth: { token: "${! json.a }" } } }, sink: { topic: { name: chat } } }',
        ),
        'pipelines.in.source.websocket_client.auth.token',
      ],
    ];
    for (const [text, path] of cases) {
      const problems = await problemsOf(text);
      assert.ok(
        problems.some((problem) => problem.path === path && /not evaluated here|a topic name/.test(problem.message)),
        `${path}: ${problems.map(formatProblem).join()}`,
      );
    }
    assert.deepEqual(
      await problemsOf(yaml({ log: 'log: { driver: embedded, embedded: { path: "$${! json.a }" } }' })),
      [],
    );
  });

  test('settings of connectors are evaluated with the connectors that take them', async () => {
    const connect = 'connect: { port: 8083, defaults: { websocket.resume.cursor: "${! json.seq }" } }';
    assert.deepEqual(
      await problemsOf(yaml({ log: `${connect}\nlog: { driver: embedded, topics: { chat: {} } }` })),
      [],
    );
  });
});

test('a refusal that every reply would be is a mistake', async () => {
  const feed = (reject: string) =>
    pipelines(
      `in: { source: { websocket_client: { url: "ws://h", subscribe: [ { send: a, expect: { ok: true }, reject: ${reject} } ] } }, sink: { topic: { name: chat } } }`,
    );
  assert.match(
    (await problemsOf(feed('{}'))).map(formatProblem).join(),
    /subscribe\[0\]\.reject {2}\{\} matches every reply/,
  );
  assert.deepEqual(await problemsOf(feed('{ ok: false }')), []);
});
