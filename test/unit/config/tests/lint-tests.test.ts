import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ConfigError, loadConfig } from '../../../../src/config/index.ts';
import { loadTests } from '../../../../src/config/tests/load-tests.ts';
import { testedFileOf, testsFileOf } from '../../../../src/config/tests/test-files.ts';
import { failureOf, yaml } from '../fixture.ts';

const CONFIG = `log: { driver: embedded, topics: { raw: {}, orders: {}, orders.dlt: {} } }
listeners: { public: { port: 9090 } }
endpoints: { shop: { listener: public, path: /shop, codec: json }, news: { listener: public, path: /news, codec: json, direction: out } }
pipelines:
  from-shop: { source: { endpoint: shop }, sink: { topic: { name: raw } } }
  orders-in:
    source: { topic: { names: [ raw ], group: g, from: earliest } }
    processors:
      - { log: {}, label: seen }
      - { window: { tumbling: 1m, aggregate: { n: count } }, label: counts }
    sink: { topic: { name: orders } }
    on_error: { dead_letter: orders.dlt }
  to-news: { source: { topic: { names: [ orders ] } }, sink: { endpoint: news } }
  open: { source: { topic: { names: [ orders, raw ], group: o, from: earliest } }, sink: { topic: { name: "x-\${! json.a }" } } }
`;

/** The tests of a configuration in a file, with another file of tests beside it. */
async function loaded(t: TestContext, tests: string, beside?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `${CONFIG}${tests}`);
  if (beside !== undefined) writeFileSync(testsFileOf(file), beside);
  const { config } = await loadConfig(file, { production: null });
  return { folder, loading: loadTests(file, config) };
}

/** What is wrong with tests, as lines without the folder. */
async function linesOf(t: TestContext, tests: string, beside?: string): Promise<string[]> {
  const { folder, loading } = await loaded(t, tests, beside);
  const failure = await failureOf(loading);
  return failure === undefined ? [] : failure.message.replaceAll(`${folder}/`, '').split('\n');
}

/** One test of orders-in, with these keys. */
const one = (keys: string) => `tests: [ { name: it, pipeline: orders-in, ${keys} } ]`;
const steps = (list: string) => `tests: [ { name: it, endpoint: shop, steps: [ ${list} ] } ]`;

test('tests of the file and of the one beside it are read, each with its place', async (t) => {
  const beside =
    'tests:\n  - { name: two, endpoint: shop, steps: [ { client: a, connect: {} }, { client: a, expect: [] } ] }\n';
  const { loading } = await loaded(t, one('input: [ { json: 1 } ], output: { orders: [] }'), beside);
  const found = (await loading).map(({ test: { name }, locate }) => [
    name,
    locate(['name']).line,
    locate(['name']).column,
  ]);
  assert.deepEqual(found, [
    ['it', 15, 18],
    ['two', 2, 13],
  ]);
});

test('a gateway does not read the tests, whatever is wrong in them', async () => {
  const { config } = await loadConfig(
    { text: `${yaml()}tests: [ { name: "\${NOT_SET}", nonsense: "\${! json.a }" } ]\n`, name: 'a.yaml' },
    { env: {}, production: null },
  );
  assert.equal(config.tests, undefined);
});

test('orders_test.yaml is the file of tests of orders.yaml', () => {
  assert.equal(testsFileOf('a/orders.yaml'), 'a/orders_test.yaml');
  assert.equal(testsFileOf('a.b/orders'), 'a.b/orders_test');
  assert.equal(testedFileOf('a/orders_test.yaml'), 'a/orders.yaml');
  assert.equal(testedFileOf('a_test/orders.yml'), 'a_test/orders.yml');
});

