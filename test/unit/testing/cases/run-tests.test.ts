import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { sentenceOf } from '../../../../src/testing/cases/result.ts';
import { runTests, testedFiles } from '../../../../src/testing/cases/run-tests.ts';

const CONFIG = `log: { driver: embedded, topics: { raw: { partitions: 1 }, orders: { partitions: 1 } } }
auth: { users: { jwt: { secret: a text of 32 bytes or more for tests, algorithms: [ HS256 ] } } }
listeners: { public: { port: 9090 } }
endpoints:
  shop: { listener: public, path: /shop, codec: { json: { answers: true } } }
  members: { listener: public, path: "/members/{id}", codec: json, auth: users, direction: out }
  orders: { listener: public, path: /orders, codec: json, direction: out }
pipelines:
  shop-in: { source: { endpoint: shop }, sink: { topic: { name: raw, key: "\${! json.by }" } } }
  orders-in:
    source: { topic: { names: [ raw ], group: g, from: earliest } }
    processors:
      - { validate: { schema: { required: [ total ], properties: { total: { minimum: 0 } } } } }
      - { map: { json: '\${! { "total": json.total * 2 } }' }, label: doubled }
    sink: { topic: { name: orders, key: "\${! key }" } }
    on_error: { dead_letter: orders.dlt }
  orders-out: { source: { topic: { names: [ orders ] } }, sink: { endpoint: orders } }
tests:
`;

async function failuresOf(t: TestContext, entry: string): Promise<string[]> {
  const { results, invalid } = await ran(t, `  - name: it\n${entry.replaceAll(/^/gm, '    ')}\n`);
  assert.equal(invalid, undefined);
  assert.equal(results.length, 1);
  return (results[0]?.failures ?? []).map((one) => `${one.path}: ${sentenceOf(one)}`);
}

function ran(t: TestContext, tests: string, options: Parameters<typeof runTests>[1] = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `${CONFIG}${tests}`);
  return runTests(file, options);
}

