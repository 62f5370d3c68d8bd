import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { RemoteEnd } from '../../../src/core/remote.ts';
import { Dialer } from '../../../src/feeds/connection/dialer.ts';
import type { DialerHandler } from '../../../src/feeds/connection/dialer-handler.ts';
import { RemoteMetrics } from '../../../src/feeds/reports/metrics.ts';
import { checkNamedHost, nameOf } from '../../../src/feeds/request/named-host.ts';
import type { ConnectUrl } from '../../../src/sdk/connect-url.ts';
import { startProxy } from '../../helpers/connect-proxy.ts';
import { startHttpAnswers } from '../../helpers/http-answers.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeNetwork, feedSettings, remoteContext } from './fake-remote.ts';

const URL_OF_ANSWER = '${! meta.session.json.data.endpoint }?token=${! meta.session.json.data.token }&id=1';

async function setUp(
  t: TestContext,
  settings: Record<string, unknown> = {},
  http: Record<string, unknown> = {},
  call: Record<string, unknown> = {},
) {
  const api = await startHttpAnswers(t);
  const network = new FakeNetwork();
  const clock = new HandClock();
  const kept = keptLogger();
  const told = { frames: [] as string[], lost: [] as RemoteEnd[] };
  const cursor: { value: unknown } = { value: undefined };
  const parsed = feedSettings({ prepare: { http: { url: `${api.url}/bullet`, ...http }, ...call }, ...settings });
  const handler: DialerHandler = {
    connects: () => undefined,
    lastCursor: () => cursor.value,
    live: () => {},
    ready: () => {},
    takesOver: () => false,
    frame: (data) => told.frames.push(data.toString()),
    pong: () => {},
    lost: (end) => told.lost.push(end),
    failed: () => {},
  };
  const context = remoteContext(network, { path: 'p', clock, logger: kept.logger });
  const metrics = new RemoteMetrics('u', context);
  const [url] = parsed.url as [ConnectUrl];
  const server = { url, name: nameOf(url, parsed.prepare), settings: parsed, resume: parsed.resume?.message };
  const dialer = new Dialer({ ...server, metrics, context }, handler);
  dialer.open();
  return { api, network, clock, told, cursor, dialer, ...kept };
}

test('each connect calls first, and the answer gives host, token and messages', async (t) => {
  const { api, network, clock, dialer } = await setUp(
    t,
    {
      url: URL_OF_ANSWER,
      hosts: '*.exchange.example',
      subscribe: [{ op: 'login', token: '${! meta.session.json.data.token }' }, { big: '${! meta.session.json.id }' }],
    },
    { method: 'POST', headers: { 'X-Static': 'a' }, body: { want: 'public' } },
  );
  let calls = 0;
  api.answer = (_, response) => {
    calls += 1;
    response.end(
      `{"id":8389766145050669871,"data":{"endpoint":"wss://ws${calls}.exchange.example/e","token":"to k${calls}"}}`,
    );
  };
  for (const n of [1, 2]) {
    const { url } = await network.last.opensLater();
    assert.equal(url, `wss://ws${n}.exchange.example/e?token=to%20k${n}&id=1`);
    assert.deepEqual(network.last.sent, [`{"op":"login","token":"to k${n}"}`, '{"big":8389766145050669871}']);
    assert.equal(dialer.state, 'live');
    network.last.ends();
    clock.advance(500);
  }
  const [{ method, url, headers, body } = {}] = api.asked;
  assert.deepEqual(
    [method, url, body, headers?.['content-type'], headers?.['x-static']],
    ['POST', '/bullet', '{"want":"public"}', 'application/json', 'a'],
  );
});

