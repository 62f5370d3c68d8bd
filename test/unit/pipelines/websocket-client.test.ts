import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../../src/config/problem/parse.ts';
import { Message } from '../../../src/core/message.ts';
import { displayUrl, secretsOfJson, secretsOfUrl, withoutSecrets } from '../../../src/core/secrets.ts';
import { websocketClientSink } from '../../../src/feeds/sink-component.ts';
import { websocketClientSource } from '../../../src/feeds/source-component.ts';
import { compileConnectTemplate } from '../../../src/sdk/connect-template.ts';
import type { z } from '../../../src/sdk/index.ts';
import { LITERAL_MARK } from '../../../src/sdk/literal.ts';
import { compileMatcher } from '../../../src/sdk/template.ts';
import { keptLogger } from '../actors/rig.ts';
import { FakeNetwork, remoteContext } from '../feeds/fake-remote.ts';

const parse = (settings: Record<string, unknown>) =>
  websocketClientSource.config.safeParse({ url: 'wss://feed.example/ws', ...settings });
const message = (text: string, meta = {}) => new Message(Buffer.from(text), { meta });

/** What is wrong with settings, as `path: message`. */
function mistakes(settings: Record<string, unknown>): string[] {
  return parse(settings).error?.issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`) ?? [];
}

test('the defaults are those of a feed that is not to lose anything', () => {
  const settings = websocketClientSource.config.parse({ url: 'ws://a' });
  assert.deepEqual(
    { ...settings, url: settings.url.map(({ text }) => text) },
    {
      url: ['ws://a'],
      headers: {},
      protocols: [],
      prepare: [],
      hosts: [],
      subscribe: { messages: [] },
      reconnect: { enabled: true, backoff: { initial: 500, max: 30_000 } },
      connect_timeout: 30_000,
      heartbeat: { ping: 20_000, timeout: 10_000, reply: [] },
      compression: false,
      max_frame: 16 * 1_048_576,
      overflow: 'pause',
      buffer: { messages: 10_000, bytes: 16 * 1_048_576 },
    },
  );
  const sink = websocketClientSink.config.parse({ url: 'ws://a' });
  assert.deepEqual([sink.frame, sink.confirm, sink.tombstones], ['text', 'written', 'skip']);
});

test('an overlap needs what removes duplicates, and something that replaces a connection', () => {
  const every = { every: '23h', overlap: '10s' };
  const resume = { cursor: '${! json.seq }' };
  const dedupe = { id: '${! json.seq }' };
  const ack = { message: 'ok' };
  assert.match(
    mistakes({ reconnect: every })[0] ?? '',
    /^reconnect\.overlap: .* stored twice; set dedupe or resume, too$/,
  );
  assert.match(mistakes({ reconnect: every, resume, ack })[0] ?? '', /^reconnect\.overlap: .* only with dedupe/);
  assert.deepEqual(mistakes({ reconnect: every, resume, dedupe, ack }), []);
  assert.deepEqual(mistakes({ reconnect: every, resume }), []);
  assert.deepEqual(mistakes({ reconnect: { on: { a: 1 }, overlap: '10s' }, dedupe }), []);
  assert.match(mistakes({ reconnect: { overlap: '10s' }, dedupe })[0] ?? '', /^reconnect\.overlap: nothing replaces/);
  assert.match(mistakes({ reconnect: { every: '19s', overlap: '10s' }, dedupe })[0] ?? '', /longer than half of every/);
  assert.match(mistakes({ reconnect: { every: '999ms' } })[0] ?? '', /^reconnect\.every: is less than 1s/);
  assert.match(
    mistakes({ reconnect: { every: '1h', enabled: false } })[0] ?? '',
    /^reconnect\.every: with enabled: false/,
  );
  assert.match(
    mistakes({ reconnect: { on: { a: 1 }, enabled: false } })[0] ?? '',
    /^reconnect\.on: with enabled: false/,
  );
  const sink = websocketClientSink.config.safeParse({ url: 'ws://a', reconnect: every });
  assert.match(sink.error?.issues[0]?.message ?? '', /Unrecognized key: "overlap"/);
});

test('a resubscribe message is made of the message that shows the gap, and a step is less than the modulus', () => {
  const sequence = (more: object) => mistakes({ sequence: { value: '${! json.seq }', ...more } });
  assert.deepEqual(sequence({ by: '${! json.s }', resubscribe: { send: { s: '${! meta.by }' } } }), []);
  assert.match(
    sequence({ resubscribe: { send: '${! meta.token }' } })[0] ?? '',
    /^sequence\.resubscribe\.0\.send: there is no auth/,
  );
  assert.match(sequence({ resubscribe: [] })[0] ?? '', /name at least one message/);
  assert.match(sequence({ step: 256, modulus: 256 })[0] ?? '', /^sequence\.step: is not less than modulus/);
});

test('one message to subscribe with needs no list, and takes no reply for granted', () => {
  const { subscribe } = websocketClientSource.config.parse({ url: 'ws://a', subscribe: '{"op":"sub"}' });
  assert.deepEqual(
    subscribe.messages.map(({ send, expect }) => [send?.(message('')), expect]),
    [['{"op":"sub"}', undefined]],
  );
});

test('an object with `send` is a step, whose mistakes are found; any other is sent as it is', () => {
  const { subscribe } = websocketClientSource.config.parse({
    url: 'ws://a',
    subscribe: [
      { op: 'sub', list: [1, { a: null }] },
      { send: 'x', expect: { ok: true } },
    ],
  });
  assert.deepEqual(
    subscribe.messages.map(({ send, timeout }) => [send?.(message('')), timeout]),
    [
      ['{"op":"sub","list":[1,{"a":null}]}', 0],
      ['x', 10_000],
    ],
  );
  assert.deepEqual(mistakes({ subscribe: [{ send: 'x', expekt: {} }] }), ['subscribe.0: Unrecognized key: "expekt"']);
  assert.match(
    mistakes({ subscribe: [{ send: 'x', expect: 'ready' }] })[0] ?? '',
    /^subscribe.0.expect: "ready" is true for everything/,
  );
  assert.match(mistakes({ subscribe: [3] })[0] ?? '', /^subscribe.0: expected text, or an object or list/);
});

test('what is sent first cannot be made from a message, as there is none', () => {
  for (const subscribe of ['${! json.id }', { a: '${! json.id }' }])
    assert.match(mistakes({ subscribe })[0] ?? '', /has no value here/);
  assert.deepEqual(mistakes({ auth: { token: 'x' }, subscribe: '{"t":"${! meta.token }"}' }), []);
});

test('an answer can use the message, what the connect knows if it is there, and functions that sign', () => {
  const found = (message: unknown, more: object = {}) => [
    ...mistakes({ ack: { message }, ...more }),
    ...mistakes({ heartbeat: { reply: { when: { op: 'ping' }, message } }, ...more }),
    ...mistakes({ sequence: { value: '${! json.seq }', resubscribe: { send: message } }, ...more }),
  ];
  const cases = [
    ['${! json.id & "x" }', {}, undefined],
    [{ a: ['${! $hmac("sha256", meta.secrets.k, json.id) }'] }, { secrets: { k: 'x' } }, undefined],
    ['${! $hash("sha256", text) }', {}, undefined],
    ['${! wrong.root }', {}, /begins with wrong/],
    ['${! json.id } and ${! json.more ', {}, /an expression \$\{! has no \} that closes it$/],
    ['${! $keys(meta) }', { secrets: { k: 'x' } }, /: meta is all of it, secrets too; name one value/],
    ['${! $string(meta.secrets) }', { secrets: { k: 'x' } }, /is all of them; name one/],
    ['${! meta.secrets.other }', { secrets: { k: 'x' } }, /there is no other in secrets/],
    ['${! meta.token }', {}, /there is no auth/],
    ['${! meta.cursor }', {}, /has no value without resume/],
    ['${! meta.shard.symbol }', {}, /there is no shards/],
    ['${! meta.session.json.id }', {}, /meta.session \} has no value here/],
    ['${! meta.session.json.id }', { prepare: { http: { url: 'https://a/' } } }, undefined],
    ['${! meta.hello.json.id }', { subscribe: { expect: { op: 'hello' }, as: 'hello' } }, undefined],
    ['${! $hmac("sha256", "hidden", text) }', {}, /the key of \$hmac is written here/],
  ] as const;
  for (const [source, more, expected] of cases) {
    const texts = found(source, more);
    if (expected === undefined) assert.deepEqual(texts, [], JSON.stringify(source));
    else {
      assert.equal(texts.length, 3, `${JSON.stringify(source)} ${texts}`);
      for (const text of texts) assert.match(text, expected);
    }
    assert.ok(!texts.join().includes('hidden'));
  }
  assert.deepEqual(mistakes({ ack: { message: '${! meta.url } ${! meta.binary }' } }), []);
  assert.match(
    mistakes({ heartbeat: { reply: { when: { op: 'ping' }, message: '${! meta.url }' } } })[0] ?? '',
    /^heartbeat.reply.0.message: \$\{! meta.url \} has no value here/,
  );
});

test('a reply that has a name can be used by later messages only', () => {
  const challenge = { send: 'login', expect: { event: 'challenge' }, as: 'challenge' };
  const answer = { sign: '${! meta.challenge.json.message }' };
  const cases = [
    [{ subscribe: [challenge, answer] }, undefined],
    [{ subscribe: { messages: [challenge, answer], interval: '1s' } }, undefined],
    [{ subscribe: [answer, challenge] }, /^subscribe.0: \$\{! meta.challenge \} has no value here/],
    [{ subscribe: { messages: [answer], interval: '1s' } }, /^subscribe.messages.0: /],
    [{ subscribe: [challenge], headers: { A: '${! meta.challenge.text }' } }, /^headers.A: .* has no value here/],
    [{ subscribe: [challenge], heartbeat: { send: { every: '1s', message: answer } } }, undefined],
    [{ subscribe: [challenge], resume: { cursor: '${! json.seq }', message: answer } }, undefined],
    [{ subscribe: [challenge, challenge] }, /^subscribe.1.as: another answer or reply has the name challenge$/],
    [
      { subscribe: [challenge], prepare: { http: { url: 'https://a/' }, as: 'challenge' } },
      /^subscribe.0.as: another answer/,
    ],
    [{ subscribe: [{ send: 'x', as: 'a' }] }, /^subscribe.0.as: without expect no reply is waited for/],
    [{ subscribe: [{ expect: { op: 0 }, as: 'token' }] }, /^subscribe.0.as: this name has another meaning/],
    [{ subscribe: [{ expect: { op: 0 }, as: 'url' }] }, /^subscribe.0.as: this name has another meaning/],
    [{ subscribe: [{ expect: { op: 0 }, tiemout: '1s' }] }, /Unrecognized key: "tiemout"/],
    [{ subscribe: [{ expect: { op: 0 } }] }, undefined],
  ] as const;
  for (const [settings, expected] of cases) {
    const found = mistakes(settings).join(' | ');
    if (expected === undefined) assert.equal(found, '', JSON.stringify(settings));
    else assert.match(found, expected, JSON.stringify(settings));
  }
});

test('a template keeps the type of a value inside JSON, and leaves a field without a value out', () => {
  const make = compileConnectTemplate({
    after: '${! meta.n }',
    text: 'n=${! meta.n }',
    none: '${! meta.none }',
    at: [1, true, null],
  });
  assert.equal(make(message('', { n: 7 })), '{"after":7,"text":"n=7","at":[1,true,null]}');
  assert.equal(compileConnectTemplate('${! meta.o }')(message('', { o: { a: 1 } })), '{"a":1}');
  assert.equal(compileConnectTemplate('${! meta.none }')(message('')), undefined);
});

test('a list without one of its items is not sent, and null is no value', () => {
  const opening = (source: unknown, meta: object) => compileConnectTemplate(source)(message('', meta));
  const list = { op: 'replay', of: { l: [1, '${! meta.n }'] } };
  assert.equal(opening(list, { n: 7 }), '{"op":"replay","of":{"l":[1,7]}}');
  assert.equal(opening(list, {}), undefined);
  assert.equal(opening(list, { n: null }), undefined);
  assert.equal(opening([{ a: '${! meta.n }', b: '' }], { n: null }), '[{"b":""}]');
});

test('an answer is not sent without all of its values, whatever its form', () => {
  const forms: [form: unknown, whole: string][] = [
    ['${! json.seq }', '7'],
    ['{"ack":${! json.seq }}', '{"ack":7}'],
    [{ message: { ack: '${! json.seq }' } }, '{"message":{"ack":7}}'],
    [{ type: 'ack', ids: ['a${! json.seq }'] }, '{"type":"ack","ids":["a7"]}'],
    [['ack', '${! json.seq }'], '["ack",7]'],
    [['ack', { seq: '${! json.seq }', end: null }], '["ack",{"seq":7,"end":null}]'],
  ];
  for (const [form, whole] of forms) {
    const { ack } = websocketClientSource.config.parse({ url: 'ws://a', ack: { message: form } });
    assert.equal(ack?.message(message('{"seq":7}')), whole);
    for (const other of ['{"type":"subscribed"}', '{}', '{"seq":null}'])
      assert.equal(ack?.message(message(other)), undefined, `${JSON.stringify(form)} ${other}`);
  }
});

test('a matcher looks for fields, at any depth, or asks an expression; unreadable messages do not match', async () => {
  const fields = compileMatcher({ type: 'ok', user: { id: 1 }, tags: ['a'] });
  assert.equal(fields(message('{"type":"ok","user":{"id":1,"x":2},"tags":["a"],"more":1}')), true);
  for (const other of [
    '{"type":"ok","user":{"id":2},"tags":["a"]}',
    '{"type":"ok","tags":["a","b"],"user":{"id":1}}',
    'no json',
    'null',
  ])
    assert.equal(fields(message(other)), false, other);
  const asked = compileMatcher("${! json.type = 'ok' }");
  assert.equal(await asked(message('{"type":"ok"}')), true);
  assert.equal(await asked(message('{"type":"no"}')), false);
  assert.equal(await asked(message('no json')), false);
  assert.equal(compileMatcher('${! json.ok }')(message('no json')), false);
});

test('mistakes in what may be secret never repeat it', () => {
  const found = [
    mistakes({ url: 'https://user:hidden-word@feed/' }),
    mistakes({ url: ['ws://ok', 'hidden-word'] }),
    mistakes({ url: 'ws://feed/#hidden-word' }),
    mistakes({ url: [] }),
    mistakes({ headers: { 'X-Key': 'hidden-word\u0001' } }),
    mistakes({ headers: { 'bad name': 'hidden-word' } }),
    mistakes({ headers: { 'Sec-WebSocket-Protocol': 'hidden-word' } }),
    mistakes({ auth: { token: 'hidden-word', token_file: 'hidden-word' } }),
    mistakes({ auth: {} }),
    mistakes({ auth: { token: ['hidden-word'] } }),
    mistakes({ proxy: 'socks://user:hidden-word@proxy' }),
    mistakes({ proxy: 'hidden-word' }),
  ];
  for (const each of found) assert.ok(each.length > 0);
  assert.doesNotMatch(found.flat().join('\n'), /hidden-word/);
  assert.match(found[0]?.[0] ?? '', /expected a URL that begins with ws:\/\/ or wss:\/\//);
  assert.match(found[4]?.[0] ?? '', /^headers.X-Key: has a character that HTTP does not allow/);
  assert.match(found[6]?.[0] ?? '', /for subprotocols there is `protocols`/);
});

test('the header of a name may hold colons and numbers', () => {
  const { headers } = websocketClientSource.config.parse({
    url: 'ws://a',
    headers: { 'X-Time': '12:30:00', 'X-N': 3 },
  });
  assert.deepEqual(
    Object.entries(headers).map(([name, { make }]) => [name, make(message(''))]),
    [
      ['X-Time', '12:30:00'],
      ['X-N', '3'],
    ],
  );
});

test('a token that is empty, as that of a variable that is not set, is given all the same', () => {
  for (const token of ['', 'x'])
    assert.deepEqual(websocketClientSource.config.parse({ url: 'ws://a', auth: { token } }).auth, {
      token,
      handshake: true,
    });
});

test('a first pause over the longest is a mistake', () => {
  assert.deepEqual(mistakes({ reconnect: { backoff: { initial: '1m' } } }), [
    'reconnect.backoff.initial: the first pause is longer than backoff.max',
  ]);
});

test('the source names the topic of its gaps for lint', () => {
  const config = websocketClientSource.config.parse({ url: 'ws://a', gap: { topic: 'gaps' } });
  assert.deepEqual(websocketClientSource.references?.(config), [{ to: 'topic', name: 'gaps', path: ['gap', 'topic'] }]);
  assert.equal(websocketClientSource.sharing(config), 'own');
});

test('source and sink dial by the port of the gateway, report their status, and log in the scope remote', async (t) => {
  const network = new FakeNetwork();
  const statuses: [string, string | undefined][] = [];
  const scopes: unknown[] = [];
  const { logger } = keptLogger();
  const scoped = {
    ...logger,
    child: ({ scope }: Record<string, unknown>) => {
      scopes.push(scope);
      return logger;
    },
  };
  const onStatus = (name: string, problem: string | undefined) => statuses.push([name, problem]);
  const context = remoteContext(network, { logger: scoped, gateway: { onStatus } });
  const source = websocketClientSource.create(websocketClientSource.config.parse({ url: 'ws://a' }), context);
  const sink = websocketClientSink.create(websocketClientSink.config.parse({ url: 'ws://b' }), context);
  for (const part of [source, sink]) {
    t.after(() => part.close());
    await part.open();
    network.last.opens();
    network.last.ends({ reason: 'cable cut' });
  }
  assert.deepEqual(statuses, [
    ['ws://a', undefined],
    ['ws://a', 'cable cut'],
    ['ws://b', undefined],
    ['ws://b', 'cable cut'],
  ]);
  assert.deepEqual(scopes, ['remote', 'remote']);
});

test('a URL is shown without what is secret in it, and that is known', () => {
  const key = 'a1b2c3d4e5f6a7b8c9d0';
  const url = `wss://user:p%40ss@feed.example:9443/v2/${key}/trades?token=0123456789&x=1`;
  assert.equal(displayUrl(url), 'wss://feed.example:9443/v2/***/trades?…');
  assert.equal(displayUrl('ws://feed.example'), 'ws://feed.example');
  assert.equal(displayUrl('not a url, perhaps a secret'), '***');
  assert.equal(withoutSecrets(`user p@ss ${key} 0123456789 1`, secretsOfUrl(url)), '*** *** *** *** 1');
  assert.deepEqual(secretsOfUrl('no url'), []);
});