describe('a mistake in a test says what, where and what to do', () => {
  const cases: readonly [title: string, tests: string, ...expected: string[]][] = [
    [
      'a test of nothing',
      'tests: [ { name: it } ]',
      'tests[0]  expected a test with pipeline, input and output, or with endpoint and steps',
    ],
    [
      'a word with a slip',
      'tests: [ { name: it, pipelin: x } ]',
      'tests[0]  expected a test with pipeline, input and output, or with endpoint and steps; did you mean "pipeline"?',
    ],
    [
      'a key with a slip',
      one('inputs: [], output: { orders: [] }'),
      'tests[0].inputs  unknown key in tests[0]; did you mean "input"?',
    ],
    ['no input', one('output: { orders: [] }'), 'tests[0]  has no messages; add input: [ { json: ... } ], or forall'],
    [
      'no expectation',
      one('input: [ { json: 1 } ]'),
      'tests[0]  can never fail, as it expects nothing; add output: { TOPIC: [ { json: ... } ] }, or { TOPIC: [] } if nothing may be written',
    ],
    [
      'an empty output',
      one('input: [ { json: 1 } ], output: {}'),
      'tests[0]  can never fail, as it expects nothing; add output: { TOPIC: [ { json: ... } ] }, or { TOPIC: [] } if nothing may be written',
    ],
    [
      'an output that may be anything',
      one('input: [ { json: 1 } ], output: { orders: "*" }'),
      'tests[0]  can never fail, as it expects nothing; add output: { TOPIC: [ { json: ... } ] }, or { TOPIC: [] } if nothing may be written',
    ],
    [
      'forall without hold',
      one('forall: { schema: {} }'),
      'tests[0]  can never fail, as it holds nothing; add hold: [ no_loss ]',
    ],
    [
      'input and forall',
      one('forall: { schema: {} }, hold: [ no_loss ], input: [ { json: 1 } ]'),
      'tests[0]  has input and forall; a test has one of them',
    ],
    [
      'forall and output',
      one('forall: { schema: {} }, output: { orders: [] }'),
      'tests[0]  has forall and output; what is expected of drawn messages is said by hold',
    ],
    [
      'a message without payload',
      one('input: [ { key: a } ], output: { orders: [] }'),
      'tests[0].input[0]  expected a message with json, text or base64, { after: duration } or { fault: NAME }',
    ],
    [
      'two payloads',
      one('input: [ { json: 1, text: a } ], output: { orders: [] }'),
      'tests[0].input[0]  a message has one payload, and this has 2: json, text',
    ],
    [
      'time that is none',
      one('input: [ { json: 1 }, { after: 5 } ], output: { orders: [] }'),
      'tests[0].input[1].after  expected a duration such as 5ms, 10s or 1m',
    ],
    [
      'base64 that is none',
      one('input: [ { base64: "?" } ], output: { orders: [] }'),
      'tests[0].input[0].base64  expected base64',
    ],
    [
      'a text that is no expectation',
      one('input: [ { json: 1 } ], output: { orders: [ hello ] }'),
      'tests[0].output.orders[0]  expected a message: { json: ... }, { text: "hello" }, "*" or "${! condition }"',
    ],
    [
      'an expectation of nothing',
      one('input: [ { json: 1 } ], output: { orders: [ {} ] }'),
      'tests[0].output.orders[0]  an expectation without a field is true for every message; write "*" if that is meant',
    ],
    [
      'an expression that is none',
      one('input: [ { json: 1 } ], output: { orders: [ { json: { a: "${! json. }" } } ] }'),
      'tests[0].output.orders[0].json.a  json. is not a JSONata expression: Unexpected end of expression',
    ],
    [
      'an expression that reads nothing',
      one('input: [ { json: 1 } ], output: { orders: [ "${! 1 = 1 }" ] }'),
      'tests[0].output.orders[0]  "${! 1 = 1 }" reads nothing of the message, so it is the same for every message',
    ],
    [
      'text beside an expression',
      one('input: [ { json: 1 } ], output: { orders: [ { text: "a ${! json.a }" } ] }'),
      'tests[0].output.orders[0].text  "a ${! json.a }" has text beside its expression; write one condition, such as "${! json.total > 3 }"',
    ],
    [
      'an unknown pipeline',
      'tests: [ { name: it, pipeline: order-in, input: [ { json: 1 } ], output: { orders: [] } } ]',
      'tests[0].pipeline  there is no pipeline "order-in"; there are from-shop, orders-in, to-news, open; did you mean "orders-in"?',
    ],
    [
      'an unknown endpoint',
      'tests: [ { name: it, endpoint: shp, steps: [ { client: a, connect: {} }, { client: a, expect: [] } ] } ]',
      'tests[0].endpoint  there is no endpoint "shp"; there are shop, news; did you mean "shop"?',
    ],
    [
      'an unknown label',
      one('input: [ { json: 1 } ], output: { orders: [] }, mocks: { sen: { json: 1 } }'),
      'tests[0].mocks.sen  there is no label "sen"; there are seen, counts; did you mean "seen"?',
    ],
    [
      'a mock of an operator',
      one('input: [ { json: 1 } ], output: { orders: [] }, mocks: { counts: { json: 1 } }'),
      'tests[0].mocks.counts  "counts" is an operator, and only processors can be mocked',
    ],
    [
      'a mock that gives two things',
      one('input: [ { json: 1 } ], output: { orders: [] }, mocks: { seen: { json: 1, error: no } }'),
      'tests[0].mocks.seen  a mock gives one of json, text, error, and this gives json and error',
    ],
    [
      'a topic that the source does not read',
      one('input: [ { json: 1, topic: rww } ], output: { orders: [] }'),
      'tests[0].input[0].topic  the source of pipelines.orders-in does not read "rww"; it reads raw; did you mean "raw"?',
    ],
    [
      'one of two topics that is not named',
      'tests: [ { name: it, pipeline: open, input: [ { json: 1 } ], output: { x-1: [] } } ]',
      'tests[0].input[0].topic  is missing: the source reads orders, raw; say which',
    ],
    [
      'a topic of an endpoint',
      'tests: [ { name: it, pipeline: from-shop, input: [ { json: 1, topic: raw } ], output: { raw: [] } } ]',
      'tests[0].input[0].topic  the source of pipelines.from-shop reads no topic; leave it out',
    ],
    [
      'meta of a record',
      one('input: [ { json: 1, meta: { client_id: a } } ], output: { orders: [] }'),
      'tests[0].input[0].meta  the source of pipelines.orders-in is a topic, whose records have no meta of a client; leave it out',
    ],
    [
      'a client that has not connected',
      steps('{ client: a, expect: [] }'),
      'tests[0].steps[0].client  the client "a" has not connected; add { client: a, connect: {} } in front of this step',
    ],
    [
      'steps without an expectation',
      steps('{ client: a, connect: {} }, { client: a, expect: "*" }'),
      'tests[0]  can never fail, as no step expects anything; add { client: NAME, expect: [ ... ] }',
    ],
    [
      'a step that does two things',
      steps('{ client: a, connect: {}, send: { json: 1 } }'),
      'tests[0].steps[0]  a step does one of connect, send, expect, close, and this does 2 things: connect, send',
    ],
    [
      'a step that does nothing',
      steps('{ client: a }'),
      'tests[0].steps[0]  a step does one of connect, send, expect, close, and this does nothing',
    ],
    [
      'claims where there is no auth',
      steps('{ client: a, connect: { claims: { sub: a } } }, { client: a, expect: [] }'),
      'tests[0].steps[0].connect.claims  endpoints.shop has no auth, so nothing is known of its clients; leave claims out',
    ],
    [
      'an unknown endpoint of a client',
      steps('{ client: a, connect: { endpoint: nws } }, { client: a, expect: [] }'),
      'tests[0].steps[0].connect.endpoint  there is no endpoint "nws"; there are shop, news; did you mean "news"?',
    ],
  ];
  for (const [title, tests, ...expected] of cases)
    test(title, async (t) => {
      const lines = (await linesOf(t, tests)).map((line) => line.replace(/^gateway\.yaml:15:\d+ {2}/, ''));
      assert.deepEqual(lines, expected);
    });
});

