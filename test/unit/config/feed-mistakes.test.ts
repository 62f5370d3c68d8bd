import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './fixture.ts';

/** What lint says of a feed with these settings, without the path in front of them. */
async function found(settings: string, url = 'url: wss://feed.example.com/'): Promise<string[]> {
  const source = `source: { websocket_client: { ${url}, ${settings} } }`;
  const problems = await problemsOf(`log: { driver: embedded }\npipelines: { p: { ${source}, sink: drop } }\n`);
  return problems.map(({ path, message }) => `${path.replace('pipelines.p.source.websocket_client.', '')} ${message}`);
}

const PREPARE = 'prepare: { http: { url: "https://api.example.com/token" }, as: session }';

for (const [what, settings, expected] of [
  [
    'an interval without unit',
    'subscribe: { messages: [ { op: a } ], interval: 200 }',
    'subscribe.interval expected a duration such as 5ms, 10s or 1m',
  ],
  [
    'an interval of one message',
    'subscribe: [ { send: { op: a }, interval: 200ms } ]',
    'subscribe[0].interval interval belongs to all messages: subscribe: { messages: [ ... ], interval: 200ms }',
  ],
  [
    'messages without their interval',
    'subscribe: { messages: [ { send: { op: a }, expect: { ok: true } } ] }',
    'subscribe.messages without interval this is sent as one message; set interval, or write the list alone',
  ],
  [
    'an unknown key of a message of subscribe',
    'subscribe: { send: { op: a }, expects: { ok: true } }',
    'subscribe[0].expects unknown key in pipelines.p.source.websocket_client.subscribe[0]; did you mean "expect"?',
  ],
  [
    'a key of a message of subscribe that is unlike any other',
    'subscribe: { send: { op: a }, zebra: 1 }',
    'subscribe[0].zebra unknown key in pipelines.p.source.websocket_client.subscribe[0]; there are send, frame, expect, reject, as, timeout',
  ],
  [
    'a field of an answer without json',
    `${PREPARE}, headers: { X-Token: "\${! meta.session.data.token }" }`,
    'headers.X-Token ${! meta.session.data } has no value; an answer has json and headers: ${! meta.session.json.data }',
  ],
  [
    'the symbol of a message that is for all symbols',
    'shards: { list: [ a, b ] }, subscribe: { sub: "${! meta.shard.symbol }" }',
    'subscribe[0] ${! meta.shard.symbol } has a value with per_message: 1 only; use ${! meta.shard.symbols }, or set it',
  ],
  [
    'the by of a sequence that has none',
    'sequence: { value: "${! json.seq }", resubscribe: { send: { sub: "${! meta.by }" } } }',
    'sequence.resubscribe there is no by, so ${! meta.by } never has a value; set by, such as "${! json.symbol }"',
  ],
  [
    'a signature without the name of its hash',
    `secrets: { key: k }, subscribe: { sign: '\${! $hmac(meta.secrets.key, "text") }' }`,
    'subscribe[0] write $hmac(hash, secret, text); encodings of result, secret and text may follow',
  ],
  [
    'a signature by a key without a text',
    `secrets: { key: k }, subscribe: { sign: '\${! $ed25519(meta.secrets.key) }' }`,
    'subscribe[0] write $ed25519(key, text, encoding); encoding may be left out',
  ],
] as const)
  test(`${what} is a mistake, with what to write instead`, async () => {
    assert.deepEqual(await found(settings), [expected]);
  });

test('an answer or a variable that is not in meta is a mistake, with where they are', async () => {
  for (const expression of ['session.token', 'env.TOKEN']) {
    const [problem = '', ...others] = await found(PREPARE, `url: "wss://feed.example.com/?t=\${! ${expression} }"`);
    assert.deepEqual(others, []);
    assert.ok(
      problem.startsWith(`url[0] ${expression} has no value here, before there is a message; there are `),
      problem,
    );
    assert.ok(problem.includes('such as ${! meta.session.json }; ${NAME} is a variable of the environment'), problem);
  }
});

test('a message with a field messages that has no send in it is sent as it is', async () => {
  assert.deepEqual(await found('subscribe: { messages: [ a, b ] }'), []);
  assert.deepEqual(await found('subscribe: { op: a, messages: [ { send: b } ] }'), []);
});

test('an answer as a whole, its json and its headers are no mistakes; neither are symbols one by one', async () => {
  assert.deepEqual(
    await found(`${PREPARE}, subscribe: { a: "\${! meta.session.json }", b: "\${! meta.session.headers.x }" }`),
    [],
  );
  assert.deepEqual(
    await found('shards: { list: [ a ], per_message: 1 }, subscribe: { sub: "${! meta.shard.symbol }" }'),
    [],
  );
});