test('a secret of a URL is known as written, decoded and in basic authentication, also short ones by name', () => {
  const url = 'ws://user:geh%2Feim@h?sig=a%2Fbc&listenKey=d+ef&symbol=btcusdt';
  assert.equal(
    withoutSecrets('a%2Fbc a/bc d+ef d ef dXNlcjpnZWgvZWlt btcusdt', secretsOfUrl(url)),
    '*** *** *** *** *** btcusdt',
  );
});

test('secrets of a message are the values whose names say so, and what looks like a key', () => {
  const key = 'a1b2c3d4e5f6a7b8c9d0';
  assert.deepEqual(secretsOfJson(`{"op":"login","auth":{"Password":"one"},"args":["${key}","btcusdt"],"token":7}`), [
    'one',
    key,
  ]);
  assert.deepEqual(secretsOfJson('login one'), []);
});

test('of a secret that holds another one nothing is left to be read', () => {
  assert.equal(withoutSecrets('said: Bearer begin-part-end', ['part', 'Bearer begin-part-end']), 'said: ***');
});

test('an expression is a mistake wherever nothing evaluates it', () => {
  const x = '${! meta.token }';
  const cases: [Record<string, unknown>, string][] = [
    [{ auth: { token: x } }, 'auth.token'],
    [{ auth: { token_file: x } }, 'auth.token_file'],
    [{ auth: { token_command: x } }, 'auth.token_command'],
    [{ auth: { token_command: ['cat', x] } }, 'auth.token_command'],
    [{ proxy: `http://user:${x}@proxy:1` }, 'proxy'],
    ...['ca', 'cert', 'key', 'servername'].map((key): [Record<string, unknown>, string] => [
      { tls: { [key]: x } },
      `tls.${key}`,
    ]),
    [{ resume: { cursor: '${! json.seq }', topic: x } }, 'resume.topic'],
    [{ gap: { topic: x } }, 'gap.topic'],
  ];
  for (const [settings, path] of cases) {
    const found = mistakes(settings);
    assert.equal(found.length, 1, path);
    assert.ok(found[0]?.startsWith(path), found[0]);
    assert.match(found[0] ?? '', /"\$\{! \}" is not evaluated here|Invalid input/);
  }
  assert.match(mistakes({ subscribe: { send: 'x', expect: { id: x } } })[0] ?? '', /fields are compared as they are/);
  assert.match(mistakes({ heartbeat: { expect: { within: '1s', frame: { id: x } } } })[0] ?? '', /fields are compared/);
  assert.match(mistakes({ subscribe: { [x]: 1 } })[0] ?? '', /a name is taken as it is/);
  assert.match(mistakes({ ack: { message: { a: [{ [x]: 1 }] } } })[0] ?? '', /a name is taken as it is/);
  assert.deepEqual(mistakes({ auth: { token: `$${LITERAL_MARK}{! }` } }), []);
});

