import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatProblem, loadConfig } from '../../../src/config/index.ts';
import { failureOf, load, problemsOf, SECTIONS, yaml } from './fixture.ts';

async function linesOf(text: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  return (await problemsOf(text, env)).map(formatProblem);
}

describe('aliases and merge keys', () => {
  test('an alias is the value of its anchor, also after the anchor is used for something else', async () => {
    const listeners = [
      'listeners:',
      '  public: { port: 9090, host: &h 127.0.0.1 }',
      '  other: { port: 9091, host: *h }',
      '  more: { port: 9092, host: &h 127.0.0.2 }',
      '  last: { port: 9093, host: *h }',
    ].join('\n');
    const { config } = await load(yaml({ listeners }));
    assert.deepEqual(
      Object.values(config.listeners).map(({ host }) => host),
      ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.2'],
    );
  });

  test('<< takes settings that are not there, in whichever order they are written, and of several the first', async () => {
    const text = yaml({
      log: `x-one: &one { port: 1, host: "10.0.0.1" }\nx-two: &two { port: 2, host: "10.0.0.2" }\n${SECTIONS.log}`,
      listeners: [
        'listeners:',
        '  public: { port: 9090, <<: *one }',
        '  before: { <<: *one, port: 9091 }',
        '  several: { <<: [ *two, *one ], port: 9092 }',
        '  nested: { <<: { <<: *two, port: 3 } }',
        '  whole: *one',
      ].join('\n'),
    });
    const { config } = await load(text);
    assert.deepEqual(
      Object.fromEntries(Object.entries(config.listeners).map(([name, { port, host }]) => [name, { port, host }])),
      {
        public: { port: 9090, host: '10.0.0.1' },
        before: { port: 9091, host: '10.0.0.1' },
        several: { port: 9092, host: '10.0.0.2' },
        nested: { port: 3, host: '10.0.0.2' },
        whole: { port: 1, host: '10.0.0.1' },
      },
    );
  });

  test('variables inside of what is repeated are filled in, and one that is not set is one mistake', async () => {
    const text = yaml({
      listeners: 'listeners:\n  public: &l { port: "${PORT}" }\n  other: { <<: *l, port: 0 }\n  more: *l',
    });
    assert.equal((await load(text, { PORT: '0' })).config.listeners.more?.port, 0);
    const [line, ...others] = await linesOf(text);
    assert.match(line ?? '', /^test\.yaml:3:22 {2}listeners\.public\.port {2}the variable PORT is not set/);
    assert.deepEqual(others, []);
  });

  test('a mistake from an alias is reported at its own place, with the alias', async () => {
    const text = yaml({
      log: `x-d: &d { hots: a }\n${SECTIONS.log}`,
      listeners: 'listeners:\n  public: { port: 9090 }\n  other: { <<: *d, port: 0 }',
    });
    assert.deepEqual(await linesOf(text), [
      'test.yaml:1:11  listeners.other.hots  unknown key in listeners.other; did you mean "host"? (by the alias *d at 5:16)',
    ]);
  });

  const cases: [title: string, text: string, expected: RegExp][] = [
    [
      'an alias without an anchor',
      'x-a: &main { port: 0 }\nadmin: *mian\n',
      /^test\.yaml:2:8 {2}admin {2}no anchor &mian comes before this alias; did you mean "main"\?$/,
    ],
    [
      'an alias before its anchor',
      'admin: *a\nx-a: &a { port: 0 }\n',
      /^test\.yaml:1:8 {2}admin {2}no anchor &a comes before this alias$/,
    ],
    [
      'an alias inside of its own anchor',
      'admin: &a { port: 0, host: *a }\n',
      /^test\.yaml:1:28 {2}admin\.host {2}the alias \*a is inside the value that it repeats$/,
    ],
    [
      'a merge key inside of its own anchor',
      'admin: &a { port: 0, <<: *a }\n',
      /^test\.yaml:1:26 {2}admin {2}the alias \*a is inside the value that it repeats$/,
    ],
    [
      'a merge key with a text',
      'admin: { <<: 5 }\n',
      /^test\.yaml:1:14 {2}admin {2}<< takes settings, or a list of them/,
    ],
    [
      'a quoted <<, which is a key like any other',
      'admin: { "<<": { port: 0 } }\n',
      /admin\.<< {2}unknown key in admin/,
    ],
  ];
  for (const [title, text, expected] of cases) {
    test(`${title} is one mistake`, async () => {
      const lines = await linesOf(text);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', expected);
    });
  }

  test('aliases that multiply are one mistake, and soon', async () => {
    const level = (name: string, of: string) => `x-${name}: &${name} [${Array(10).fill(`*${of}`).join(', ')}]`;
    const names = 'bcdefghijkl'.split('');
    const lists = ['x-a: &a [1]', ...names.map((name, index) => level(name, 'abcdefghijkl'[index] as string))];
    const merges = lists.map((line) => line.replace('[1]', '{ port: 1 }').replace(/\[(.*)\]/, '{ <<: [$1] }'));
    for (const text of [lists, merges]) {
      const start = performance.now();
      const lines = await linesOf(`${text.join('\n')}\n`);
      assert.ok(performance.now() - start < 20_000);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', /aliases make more than 250000 values of this file/);
    }
  });

  test('aliases that nest without an end are a mistake', async () => {
    const chain = Array.from({ length: 3_000 }, (_, index) => `x-${index + 1}: &a${index + 1} [*a${index}]`);
    const [line] = await linesOf(`x-0: &a0 [1]\n${chain.join('\n')}\n`);
    assert.match(line ?? '', /aliases nest more than 100 levels deep here/);
  });
});

