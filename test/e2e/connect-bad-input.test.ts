import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type Said, startConnect } from '../helpers/connect-gateway.ts';

const FEED = 'ws://127.0.0.1:1';
const CONFIG = { 'connector.class': 'WebSocketSource', 'websocket.url': FEED, 'kafka.topic': 'mine' };

/** Deeper than the stack of whatever calls itself for each level. */
const DEPTH = 20_000;
const LISTS = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
const OBJECTS = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;

/** A gateway, and the calls that it could not answer, by its log. */
async function stage(t: TestContext) {
  const lines = new PassThrough().setEncoding('utf8');
  let log = '';
  lines.on('data', (text: string) => {
    log += text;
  });
  const { api } = await startConnect(t, { lines });
  t.after(() => assert.doesNotMatch(log, /could not be answered/));
  const create = (fields: string, config: object = CONFIG) =>
    api.call('POST', '/connectors', `{"config":${JSON.stringify(config)},${fields}}`);
  const put = (more: object) => api.call('PUT', '/connectors/x/config', { ...CONFIG, ...more });
  return { api, create, put };
}

const isRefused = ({ status, body }: Said, why: RegExp, what: string) => {
  assert.deepEqual([status, body?.error_code], [400, 400], `${what}: ${JSON.stringify(body)?.slice(0, 300)}`);
  assert.match(body.message, why, what);
};

test('names that are not UTF-8 text are refused; names that every object inherits are allowed', async (t) => {
  const { api, create } = await stage(t);
  isRefused(await create('"name":"a\\ud800"'), /half of a surrogate pair/, 'a surrogate alone');
  isRefused(await create('"name":{"toString":1}'), /The value of name must be text/, 'an object');
  for (const name of ['__proto__', 'constructor', '😀']) {
    assert.equal((await create(`"name":${JSON.stringify(name)}`)).status, 201, name);
    await api.until(`/connectors/${encodeURIComponent(name)}/status`, ({ status }) => status === 200);
  }
  const { body } = await api.call('GET', '/connectors?expand=status&expand=info');
  assert.deepEqual(Object.keys(body), (await api.call('GET', '/connectors')).body);
  const entry = Object.getOwnPropertyDescriptor(body, '__proto__')?.value;
  assert.deepEqual([entry.info.name, entry.status.name], ['__proto__', '__proto__']);
});

test('texts that are too long are refused, and quoted by their beginning', async (t) => {
  const { create, put } = await stage(t);
  const long = 'x y'.repeat(300_000);
  const isShort = (said: Said, why: RegExp, what: string) => {
    isRefused(said, why, what);
    assert.ok(said.body.message.length < 1_000, what);
  };
  isShort(await create(`"name":"x","initial_state":"${long}"`), /initial_state must be one of/, 'initial_state');
  isShort(await create('"name":"x"', { ...CONFIG, 'kafka.topic': long }), /configuration kafka\.topic/, 'kafka.topic');
  isShort(await create('"name":"x"', { ...CONFIG, 'connector.class': long }), /Failed to find any class/, 'class');
  isShort(await create('"name":"x"', { long }), /contains no connector type/, 'no class');
  isShort(await create(`"name":"x","${long}":1`), /Unrecognized field/, 'a field');
  isShort(await create(`"name":"${'n'.repeat(20_000)}"`), /at most 4096 characters when it is percent-encoded/, 'name');
  isShort(await put({ 'websocket.url': 'ws://a\r\nb' }), /line break or other control character/, 'a URL');
});