test('messages without an answer can use only the values of the connect', () => {
  for (const message of ['${! meta.tokn }', { a: ['${! key }'] }, 'x ${! text }'])
    for (const settings of [
      { subscribe: message },
      { heartbeat: { send: { every: '1s', message } } },
      { resume: { cursor: '${! json.n }', message } },
    ])
      assert.match(mistakes(settings)[0] ?? '', /has no value here/);
  assert.deepEqual(
    mistakes({
      auth: { token: 'x' },
      subscribe: '${! meta.cursor.seq } ${! meta.token }',
      resume: { cursor: '${! json.at }' },
    }),
    [],
  );
});

const usesOf = (name: string) => ({
  url: `wss://feed.example/?after=\${! meta.${name} }`,
  headers: { 'X-After': `\${! meta.${name} }` },
  protocols: ['v1', `after.\${! meta.${name} }`],
  subscribe: ['a', { send: { after: `\${! meta.${name} }` } }, `\${! meta.${name}.seq }`],
  heartbeat: { send: { every: '1s', message: `{"at":\${! meta.${name} }}` } },
});
const PLACES = ['url', 'headers.X-After', 'protocols.1', 'subscribe.1', 'subscribe.2', 'heartbeat.send.message'];
/** What is wrong with settings of the sink, as `path: message`. */
const sinkMistakes = (settings: Record<string, unknown>) =>
  websocketClientSink.config
    .safeParse(settings)
    .error?.issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`) ?? [];

test('a cursor is a mistake where there is none, as what needs it would be left out', () => {
  const uses = usesOf('cursor');
  const said = (why: string) => PLACES.map((place) => `${place}: \${! meta.cursor } has no value ${why}`);
  assert.deepEqual(mistakes(uses), said('without resume'));
  assert.deepEqual(mistakes({ ...uses, resume: { cursor: '${! json.seq }' } }), []);
  assert.deepEqual(sinkMistakes(uses), said('in a sink'));
});

test('a token is a mistake where there is no auth; one that may be empty is given', () => {
  const uses = { ...usesOf('token'), url: 'wss://feed.example/${! meta.token }/' };
  const said = (places: readonly string[]) =>
    places.map((place) => `${place}: there is no auth, so \${! meta.token } never has a value`);
  const resume = { cursor: '${! json.seq }', message: '${! meta.token }' };
  assert.deepEqual(mistakes({ ...uses, resume }), said([...PLACES, 'resume.message']));
  assert.deepEqual(sinkMistakes(uses), said(PLACES));
  for (const auth of [{ token: '' }, { token: 'x' }, { token_file: '/run/token' }, { token_command: 'pass' }]) {
    assert.deepEqual(mistakes({ ...uses, resume, auth }), []);
    assert.deepEqual(sinkMistakes({ ...uses, auth }), []);
  }
});

test('settings that are wrong or missing are mistakes at their place, and never an exception', () => {
  const whole = {
    url: ['wss://feed.example/'],
    headers: { 'X-A': 'a' },
    protocols: ['v1'],
    auth: { token: 'x' },
    subscribe: [{ send: 'a', expect: { ok: true }, reject: { ok: false }, timeout: '1s' }],
    heartbeat: { send: { every: '5s', message: 'beat' }, expect: { within: '1s', frame: { ok: true } } },
    reconnect: { backoff: { initial: '1s', max: '2s' } },
    resume: { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } },
    ack: { message: ['${! json.seq }'] },
  };
  const wrong = [undefined, null, 3, '', 'x', {}, [], [3], '${! json.a }', '{"a":${! json.a }}', '${! text }', '${!'];
  for (const schema of [websocketClientSource.config, websocketClientSink.config] as z.ZodType[])
    for (const path of pathsIn(whole))
      for (const value of wrong) {
        const settings = structuredClone(whole);
        put(settings, path, value);
        for (const resume of [settings.resume, undefined])
          assert.doesNotThrow(() => parseSettings(schema, { ...settings, resume }), `${path.join('.')}: ${value}`);
      }
  const { findings } = parseSettings(websocketClientSource.config, {
    url: 'ws://a',
    heartbeat: { send: { every: '5s', message: '{"a":${! json.a }}' } },
  });
  assert.deepEqual(
    findings.map(({ path }) => path.join('.')),
    ['heartbeat.send.message'],
  );
});

function pathsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsIn(inner).map((path) => [key, ...path])]);
}

function put(target: unknown, path: readonly string[], value: unknown): void {
  const inner = path.slice(0, -1).reduce((from, key) => (from as Record<string, unknown>)[key], target);
  (inner as Record<string, unknown>)[path.at(-1) as string] = value; // each path has a step
}

test('a refusal is looked for only where a reply is waited for', () => {
  assert.match(
    mistakes({ subscribe: { send: 'x', reject: { ok: false } } })[0] ?? '',
    /^subscribe.0.reject: without expect no reply is waited for/,
  );
  assert.deepEqual(mistakes({ subscribe: { send: 'x', expect: { ok: true }, reject: { ok: false } } }), []);
});

test('ids are remembered for ten minutes where nothing else is said', () => {
  const { dedupe } = websocketClientSource.config.parse({ url: 'ws://a', dedupe: { id: '${! json.id }' } });
  assert.deepEqual([dedupe?.window, dedupe?.within], [10_000, 600_000]);
});

test('answers of prepare, secrets and hosts are mistakes where they can have no effect or no value', () => {
  const prepare = { http: { url: 'https://api.example/token' } };
  const named = '${! meta.session.json.url }';
  const cases = [
    [{ subscribe: '${! meta.session.json.token }' }, /^subscribe.0: \$\{! meta.session \} has no value here/],
    [{ subscribe: '${! meta.session.json.token }', prepare }, undefined],
    [
      { subscribe: '${! meta.login.json.token }', prepare },
      /meta.login \} has no value here; there are .*meta.session$/,
    ],
    [{ subscribe: '${! meta.login.json.token }', prepare: { ...prepare, as: 'login' } }, undefined],
    [{ prepare: { ...prepare, as: 'token' } }, /^prepare.0.as: this name has another meaning in meta/],
    [{ prepare: { ...prepare, as: 'a-b' } }, /^prepare.0.as: expected a name of letters/],
    [{ prepare: [prepare, prepare] }, /^prepare: two answers have the same name/],
    [
      { prepare: [{ http: { url: 'https://a/?t=${! meta.session.json.t }' }, as: 'first' }, prepare] },
      /^prepare.0.http.url: \$\{! meta.session \} has no value here/,
    ],
    [{ prepare: [prepare, { http: { url: 'https://a/?t=${! meta.session.json.t }' }, as: 'second' }] }, undefined],
    [{ prepare: { http: { url: 'https://a/', body: 'x' } } }, /^prepare.0.http.body: a GET has no body/],
    [
      { prepare: { http: { url: 'https://a/', headers: { Host: 'b' } } } },
      /^prepare.0.http.headers: host, content-len/,
    ],
    [{ prepare: { http: { url: 'ws://a/' } } }, /^prepare.0.http.url: expected a URL that begins with http:/],
    [{ prepare: { http: { url: 'https://${! meta.token }/' } } }, /host and port are always the same/],
    [{ prepare: { http: { url: '${! meta.token }' } } }, /expected a URL that begins with http:/],
    [{ subscribe: '${! meta.secrets.api }' }, /^subscribe.0: there is no api in secrets/],
    [{ subscribe: '${! meta.secrets.toString }', secrets: { api: 'x' } }, /there is no toString in secrets/],
    [{ subscribe: '${! meta.secrets }', secrets: { api: 'x' } }, /is all of them; name one/],
    [{ subscribe: '${! meta.secrets.api }', secrets: { api: 'x' } }, undefined],
    [{ secrets: { api: '' } }, /^secrets.api: is empty/],
    [{ hosts: 'a' }, /^hosts: no url begins with an expression/],
    [{ url: named, prepare }, /^hosts: the url takes its host from an answer; list the hosts/],
    [{ url: named, hosts: ['*.example'] }, /only the answer of prepare can name a host/],
    [{ url: named, hosts: ['*.example'], prepare }, undefined],
    [{ url: named, hosts: ['wss://a'], prepare }, /^hosts.0: /],
  ] as const;
  for (const [settings, expected] of cases) {
    const found = mistakes(settings).join(' | ');
    if (expected === undefined) assert.equal(found, '', JSON.stringify(settings));
    else assert.match(found, expected, JSON.stringify(settings));
  }
});