test('an unusable answer ends the attempt with its reason, and the next attempt calls again', async (t) => {
  const { api, network, clock } = await setUp(
    t,
    { headers: { 'X-Token': '${! meta.session.json.token }' }, reconnect: { interval: '500ms' } },
    { max_bytes: '1KiB', headers: { 'X-Key': 'very-secret-key' } },
  );
  const cases = [
    [500, 'very-secret-key', {}, /^GET http:.*\/bullet of prepare: the server answers 500 Internal Server Error$/],
    [401, '', {}, /answers 401 Unauthorized; check the keys, the signature and the clock/],
    [302, '', { location: '/secret-place' }, /answers 302 Found, and redirects are not followed/],
    [
      200,
      '<html>secret</html>',
      { 'content-type': 'text/html' },
      /the answer is not JSON \(text\/html\); check the url/,
    ],
    [200, JSON.stringify({ a: 'x'.repeat(1_024) }), {}, /the answer has more than 1024 bytes/],
    [200, `${'['.repeat(500)}1.10${']'.repeat(500)}`, {}, /the answer has more than 100 levels of lists and objects/],
  ] as const;
  for (const [status, body, headers, expected] of cases) {
    api.answer = (_, response) => response.writeHead(status, headers).end(body);
    await assert.rejects(
      async () => network.last.asksLater(),
      ({ message }: Error) => expected.test(message) && !message.includes('secret'),
      String(status),
    );
    network.last.ends();
    clock.advance(500);
  }
  api.answer = (_, response) => response.end('{"token":"good"}');
  assert.deepEqual((await network.last.asksLater()).headers, { 'X-Token': 'good' });
  assert.equal(api.asked.length, cases.length + 1);
});

test('a call that is never answered ends with connect_timeout, is named in the reason, and is given up', async (t) => {
  const { api, network, clock, told, dialer } = await setUp(t, { connect_timeout: '4s' });
  const closed = new Promise((resolve) => {
    api.answer = (_, response) => response.on('close', resolve);
  });
  const request = Promise.resolve(network.last.asksLater());
  const failed = assert.rejects(request, /of prepare: /);
  while (api.asked.length === 0) await turn();
  clock.advance(4_000);
  assert.match(told.lost[0]?.reason ?? '', /^there was no answer to GET http:.*\/bullet of prepare within 4s$/);
  await Promise.all([closed, failed]);
  assert.equal(dialer.state, 'waiting');
});

test('an answer names only hosts that are listed, and no ws:// where it came by https', async (t) => {
  const { api, network } = await setUp(t, { url: URL_OF_ANSWER, hosts: ['*.exchange.example', 'one.example', '::1'] });
  const cases = [
    ['wss://a.exchange.example', true],
    ['wss://A.B.Exchange.Example:8443/x', true],
    ['ws://one.example', true],
    ['ws://[::1]:9000', true],
    ['wss://exchange.example', false],
    ['wss://evil-exchange.example', false],
    ['wss://a.exchange.example.evil', false],
    ['wss://a.exchange.example@evil/', false],
    ['wss://169.254.169.254/', false],
    ['https://one.example', false],
    ['not a url', false],
    [7, false],
    [null, false],
  ] as const;
  for (const [endpoint, isAllowed] of cases) {
    api.answer = (_, response) => response.end(JSON.stringify({ data: { endpoint, token: 'secret-token' } }));
    const request = Promise.resolve(network.last.asksLater());
    if (isAllowed) assert.equal(new URL((await request).url).host, new URL(String(endpoint)).host);
    else
      await assert.rejects(
        request,
        ({ message }: Error) => /not in hosts|not valid|has no value/.test(message) && !message.includes('secret'),
        String(endpoint),
      );
  }
});

test('an answer that lacks what the url needs is quoted, without its long texts', async (t) => {
  const { api, network } = await setUp(t, { url: URL_OF_ANSWER, hosts: '*.exchange.example' });
  api.answer = (_, response) => response.end('{"code":"400100","msg":"the key secret-key is unknown","id":17}');
  await assert.rejects(
    async () => network.last.asksLater(),
    ({ message }: Error) =>
      message ===
      'the url needs ${! meta.session.json.data.endpoint }, which has no value; in prepare, the server said: ' +
        '"{"code":"400100","msg":"***","id":17}"',
  );
});