describe('a pipeline is tested', () => {
  const cases: readonly [title: string, entry: string, ...failures: (string | RegExp)[]][] = [
    [
      'by what it writes, to topics and endpoints behind it',
      `pipeline: orders-in
input: [ { json: { total: 2 }, key: ada } ]
output: { orders: [ { json: { total: 4 }, key: ada } ], endpoints.orders: [ { json: { total: 4 } } ] }`,
    ],
    [
      'and another value is a failure at its path',
      `pipeline: orders-in
input: [ { json: { total: 2 } } ]
output: { orders: [ { json: { total: 5 } } ] }`,
      'output.orders[0].json.total: expected 5, got 4',
    ],
    [
      'and a message that is missing, with the reason why it is',
      `pipeline: shop-in
input: [ { text: nonsense } ]
output: { raw: [ "*" ] }`,
      'output.raw[0]: expected a message, got nothing',
      /^input\[0\]: this message failed: .*\(TG_EXPRESSION_FAILED\)$/,
    ],
    [
      'and a dead letter that no output names',
      `pipeline: orders-in
input: [ { json: { total: -1 } } ]
output: { orders: [] }`,
      /^output\.orders\.dlt: expected nothing more, got \{"json":\{"total":-1\},/,
    ],
    [
      'whose outputs may be anything if they are named so',
      `pipeline: orders-in
input: [ { json: { total: -1 } } ]
output: { orders: [], orders.dlt: "*" }`,
    ],
    [
      'with mocks of its processors',
      `pipeline: orders-in
mocks: { doubled: { json: { mocked: true } } }
input: [ { json: { total: 2 } } ]
output: { orders: [ { json: { total: 2, mocked: true } } ] }`,
    ],
    [
      'with mocks that fail',
      `pipeline: orders-in
mocks: { doubled: { error: no price } }
input: [ { json: { total: 2 } } ]
output: { orders.dlt: [ { json: { total: 2 }, headers: { tidegate-error-processor: doubled } } ] }`,
    ],
    [
      'with a log that refuses, and one that is away for a while',
      `pipeline: orders-in
input: [ { fault: sink_refuses }, { json: { total: 1 } }, { fault: link_down }, { after: 10s }, { fault: link_up }, { json: { total: 2 } } ]
output: { orders: [ { json: { total: 4 } } ], orders.dlt: [ { headers: { tidegate-error-code: TG_RECORD_REFUSED } } ] }`,
    ],
    [
      'with what has to hold for its input',
      `pipeline: orders-in
input: [ { json: { total: 1 } }, { fault: crash }, { json: { total: 2 } } ]
hold: [ no_loss, "\${! output.total = input.total }" ]`,
      /^hold: the output \{"total":2\} in orders.*is not true$/,
    ],
    [
      'with what has to hold whatever comes',
      `pipeline: orders-in
forall: { schema: { properties: { total: { type: integer, maximum: 9 } }, required: [ total ] }, runs: 20, seed: 5 }
hold: [ no_loss, "\${! output.total = input.total * 2 }" ]`,
    ],
    [
      'and schemas that are not there, or that no message fits, are failures at their place',
      `pipeline: orders-in
forall: { schema: ./none.json }
hold: [ no_loss ]`,
      /^forall\.schema: the schema .*none\.json cannot be read/,
    ],
    [
      'and so are those of invariants',
      `pipeline: orders-in
forall: { schema: { type: object } }
hold: [ output_schema: ./none.json ]`,
      /^hold: output_schema: .*none\.json cannot be read/,
    ],
  ];
  for (const [title, entry, ...expected] of cases)
    test(title, async (t) => {
      const failures = await failuresOf(t, entry);
      for (const [at, one] of expected.entries())
        if (typeof one === 'string') assert.equal(failures[at], one);
        else assert.match(failures[at] ?? '', one);
      assert.equal(failures.length, expected.length, failures.join('\n'));
    });
});

describe('an endpoint is tested', () => {
  const steps = (...list: string[]) => `endpoint: shop\nsteps:\n${list.map((step) => `  - ${step}`).join('\n')}`;
  const cases: readonly [title: string, entry: string, ...failures: string[]][] = [
    [
      'by the frames that its clients get, and the records',
      steps(
        '{ client: a, connect: {} }',
        '{ client: a, send: [ { json: { id: 1, by: ada } }, { text: "{}" } ] }',
        '{ client: a, expect: [ { contains: { id: 1, outcome: stored } }, "*" ] }',
        '{ topic: raw, expect: [ { key: ada }, { key: null } ] }',
        '{ client: a, expect: [] }',
      ),
    ],
    [
      'and the first frame that differs ends the test',
      steps(
        '{ client: a, connect: {} }',
        '{ client: a, send: { json: { id: 1 } } }',
        '{ client: a, expect: [ { contains: { id: 2 } } ] }',
        '{ topic: raw, expect: [] }',
      ),
      'steps[2].expect[0].contains.id: expected 2, got 1',
    ],
    [
      'and a frame behind the last that is looked at is a failure',
      steps('{ client: a, connect: {} }', '{ client: a, expect: [] }', '{ client: a, send: { json: { id: 1 } } }'),
      'steps[1].expect, behind the last expect of a: expected nothing more, got {"json":{"type":"ack","id":1,"outcome":"stored"}}',
    ],
    [
      'by the records that came since they were looked at last, and by dead letters',
      steps(
        '{ client: a, connect: {} }',
        '{ client: a, send: { json: { by: ada } } }',
        '{ topic: raw, expect: [ { key: ada } ] }',
        '{ client: a, send: { json: { by: bob, total: 1 } } }',
        '{ topic: raw, expect: [ { key: bob } ] }',
        '{ topic: orders.dlt, expect: [ { json: { by: ada } } ] }',
      ),
    ],
    [
      'with records of other programs',
      steps(
        '{ client: a, connect: { endpoint: orders } }',
        '{ topic: orders, append: [ { json: { total: 4 } } ] }',
        '{ client: a, expect: [ { json: { total: 4 } } ] }',
        '{ topic: orders, expect: [] }',
      ),
    ],
    [
      'with clients that are who the test says, and others that are not let in',
      steps(
        '{ client: a, connect: { endpoint: members, path: /members/1, claims: { sub: ada } } }',
        '{ client: a, expect: [] }',
        '{ client: b, connect: { endpoint: members, path: /members/1 } }',
        '{ client: b, expect: { refused: 401 } }',
      ),
    ],
    [
      'and a handshake that is refused is a failure, if no step expects it',
      steps(
        '{ client: b, connect: { endpoint: members, path: /members/1 } }',
        '{ client: a, connect: {} }',
        '{ client: a, expect: [] }',
      ),
      'steps[0].connect: the handshake of members was refused: 401 token_missing: this needs credentials, and there are none',
    ],
    [
      'and another status than the one that is expected',
      steps('{ client: b, connect: {} }', '{ client: b, expect: { refused: 401 } }'),
      'steps[1].expect.refused: expected 401, got a connection that was let in',
    ],
    [
      'with connections that the client closes',
      steps('{ client: a, connect: {} }', '{ client: a, close: 1000 }', '{ client: a, expect: { close: 1000 } }'),
    ],
    [
      'and a client that connects again has to be closed, and to have looked at its frames',
      steps(
        '{ client: a, connect: {} }',
        '{ client: a, expect: [] }',
        '{ client: a, send: { json: { id: 1 } } }',
        '{ client: a, close: 1000 }',
        '{ client: a, connect: {} }',
      ),
      'steps[1].expect, behind the last expect of a: expected nothing more, got {"json":{"type":"ack","id":1,"outcome":"stored"}}',
    ],
    [
      'and a client that is connected already does not connect again',
      steps('{ client: a, connect: {} }', '{ client: a, connect: {} }', '{ client: a, expect: [] }'),
      'steps[1].connect: a is connected already; close its connection first, or name another client',
    ],
    [
      'and a connection that is not closed is a failure',
      steps('{ client: a, connect: {} }', '{ client: a, expect: { close: 1008 } }'),
      'steps[1].expect.close: expected 1008, got an open connection',
    ],
    [
      'and what is sent on a closed connection is one',
      steps(
        '{ client: a, connect: {} }',
        '{ client: a, close: 1000 }',
        '{ client: a, send: { json: 1 } }',
        '{ client: a, expect: [] }',
      ),
      'steps[2].send: the connection was closed with 1000',
    ],
  ];
  for (const [title, entry, ...expected] of cases)
    test(title, async (t) => assert.deepEqual(await failuresOf(t, entry), expected));
});

test('each test has a gateway of its own', async (t) => {
  const one = (name: string) => `  - name: ${name}
    pipeline: orders-in
    input: [ { json: { total: 1 } } ]
    output: { orders: [ { json: { total: 2 } } ] }
`;
  const { results } = await ran(t, one('first') + one('second'));
  assert.deepEqual(
    results.map(({ name, place, failures }) => [name, place.line, failures]),
    [
      ['first', 19, []],
      ['second', 23, []],
    ],
  );
});

test('only the tests whose names match are run', async (t) => {
  const entries = ['one', 'two'].map(
    (name) => `  - { name: ${name}, pipeline: shop-in, input: [ { json: {} } ], output: { raw: [ "*" ] } }\n`,
  );
  const { results } = await ran(t, entries.join(''), { name: /^tw/ });
  assert.deepEqual(
    results.map(({ name }) => name),
    ['two'],
  );
});

test('a seed takes the place of the one in the file, and the counterexample is a test that fails', async (t) => {
  const entry = `  - name: it
    pipeline: orders-in
    forall: { schema: { properties: { total: { type: integer, minimum: 0, maximum: 9 } }, required: [ total ] }, seed: 1 }
    hold: [ "\${! output.total < 10 }" ]
`;
  const { results } = await ran(t, entry, { seed: 7 });
  const [failure] = results[0]?.failures ?? [];
  assert.match(failure === undefined ? '' : sentenceOf(failure), /\(seed 7\): the output \{"total":10\} in orders/);
  const again = await ran(t, `${failure?.details}\n`);
  assert.match(sentenceOf(again.results[0]?.failures[0] ?? assert.fail('it passes')), /\{"total":10\}.*is not true/);
});

test('a file that is invalid, or not there, is not run', async (t) => {
  const broken = await ran(
    t,
    '  - { name: it, pipeline: orders-inn, input: [ { json: 1 } ], output: { orders: [] } }\n',
  );
  assert.match(broken.invalid ?? '', /there is no pipeline "orders-inn"/);
  assert.equal(broken.problems.length, 1);
  const missing = await runTests('/nowhere/gateway.yaml');
  assert.match(
    missing.invalid ?? '',
    /^\/nowhere\/gateway\.yaml cannot be read: there is no such file \(TG_CONFIG_UNREADABLE\)$/,
  );
});

test('a gateway that cannot start is a failure of the test', async (t) => {
  const { results } = await ran(
    t,
    '  - { name: it, endpoint: members, steps: [ { client: a, connect: {} }, { client: a, expect: [] } ] }\n',
  );
  assert.match(sentenceOf(results[0]?.failures[0] ?? assert.fail('it passes')), /members.*path/);
});

test('a directory means all configurations in it, and a file of tests the one that it is for', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['b.yaml', 'a.yml', 'a_test.yml', 'notes.txt']) writeFileSync(join(folder, name), '');
  mkdirSync(join(folder, 'more'));
  const at = (name: string) => join(folder, name);
  assert.deepEqual(await testedFiles([folder, at('b_test.yaml'), at('gone.yaml')]), [
    at('a.yml'),
    at('b.yaml'),
    at('gone.yaml'),
  ]);
});