test('endless nesting, or another type than text, is a mistake of the caller', async (t) => {
  const { api, create, put } = await stage(t);
  const nested = /nested more than 100 levels deep/;
  for (const deep of [LISTS, OBJECTS]) {
    isRefused(await create(`"name":"x","initial_state":${deep}`), nested, 'initial_state');
    isRefused(await create(`"name":${deep}`), nested, 'name');
    isRefused(await api.call('PUT', '/connectors/x/config', `{"a":${deep}}`), nested, 'a setting');
    isRefused(await api.call('PUT', '/admin/loggers/x', `{"level":${deep}}`), nested, 'a level');
    const offsets = (partition: string, offset: string) =>
      api.call('PATCH', '/connectors/x/offsets', `{"offsets":[{"partition":${partition},"offset":${offset}}]}`);
    isRefused(await offsets(`{"url":"a","b":${deep}}`, '{"cursor":1}'), nested, 'a partition');
    isRefused(await offsets('{"url":"a"}', `{"cursor":${deep}}`), nested, 'an offset');
  }
  for (const wrong of ['["RUNNING"]', '{"toString":1}'])
    isRefused(await create(`"name":"x","initial_state":${wrong}`), /initial_state must be text/, wrong);
  isRefused(await api.call('PUT', '/admin/loggers/x', '{"level":{"toString":1}}'), /level must be text/, 'level');

  const settings = ['subscriptions', 'subscription.message', 'headers', 'record.headers', 'heartbeat.expect.message'];
  for (const name of settings.map((setting) => `websocket.${setting}`)) {
    const text = name.endsWith('subscriptions') ? `[${OBJECTS}]` : `{"send":1,"expect":${OBJECTS}}`;
    isRefused(await put({ [name]: text, 'websocket.heartbeat.expect.ms': '1000' }), nested, name);
  }
  // A message that waits for nothing is sent as the text that it is.
  const said = await put({ 'websocket.subscription.message': OBJECTS });
  assert.equal(said.status, 201);
  assert.equal(said.body.config['websocket.subscription.message'], '[hidden]', 'its secrets are hidden');

  const sink = { 'connector.class': 'tidegate.WebSocketSinkConnector', topics: 'mine', 'websocket.url': FEED };
  assert.equal((await api.call('PUT', '/connectors/s/config', { ...sink })).status, 201);
  assert.equal((await api.call('PUT', '/connectors/s/stop')).status, 204);
  const partition = '{"kafka_topic":"mine","kafka_partition":{"toString":1}}';
  const patch = await api.call(
    'PATCH',
    '/connectors/s/offsets',
    `{"offsets":[{"partition":${partition},"offset":null}]}`,
  );
  isRefused(patch, /need to be integers/, 'a partition that is an object');
});

test('settings that no handshake can carry are refused', async (t) => {
  const { put } = await stage(t);
  const token = /Invalid value \[hidden\] for configuration websocket\.auth\.token: .* HTTP does not allow in a header/;
  for (const wrong of ['a\r\nX-Admin: 1', 'a\0b', '☃', ' '])
    isRefused(await put({ 'websocket.auth.token': wrong }), token, JSON.stringify(wrong));
  for (const [name, text, why] of [
    ['websocket.headers', 'X:a\r\nY', /does not allow in a header/],
    ['websocket.headers', '__proto__:x', /"__proto__" cannot be a key/],
    ['websocket.proxy', 'http://%zz:p@127.0.0.1:1', /\[hidden\].* percent-encoded/],
    ['websocket.tls.servername', 'a\r\nb', /is not a host name/],
    ['websocket.tls.ca', 'a\0b', /NUL/],
    ['websocket.protocols', 'a b', /a subprotocol is one word/],
    ['kafka.topic', '__consumer_offsets', /this topic is internal/],
    ['tasks.max', '100000000', /Value must be no more than 1000/],
  ] as const)
    isRefused(await put({ [name]: text }), why, name);
  const protocols = { 'websocket.protocols': '${! meta.token }', 'websocket.auth.token': 'a b' };
  isRefused(await put(protocols), /websocket\.protocols: with the token, a subprotocol is one word/, 'protocols');
  // White space around a token was never sent.
  assert.equal((await put({ 'websocket.auth.token': ' ab\n', 'websocket.protocols': '${! meta.token }' })).status, 201);
});

test('a connector that is too large for the log is refused, and the next call works', async (t) => {
  const { api, create, put } = await stage(t);
  // The request is just small enough, the record is larger than it: the name and the state are in it, too.
  const room = 1_048_576 - JSON.stringify({ name: 'x', config: { ...CONFIG, pad: '' } }).length;
  const large = { ...CONFIG, pad: 'x'.repeat(room) };
  const made = await create('"name":"x"', large);
  assert.deepEqual([made.status, made.body.error_code], [413, 413]);
  assert.match(made.body.message, /^Error writing to the log: .*\d+ bytes/);
  assert.equal((await api.call('GET', '/connectors/x')).status, 404);
  assert.equal((await put({})).status, 201);
  assert.equal((await api.call('PUT', '/connectors/x/stop')).status, 204);
  await api.state('x', 'STOPPED', 0);
  const cursor = 'x'.repeat(1_048_576 - 100);
  const offsets = [{ partition: { url: FEED }, offset: { cursor } }];
  assert.equal((await api.call('PATCH', '/connectors/x/offsets', { offsets })).status, 413);
  assert.deepEqual((await api.call('GET', '/connectors/x/offsets')).body, { offsets: [] });
});
