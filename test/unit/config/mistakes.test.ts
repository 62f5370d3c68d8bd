import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '../../../src/config/index.ts';
import { failureOf, load, problemsOf, yaml } from './fixture.ts';

describe('one mistake gives one line with its place, its path and what was meant', () => {
  const cases: [title: string, text: string, expected: string | RegExp][] = [
    [
      'an unknown section',
      'pipelins: {}',
      'test.yaml:1:1  pipelins  unknown key at the top; did you mean "pipelines"?',
    ],
    [
      'an unknown setting',
      'admin:\n  prot: 1\n',
      'test.yaml:2:3  admin.prot  unknown key in admin; did you mean "port"?',
    ],
    [
      'a setting unlike any other',
      'admin: { zebra: 1 }',
      'test.yaml:1:10  admin.zebra  unknown key in admin; there are enabled, port, host, auth, allowed_hosts, tls',
    ],
    ['a setting that is missing', 'listeners:\n  a: {}\n', /^test\.yaml:2:3 {2}listeners\.a\.port {2}is missing: /],
    [
      'a word where a number is due',
      'admin: { port: many }',
      /:16 {2}admin\.port {2}expected a whole number from 0 to 65535$/,
    ],
    ['a number out of range', 'admin: { port: 70000 }', /admin\.port {2}expected at most 65535$/],
    [
      'a number where text is due',
      'log: { client_id: 5 }',
      /client_id {2}expected text, but YAML reads a number here; put it in quotes$/,
    ],
    ['a duration without unit', 'shutdown: { timeout: 25 }', /timeout {2}expected a duration such as 5ms, 10s or 1m$/],
    ['a size that is none', 'memory: { limit: 5MBs }', /limit {2}"5MBs" is not a size; use 500B, 64KiB or 1MiB$/],
    [
      'a word of a list',
      'tracing: { exporter: jagger }',
      /expected one of jaeger, otlp, console, none, but this is "jagger"; did you mean "jaeger"\?$/,
    ],
    [
      'a section that is empty',
      'admin:\n',
      /^test\.yaml:1:\d+ {2}admin {2}is empty; write settings \(key: value\), or leave the key out$/,
    ],
    ['a list where settings are due', 'admin: [1]', /admin {2}expected settings \(key: value\), but this is a list$/],
    [
      'a value where settings are due',
      'pipelines: { p: { source: { topic: { names: [a], group: g } }, processors: [{ throttle: 1s }], sink: drop } }',
      /throttle {2}expected settings \(key: value\), but this is "1s"; there are every, by, keys$/,
    ],
    [
      'on_error within the settings of a processor',
      'pipelines: { p: { source: { topic: { names: [a], group: g } }, processors: [{ split: { lines: true, on_error: skip } }], sink: drop } }',
      /split\.on_error {2}unknown key in .*\.split; write on_error beside the processor, and not in its settings$/,
    ],
    [
      'a setting of any value that is missing',
      'pipelines: { p: { source: generate, sink: drop } }',
      /pipelines\.p\.source\.payload {2}is missing$/,
    ],
    ['the file is a list', '- a\n', 'test.yaml:1:1  expected settings (key: value), but this is a list'],
    [
      'a mistake after a byte order mark',
      '\uFEFFadmin: { prot: 1 }\r\n',
      'test.yaml:1:10  admin.prot  unknown key in admin; did you mean "port"?',
    ],
    ['a very long wrong value', `log: { ssl: ${'x'.repeat(500)} }`, /but this is "x{60}\.\.\."$/],
    ['the file is empty', '', /^test\.yaml:1:1 {2}is empty/],
    [
      'a name that is none',
      'listeners: { "my listener": { port: 1 } }',
      /^test\.yaml:1:14 {2}listeners\.my listener {2}a name begins with a letter/,
    ],
    [
      'a topic name that Kafka refuses',
      'log: { topics: { "a b": {} } }',
      /log\.topics\.a b {2}a topic name is at most 249/,
    ],
    ['one branch of several', 'log: { ssl: { ca: 5 } }', /log\.ssl\.ca {2}expected text, but YAML reads a number/],
    [
      'none of several branches',
      'log: { ssl: maybe }',
      /log\.ssl {2}expected true or false or settings \(key: value\), but this is "maybe"$/,
    ],
    [
      'a key twice',
      'admin: { port: 1 }\nadmin: { port: 1 }\n',
      'test.yaml:2:1  admin  admin is here twice; keep one of them',
    ],
    [
      'a tab as indentation',
      'admin:\n\tport: 1\n',
      /^test\.yaml:2:1 {2}a tab is used as indentation; YAML wants spaces$/,
    ],
    [
      'an alias to what does not fit here',
      'memory: &m { limit: 1MiB }\nshutdown: *m\n',
      'test.yaml:1:14  shutdown.limit  unknown key in shutdown; there are timeout, jitter (by the alias *m at 2:11)',
    ],
    [
      'a tag',
      'memory: { limit: !size 1MiB }',
      /^test\.yaml:1:18 {2}Unresolved tag: !size; tags such as !name are not understood/,
    ],
    ['a second document', 'admin: { port: 1 }\n---\nadmin: {}\n', /^test\.yaml:2:1 {2}a second document begins here/],
    ['text with ": " in it', 'log: { client_id: a }\nadmin: port: 5\n', /^test\.yaml:2:8 {2}a second ": " in one line/],
    ['a quote that is not closed', 'log: { client_id: "a }\n', /not YAML: Missing closing "quote/],
    [
      'an interpolation without quotes in { }',
      'admin: { port: ${PORT:8088} }',
      'test.yaml:1:16  admin.port  an interpolation inside { } or [ ] must be quoted: "${PORT:8088}"',
    ],
    [
      'an interpolation without quotes in [ ]',
      'log: { brokers: [ a-${N:1}, b:1 ] }',
      /^test\.yaml:1:21 {2}log\.brokers\[0\] {2}an interpolation .* must be quoted: "a-\$\{N:1\}"$/,
    ],
    [
      'an expression that a comment cuts',
      'log:\n  client_id: ${! a # b }\n',
      /^test\.yaml:2:14 {2}log\.client_id {2}YAML cuts this interpolation short; it must be quoted: "\$\{! a # b \}"$/,
    ],
    [
      'an expression that YAML takes for settings',
      'log:\n  client_id: ${! { "a": b } }\n',
      /^test\.yaml:2:14 .* must be quoted: '\$\{! \{ "a": b \} \}'$/,
    ],
    [
      'a variable that is not set',
      'admin: { port: "${NOT_SET}" }',
      /^test\.yaml:1:16 {2}admin\.port {2}the variable NOT_SET is not set and has no default/,
    ],
  ];
  for (const [title, text, expected] of cases) {
    test(title, async () => {
      const lines = (await problemsOf(text)).map(formatProblem);
      assert.equal(lines.length, 1, lines.join('\n'));
      if (typeof expected === 'string') assert.equal(lines[0], expected);
      else assert.match(lines[0] ?? '', expected);
    });
  }
});

test('only interpolations that need quotes are reported, also behind one with odd brackets', async () => {
  const text = [
    'log: { driver: embedded, client_id: ${! /[/ } }',
    'admin: { host: ${! /]]/ }, port: ${PORT: 1} }',
    'memory: ',
    '  limit: ${LIMIT:64MiB}',
    'x-text: |',
    '  a block may have it: ${! a # b }',
    'shutdown: { timeut: 5s }',
  ].join('\n');
  assert.deepEqual((await problemsOf(text)).map(formatProblem), [
    'test.yaml:1:37  log.client_id  an interpolation inside { } or [ ] must be quoted: "${! /[/ }"',
    'test.yaml:2:16  admin.host  an interpolation inside { } or [ ] must be quoted: "${! /]]/ }"',
    'test.yaml:2:34  admin.port  an interpolation inside { } or [ ] must be quoted: "${PORT: 1}"',
    'test.yaml:7:13  shutdown.timeut  unknown key in shutdown; did you mean "timeout"?',
  ]);
});

describe('components and names', () => {
  const pipeline = (source: string, sink: string, more = '') =>
    yaml({ pipelines: `pipelines:\n  in: { source: ${source}, sink: ${sink}${more} }` });
  const cases: [title: string, text: string, path: string, expected: RegExp][] = [
    [
      'an unknown codec',
      yaml({ endpoints: 'endpoints: { r: { listener: public, path: /, codec: envelop } }', pipelines: '' }),
      'endpoints.r.codec',
      /there is no codec "envelop"; there are centrifuge, chat, envelope, json, raw, rooms, topics; did you mean "envelope"\?/,
    ],
    [
      'a setting that a codec does not have',
      yaml({
        endpoints: 'endpoints: { r: { listener: public, path: /, codec: { json: { answer: true } } } }',
        pipelines: '',
      }),
      'endpoints.r.codec.json.answer',
      /did you mean "answers"/,
    ],
    [
      'two components in one place',
      pipeline('{ endpoint: rooms, topic: { names: [chat] } }', '{ topic: { name: chat } }'),
      'pipelines.in.source',
      /expected one source, but this names 2: endpoint, topic/,
    ],
    [
      'no component',
      pipeline('5', '{ topic: { name: chat } }'),
      'pipelines.in.source',
      /expected the name of a source, or \{ name: settings \}; there are endpoint, generate, topic/,
    ],
    [
      'an unknown processor',
      pipeline('{ endpoint: rooms }', '{ topic: { name: chat } }', ', processors: [{ mapp: {} }]'),
      'pipelines.in.processors[0]',
      /there is no processor "mapp".*did you mean "map"/,
    ],
    [
      'an expression that is none',
      pipeline('{ endpoint: rooms }', '{ topic: { name: chat, key: "${! mata.id }" } }'),
      'pipelines.in.sink.topic.key',
      /begins with mata; a message has json, text, key/,
    ],
    [
      'an unknown endpoint',
      pipeline('{ endpoint: room }', '{ topic: { name: chat } }'),
      'pipelines.in.source.endpoint',
      /there is no endpoint "room"; there is rooms; did you mean "rooms"\?/,
    ],
    [
      'an unknown listener',
      yaml({ endpoints: 'endpoints: { rooms: { listener: publik, path: /, codec: raw } }' }),
      'endpoints.rooms.listener',
      /did you mean "public"/,
    ],
    [
      'a path without its slash',
      yaml({ endpoints: 'endpoints: { rooms: { listener: public, path: ws, codec: raw } }' }),
      'endpoints.rooms.path',
      /^expected a path that begins with \/ .*such as \/ws or \/chat\/\{username\}/,
    ],
    [
      'a topic that Kafka cannot have',
      pipeline('{ endpoint: rooms }', '{ topic: { name: "a b" } }'),
      'pipelines.in.sink.topic.name',
      /^"a b": a topic name is at most 249 letters, digits/,
    ],
    [
      'a subprotocol of two words',
      pipeline('{ endpoint: rooms }', '{ websocket_client: { url: "ws://there", protocols: [ v1, "a b" ] } }'),
      'pipelines.in.sink.websocket_client.protocols[1]',
      /^a subprotocol is one word/,
    ],
    [
      'a subprotocol that is offered twice',
      pipeline('{ endpoint: rooms }', '{ websocket_client: { url: "ws://there", protocols: [ v1, v1 ] } }'),
      'pipelines.in.sink.websocket_client.protocols',
      /^a subprotocol is offered twice/,
    ],
    [
      'a mistyped topic',
      pipeline('{ endpoint: rooms }', '{ topic: { name: chta } }'),
      'pipelines.in.sink.topic.name',
      /there is no topic "chta" under log\.topics; did you mean "chat"\?/,
    ],
    [
      'a mistyped topic of a list',
      pipeline('{ topic: { names: [chat, chatt] } }', '{ endpoint: rooms }'),
      'pipelines.in.source.topic.names[1]',
      /did you mean "chat"/,
    ],
    [
      'a mistyped dead letter topic',
      yaml({
        log: 'log: { driver: embedded, topics: { chat: {}, chat.dlt: {} } }',
        pipelines:
          'pipelines: { in: { source: { endpoint: rooms }, sink: { topic: { name: chat } }, on_error: { dead_letter: chat.dtl } } }',
      }),
      'pipelines.in.on_error.dead_letter',
      /did you mean "chat\.dlt"/,
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

  test('a topic that is not listed may be used', async () => {
    const text = yaml({
      pipelines: 'pipelines: { in: { source: { endpoint: rooms }, sink: { topic: { name: elsewhere } } } }',
    });
    assert.deepEqual(await problemsOf(text), []);
  });
});

test('all mistakes of a file are reported together, in the order of the lines, and none twice', async () => {
  const text = [
    'log: { drivr: auto, topics: { chat: { partitions: zero } } }',
    'listeners: { public: { port: ${PORT:8088} }, other: {} }',
    'endpoints:',
    '  rooms: { listener: publik, path: ws, codec: envelop, ping: { interval: 5 } }',
    '  halls: { listener: public, path: /halls/{hall}, codec: json }',
    'pipelines:',
    '  in:',
    '    source: { endpoint: rom }',
    '    processors: [ log, { filter: {} }, { log: { level: "${LEVEL}" } } ]',
    '    sink: { topic: { name: chatt, key: "${! foo.bar }" } }',
    '    on_error: { retries: -1 }',
    '  out: { source: *x }',
  ].join('\n');
  const problems = await problemsOf(text);
  assert.deepEqual(
    problems.map(({ line, path }) => `${line} ${path}`),
    [
      '1 log.drivr',
      '1 log.topics.chat.partitions',
      '2 listeners.public.port',
      '2 listeners.other.port',
      '4 endpoints.rooms.listener',
      '4 endpoints.rooms.path',
      '4 endpoints.rooms.codec',
      '4 endpoints.rooms.ping.interval',
      '5 endpoints.halls.path',
      '8 pipelines.in.source.endpoint',
      '9 pipelines.in.processors[1].filter.keep',
      '9 pipelines.in.processors[2].log.level',
      '10 pipelines.in.sink.topic.name',
      '10 pipelines.in.sink.topic.key',
      '11 pipelines.in.on_error.retries',
      '12 pipelines.out.sink',
      '12 pipelines.out.source',
    ],
  );
});

test('the error carries the lines as its message and the problems as data', async () => {
  const failure = await failureOf(load('admin: { prot: 1, hots: a }'));
  assert.equal(failure?.code, 'TG_CONFIG_INVALID');
  assert.equal(failure?.message, failure?.problems.map(formatProblem).join('\n'));
  assert.equal(failure?.problems.length, 2);
});