test('an output that the pipeline never writes is refused, and those of pipelines behind it are not', async (t) => {
  const text = CONFIG.replace(/^ {2}open: .*\n/m, '');
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.yaml');
  const write = (output: string) =>
    writeFileSync(file, `${text}${one(`input: [ { json: 1 } ], output: { ${output} }`)}`);
  const failure = async () => {
    const { config } = await loadConfig(file, { production: null });
    return (await failureOf(loadTests(file, config)))?.problems[0]?.message;
  };
  write('orders: [], orders.dlt: [], news: []');
  assert.equal(await failure(), undefined);
  write('raw: []');
  assert.equal(
    await failure(),
    'pipelines.orders-in never writes to "raw"; messages of it go to orders, orders.dlt, news',
  );
  write('order.dlt: []');
  assert.match((await failure()) ?? '', /did you mean "orders\.dlt"\?$/);
});

test('two tests with one name are told apart by no report', async (t) => {
  const same = '{ name: it, pipeline: orders-in, input: [ { json: 1 } ], output: { orders: [] } }';
  assert.deepEqual(await linesOf(t, `tests:\n  - ${same}\n  - ${same}\n`), [
    'gateway.yaml:17:13  tests[1].name  tests[0] has this name, too; give each test a name of its own',
  ]);
});

test('a file of tests has tests and nothing else', async (t) => {
  assert.deepEqual(await linesOf(t, '', 'tests: []\npipelines: {}\n'), [
    'gateway_test.yaml:2:1  pipelines  a file whose name ends in _test has tests: and nothing else; move this to the file that is tested',
  ]);
  assert.deepEqual(await linesOf(t, '', 'x-a: 1\n'), [
    'gateway_test.yaml:1:1  has no tests; a file whose name ends in _test has tests: and nothing else',
  ]);
});

test('mistakes of both files come together', async (t) => {
  const { loading } = await loaded(t, 'tests: [ { name: it } ]', 'tests: [ { name: it } ]');
  const failure = await failureOf(loading);
  assert.ok(failure instanceof ConfigError);
  assert.equal(failure.problems.length, 2);
});