describe('what nests too deeply is one mistake with its place', () => {
  const deep = 5_000;
  const cases: [title: string, text: string, place: string][] = [
    ['lists that are not closed', `x-a: ${'['.repeat(deep)}`, '1:105'],
    ['lists', `x-a: ${'['.repeat(deep)}${']'.repeat(deep)}`, '1:105'],
    ['settings', `x-a: ${'{a: '.repeat(deep)}1${'}'.repeat(deep)}`, '1:402'],
    ['JSON', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`, '1:501'],
    ['lines', Array.from({ length: 1_000 }, (_, level) => `${' '.repeat(level)}a:`).join('\n'), '101:101'],
    ['dashes', `${'- '.repeat(deep)}a`, '1:201'],
  ];
  for (const [title, text, place] of cases) {
    test(title, async () => {
      assert.deepEqual(await linesOf(text), [
        `test.yaml:${place}  lists and settings are nested more than 100 levels deep here; no setting is`,
      ]);
    });
  }

  test('an object of a program, which may even hold itself', async () => {
    const settings: Record<string, unknown> = { log: { driver: 'embedded' } };
    settings.admin = settings;
    let deep: object = {};
    for (let level = 0; level < 150; level++) deep = { a: deep };
    await assert.rejects(loadConfig({ admin: deep }, { env: {}, production: null }), /nested more than 100 levels/);
    const failure = await failureOf(loadConfig(settings, { env: {}, production: null }));
    assert.match(
      failure?.message ?? '',
      /^configuration {2}admin\..* {2}is nested more than 100 levels deep; no setting is$/,
    );
  });

  test('defaults of variables', async () => {
    const text = `admin: { host: "${'${A:'.repeat(deep)}${'}'.repeat(deep)}" }`;
    assert.deepEqual(await linesOf(text), ['test.yaml:1:16  admin.host  defaults are nested more than 32 deep here']);
    const some = `admin: { host: "${'${A:'.repeat(20)}localhost${'}'.repeat(20)}" }\nlog: { driver: embedded }`;
    assert.equal((await load(some)).config.admin.host, 'localhost');
  });
});

describe('names that every object has', () => {
  test('may be names of listeners, endpoints, pipelines and topics', async () => {
    const text = [
      'log: { driver: embedded, topics: { constructor: { partitions: 2 }, toString: {} } }',
      'listeners: { constructor: { port: 1 }, toString: { port: 2 } }',
      'endpoints: { valueOf: { listener: constructor, path: /, codec: json } }',
      'pipelines: { hasOwnProperty: { source: { endpoint: valueOf }, sink: { topic: { name: toString } } } }',
    ].join('\n');
    const { config } = await load(text);
    assert.deepEqual(Object.keys(config.listeners), ['constructor', 'toString']);
    assert.deepEqual(Object.values(config.log.topics)[0], { partitions: 2, create: true });
  });

  test('are unknown where the file does not have them', async () => {
    const text = yaml({
      endpoints: 'endpoints: { rooms: { listener: toString, path: /ws, codec: constructor, s2: {} } }',
      pipelines:
        'pipelines: { in: { source: { endpoint: toString }, processors: [ valueOf ], sink: { topic: { name: chat } } } }',
      more: 'constructor: 1\ntoString: 2',
    });
    assert.deepEqual(
      (await problemsOf(text)).map(({ path, message }) => `${path}: ${message.split(';')[0]}`),
      [
        'endpoints.rooms.listener: there is no listener "toString"',
        'endpoints.rooms.codec: there is no codec "constructor"',
        'pipelines.in.source.endpoint: there is no endpoint "toString"',
        'pipelines.in.processors[0]: there is no processor "valueOf"',
        'constructor: unknown key at the top',
        'toString: unknown key at the top',
      ],
    );
  });

  test('are no variables', async () => {
    const [line] = await linesOf('log: { driver: embedded, client_id: "${constructor}${toString:x}" }');
    assert.match(line ?? '', /the variable constructor is not set/);
  });

  test('null and a list cannot be one, and the line says how YAML reads them', async () => {
    const [ofNull] = await linesOf('log: { driver: embedded }\nlisteners: { null: { port: 1 } }');
    assert.equal(
      ofNull,
      'test.yaml:2:14  listeners  YAML reads this key as empty, as it does null and ~; put it in quotes',
    );
    const [ofList] = await linesOf('log: { driver: embedded }\nlisteners: { [a]: { port: 1 } }');
    assert.match(ofList ?? '', /a key must be a plain word, and this is a list/);
  });

  test('__proto__ cannot be one, in a file and in an object', async () => {
    assert.deepEqual(await linesOf('log: { driver: embedded }\nlisteners: { __proto__: { port: 1 } }'), [
      'test.yaml:2:14  listeners  "__proto__" cannot be a key; choose another name',
    ]);
    const settings = JSON.parse('{ "log": { "driver": "embedded", "topics": { "__proto__": {} } } }') as object;
    const failure = await failureOf(loadConfig(settings, { env: {}, production: null }));
    assert.equal(failure?.message, 'configuration  log.topics  "__proto__" cannot be a key; choose another name');
  });
});

describe('files as editors leave them', () => {
  test('without anything in them', async () => {
    for (const text of ['', '\n', '# only a comment\n', '---\n', '\uFEFF', 'null\n', '\t\n'])
      assert.deepEqual(await linesOf(text), [
        'test.yaml:1:1  is empty; a configuration has sections such as log, listeners, endpoints and pipelines',
      ]);
  });

  test('with line breaks of Windows and of old Macs', async () => {
    for (const end of ['\n', '\r\n', '\r'])
      assert.deepEqual(await linesOf(`log: { driver: embedded }${end}admin:${end}  prot: 1${end}`), [
        'test.yaml:3:3  admin.prot  unknown key in admin; did you mean "port"?',
      ]);
  });

  test('with a beginning and an end of the document', async () => {
    assert.equal((await load(`---\n${yaml()}...\n`)).config.log.driver, 'embedded');
    for (const second of ['', 'admin: {}\n'])
      assert.deepEqual(await linesOf(`admin: { port: 1 }\n---\n${second}`), [
        'test.yaml:2:1  a second document begins here (---); a configuration is one document',
      ]);
  });

  test('with tabs where YAML allows them, and where it does not', async () => {
    assert.equal((await load('admin:\n  port:\t1\n\t\nlog: {\tdriver: embedded }\n')).config.admin.port, 1);
    assert.deepEqual(await linesOf('admin:\n  \tport: 1\n'), [
      'test.yaml:2:3  a tab is used as indentation; YAML wants spaces',
    ]);
  });

  test('in UTF-16', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-config-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'gateway.yaml');
    await writeFile(file, `\uFEFF${yaml()}`, 'utf16le');
    await assert.rejects(loadConfig(file), /gateway\.yaml cannot be read: it is UTF-16; save it as UTF-8/);
  });
});

test('names are not looked for in a section that is a list, which is a mistake of its own', async () => {
  const text = yaml({ listeners: 'listeners: [ { port: 1 } ]' });
  assert.deepEqual(await linesOf(text), ['test.yaml:2:12  listeners  expected settings by name, but this is a list']);
});

test('a message lists only the first of many names', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `name-${index}: { port: 0 }`);
  const [problem] = await problemsOf(yaml({ listeners: `listeners: { ${names.join(', ')} }` }));
  assert.match(problem?.message ?? '', /^there is no listener "public"; there are name-0, .*, name-19 and 10 more$/);
});

test('a number that would lose digits is a mistake at its place, and in quotes it keeps them', async () => {
  const feed = (id: string) =>
    yaml({
      pipelines: `pipelines: { in: { source: { websocket_client: { url: "ws://h", subscribe: [ { op: get, id: ${id} } ] } }, sink: { topic: { name: chat } } } }`,
    });
  const [line] = await linesOf(feed('8389766145050669871'));
  assert.match(
    line ?? '',
    /subscribe\[0\]\.id {2}the number 8389766145050669871 has more digits than can be kept; put it in/,
  );
  assert.match((await linesOf(feed('0x7fffffffffffffff'))).join(), /the number 0x7fffffffffffffff has more digits/);
  for (const id of ['"8389766145050669871"', '9007199254740992', '1.10', '0x7fffffff', '.5'])
    assert.deepEqual(await linesOf(feed(id)), [], id);
});