test('an answer that expect does not ask for ends the attempt with what the server said, whatever needs it', async (t) => {
  const cases = [
    { code: '200000' },
    '${! json.code = "200000" }',
    '${! $contains(text, "200000") }',
    '${! meta.status = 200 and json.code = "200000" }',
    '${! $number(json.code) = 200000 }',
  ];
  for (const expect of cases) {
    const { api, network, clock, told } = await setUp(t, {}, {}, { expect });
    api.answer = (_, response) => response.end('{"code":"400100","msg":"the key secret-key is unknown"}');
    await assert.rejects(
      async () => network.last.asksLater(),
      ({ message }: Error) =>
        /^GET http:.*\/bullet of prepare: the answer is not the one that expect asks for \(status 200\); the server said: /.test(
          message,
        ) && message.endsWith('"{"code":"400100","msg":"***"}"'),
    );
    network.last.ends({ kind: 'unreachable' });
    clock.advance(1);
    assert.equal(network.sockets.length, 1, 'the back-off holds');
    clock.advance(500);
    api.answer = (_, response) => response.end('{"code":"200000"}');
    await network.last.opensLater();
    assert.equal(told.lost.length, 1);
  }
});

test('an answer that is no success is quoted if it is JSON, without its long texts', async (t) => {
  const { api, network } = await setUp(t);
  for (const [body, said] of [
    ['{"code":-1022,"msg":"the key is wrong"}', '; the server said: "{"code":-1022,"msg":"***"}"'],
    ['{"code":1,"a0b1c2d3e4f5a6b7c8d9e0":1}', '; the server said: "{"code":1,"***":1}"'],
    ['<html>400</html>', ''],
    ['', ''],
  ]) {
    api.answer = (_, response) => response.writeHead(400).end(body);
    await assert.rejects(
      async () => network.last.asksLater(),
      ({ message }: Error) => message.endsWith(`the server answers 400 Bad Request${said}`),
      body,
    );
  }
});

test('expect of an answer without a body can be its status', async (t) => {
  const { api, network } = await setUp(t, {}, {}, { expect: '${! meta.status = 204 }' });
  api.answer = (_, response) => response.writeHead(204).end();
  await network.last.asksLater();
  api.answer = (_, response) => response.end();
  await assert.rejects(async () => network.last.asksLater(), /asks for \(status 200\); the server said nothing$/);
});

test('expect of prepare reads nothing but the answer', () => {
  const http = { url: 'https://api.example/bullet' };
  for (const read of ['meta.session.json.code', 'meta.token', 'key'])
    assert.throws(
      () => feedSettings({ prepare: { http, expect: `\${! ${read} = 200 }` } }),
      /there are json and text of the answer, and meta\.status/,
      read,
    );
  assert.throws(() => feedSettings({ prepare: { http, expect: 'yes' } }), /is true for everything/);
});

test('secrets of the answer are shown nowhere, also if the server repeats them', async (t) => {
  const { api, network, lines, told } = await setUp(t, {
    url: URL_OF_ANSWER,
    hosts: '*',
    secrets: { api: 'key-of-the-api' },
    subscribe: [{ send: 'a', expect: { a: true }, reject: { a: false } }],
  });
  api.answer = (_, response) =>
    response.end('{"data":{"endpoint":"wss://x.example/e","token":"the token"},"list":["also-secret"]}');
  await network.last.opensLater();
  network.last.says('{"a":false,"why":"the token or the%20token, also-secret, key-of-the-api"}');
  const shown = JSON.stringify([lines, told]);
  assert.match(shown, /the server refuses message 1 of subscribe/);
  assert.doesNotMatch(shown, /the token|the%20token|also-secret|key-of-the-api/);
});

test('a server that repeats a secret escaped, or a part of a header, shows nothing of it', async (t) => {
  for (const [settings, answer] of [
    [{ auth: { token: 'hush/hush+hush' } }, '{"e":"bad hush\\/hush+hush"}'],
    [{ secrets: { api: 'hush"hush<1>' } }, '{"e":"bad hush\\"hush\\u003c1\\u003e"}'],
    [{ headers: { Authorization: 'Bearer hush-hush-token' } }, 'bad hush-hush-token'],
    [
      { headers: { Cookie: '${! "session=" & meta.secrets.api }' }, secrets: { api: 'hush-hush-token' } },
      'hush-hush-token',
    ],
    [{}, `{"token":"hush \\"hush\\"","more":"${'x'.repeat(200_000)}"}`],
  ] as const) {
    const { network, lines, api } = await setUp(t, {
      ...settings,
      subscribe: [{ send: 'a', expect: { a: true }, reject: '${! $length(text) > 1 }' }],
    });
    api.answer = (_, response) => response.end('{}');
    await network.last.opensLater((settings as { auth?: { token: string } }).auth?.token);
    network.last.says(answer);
    for (let n = 0; n < 5; n += 1) await turn();
    assert.match(JSON.stringify(lines), /the server refuses message 1/);
    assert.doesNotMatch(JSON.stringify(lines), /hush/, answer);
  }
});

test('an answer with very many texts, or half a character in one, is used like any other', async (t) => {
  const { api, network } = await setUp(t, { url: URL_OF_ANSWER, hosts: '*' }, { max_bytes: '8MiB' });
  const list = Array.from({ length: 300_000 }, (_, at) => `"text ${at}"`);
  api.answer = (_, response) =>
    response.end(`{"data":{"endpoint":"wss://x.example/e","token":"half \\ud800"},"list":[${list}]}`);
  const { url } = await network.last.asksLater();
  assert.equal(url, 'wss://x.example/e?token=half%20%EF%BF%BD&id=1');
});

test('an expression that fails quotes nothing of what it was given, which may be part of a secret', async (t) => {
  for (const expression of [
    '$number($substring(meta.secrets.api, 2))',
    '$fromMillis($substring(meta.secrets.api, 2))',
  ]) {
    const { network, lines, api } = await setUp(t, {
      secrets: { api: `hush-${'hush'.repeat(100)}` },
      subscribe: { sign: `\${! ${expression} }` },
    });
    api.answer = (_, response) => response.end('{}');
    await network.last.opensLater();
    for (let n = 0; n < 10; n += 1) await turn();
    assert.match(JSON.stringify(lines), /message 1 of subscribe cannot be made/);
    assert.doesNotMatch(JSON.stringify(lines), /hush/);
  }
});

test('a later call uses the answer of an earlier one, and cookies can be sent back', async (t) => {
  const { api, network } = await setUp(t);
  const { url } = api;
  const two = await setUp(t, {
    prepare: [
      { http: { url: `${url}/login`, method: 'POST', body: { user: 'me' } }, as: 'login' },
      {
        http: {
          url: `${url}/key?of=\${! meta.login.json.id }`,
          headers: { Cookie: "${! $substringBefore(meta.login.headers.`set-cookie`[0], ';') }" },
        },
      },
    ],
    headers: { 'X-Key': '${! meta.session.json.key }', 'X-Id': '${! meta.login.json.id }' },
  });
  api.answer = (asked, response) => {
    if (asked.url === '/login') response.setHeader('set-cookie', 'sid=abc; Path=/').end('{"id":"a b"}');
    else response.end('{"key":"k"}');
  };
  const { headers } = await two.network.last.asksLater();
  assert.deepEqual(headers, { 'X-Key': 'k', 'X-Id': 'a b' });
  assert.deepEqual([api.asked[1]?.url, api.asked[1]?.headers.cookie], ['/key?of=a%20b', 'sid=abc']);
  assert.equal(network.sockets.length, 1);
});

test('a call goes through the proxy of the connection', async (t) => {
  const proxy = await startProxy(t, 'me:it');
  const { api, network } = await setUp(t, { proxy: `http://me:it@127.0.0.1:${proxy.port}` });
  await network.last.asksLater();
  assert.deepEqual([proxy.asked, api.asked.length], [[api.url.slice(7)], 1]);
});

test('a signed call has one time in header and signature, and a new one at each connect', async (t) => {
  const { api, network, clock } = await setUp(
    t,
    { secrets: { api: 'the-key' }, reconnect: { interval: '500ms' } },
    {
      headers: {
        'X-Time': '${! meta.now }',
        'X-Sign': "${! $hmac('sha256', meta.secrets.api, $string(meta.now) & 'GET/bullet', 'base64') }",
      },
    },
  );
  for (const n of [0, 1]) {
    await network.last.asksLater();
    const { 'x-time': time, 'x-sign': sign } = api.asked[n]?.headers ?? {};
    assert.equal(Number(time), clock.now());
    assert.equal(
      sign,
      createHmac('sha256', 'the-key')
        .update(`${String(time)}GET/bullet`)
        .digest('base64'),
    );
    network.last.ends();
    clock.advance(500);
  }
});

test('a URL that came by https is never ws://', () => {
  const prepare = (url: string) => feedSettings({ prepare: { http: { url } } }).prepare;
  const secure = { prepare: prepare('HTTPS://a.example/'), hosts: ['*'] };
  assert.throws(() => checkNamedHost('ws://b.example/', secure), /came by https:\/\/ and names a ws:\/\/ URL/);
  checkNamedHost('wss://b.example/', secure);
  checkNamedHost('ws://b.example/', { ...secure, prepare: prepare('http://a.example/') });
});

test('what the server sends while JSONata makes the first messages is an answer to them, or data, in order', async (t) => {
  const { network, told, dialer } = await setUp(t, {
    subscribe: { send: "${! $formatNumber(meta.now, '#') }", expect: { ok: true } },
  });
  const opening = network.last.opensLater().then(() => {
    assert.equal(network.last.isPaused, true);
    for (const text of ['1', '{"ok":true}', '2']) network.last.says(text);
    assert.deepEqual(told.frames, []);
  });
  await opening;
  await turn();
  assert.deepEqual([told.frames, dialer.state, network.last.isPaused], [['1', '2'], 'live', false]);
});

test('a first message that cannot be made ends the connection with the reason', async (t) => {
  const { network, told } = await setUp(t, { subscribe: "${! $hmac('sha256', $string(meta.now), meta.now) }" });
  await network.last.opensLater();
  await turn();
  assert.match(told.lost[0]?.reason ?? '', /^message 1 of subscribe cannot be made: .*Argument 3 of function "hmac"/);
});

test('a connection that ends while JSONata makes its first messages sends nothing', async (t) => {
  const { network, clock, dialer } = await setUp(t, { subscribe: "${! $formatNumber(meta.now, '#') }" });
  await network.last.opensLater();
  network.last.ends();
  await turn();
  assert.deepEqual([network.last.sent, dialer.state], [[], 'waiting']);
  clock.advance(500);
  assert.equal(network.sockets.length, 2);
});

test('a heartbeat may be signed, and one that cannot be made ends the connection', async (t) => {
  const { network, clock, told } = await setUp(t, {
    heartbeat: { ping: '0s', send: { every: '5s', message: { t: "${! $formatNumber(meta.now, '#') }" } } },
  });
  await network.last.opensLater();
  clock.advance(5_000);
  await turn();
  assert.deepEqual(network.last.sent, [`{"t":"${clock.now()}"}`]);
  const bad = await setUp(t, {
    heartbeat: { ping: '0s', send: { every: '5s', message: '${! $hmac("sha256", $string(meta.now), meta.now) }' } },
  });
  await bad.network.last.opensLater();
  bad.clock.advance(5_000);
  await turn();
  assert.match(bad.told.lost[0]?.reason ?? '', /^heartbeat.send.message cannot be made: /);
  assert.equal(told.lost.length, 0);
});
