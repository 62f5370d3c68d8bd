import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { recordsOf, startConnect } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { until } from '../helpers/gateway-process.ts';

const CONFIGS = '_tidegate.connect.configs';
const TOKEN = 'geheim-token';

const newKey = () => randomBytes(32).toString('base64');

/** Gateways on one data directory, one after the other, and a feed that keeps the token of each handshake. */
async function stage(t: TestContext) {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-secrets-'));
  const feed = await FeedServer.start(t);
  const start = async (keys: readonly string[]) => {
    const lines = new PassThrough().setEncoding('utf8');
    let log = '';
    lines.on('data', (text: string) => {
      log += text;
    });
    const { gateway, api } = await startConnect(t, {
      lines,
      log: { embedded: { path } },
      connect: { secret_key: keys },
    });
    const stored = async () => (await recordsOf(gateway, CONFIGS)).map(({ text }) => text);
    return { gateway, api, stored, log: () => log, stop: () => gateway.stop() };
  };
  t.after(() => rm(path, { recursive: true, force: true }));
  const config = {
    'connector.class': 'WebSocketSource',
    'websocket.url': feed.url,
    'websocket.auth.token': TOKEN,
    'kafka.topic': 'feed',
  };
  const tokenOf = async (number: number) => (await feed.connection(number)).headers.authorization;
  return { feed, start, config, tokenOf };
}

test('secrets are encrypted at rest, read with every key, and written again with the first', async (t) => {
  const { feed, start, config, tokenOf } = await stage(t);
  const [old, fresh, wrong] = [newKey(), newKey(), newKey()];

  const first = await start([old]);
  assert.equal((await first.api.call('POST', '/connectors', { name: 'x', config })).status, 201);
  assert.equal(await tokenOf(1), `Bearer ${TOKEN}`);
  const kept = (await first.stored()).join('\n');
  assert.doesNotMatch(kept, /geheim/);
  assert.match(kept, /\{"key":\{"encrypted":"/, 'the session key is encrypted as well');
  assert.doesNotMatch(first.log(), /secret_key|geheim/);
  await first.stop();

  const rotated = await start([fresh, old]);
  assert.equal(await tokenOf(2), `Bearer ${TOKEN}`);
  await until(
    () => rotated.log().includes('the secrets of the connector x are written again'),
    10_000,
    () => rotated.log(),
  );
  await rotated.api.state('x', 'RUNNING');
  await rotated.stop();

  const unlucky = await start([wrong]);
  const { body } = await unlucky.api.until('/connectors/x/status', (said) => said.body.tasks?.[0]?.state === 'FAILED');
  const why =
    /websocket\.auth\.token is encrypted with the key [0-9a-f]{8}, and connect\.secret_key .* has only the keys/;
  assert.deepEqual([body.connector.state, body.tasks.length], ['FAILED', 1]);
  for (const { trace } of [body.connector, body.tasks[0]]) assert.match(trace, why);
  assert.match(unlucky.log(), /the connector x cannot run on this gateway: websocket\.auth\.token is encrypted/);
  assert.match(unlucky.log(), /calls that another gateway has to answer cannot be forwarded/);
  assert.equal((await unlucky.api.call('GET', '/connectors/x')).body.config['websocket.auth.token'], '[hidden]');
  const put = await unlucky.api.call('PUT', '/connectors/x/config', { ...config, 'websocket.auth.token': '[hidden]' });
  assert.deepEqual([put.status, /There is no stored value/.test(put.body.message)], [400, true]);
  assert.equal((await unlucky.api.call('PUT', '/connectors/x/pause')).status, 202, 'it may be paused as it is');
  await unlucky.stop();

  const last = await start([fresh]);
  await last.api.state('x', 'PAUSED');
  assert.equal((await last.api.call('PUT', '/connectors/x/resume')).status, 202);
  assert.equal(await tokenOf(3), `Bearer ${TOKEN}`, 'the old key is not needed any more, and nothing was lost');
  await last.api.state('x', 'RUNNING');
  assert.equal(feed.connections.length, 3, 'with the wrong key nothing is dialled');
});

test('without a key a warning says that secrets are in the clear; with one they are encrypted', async (t) => {
  const { start, config, tokenOf } = await stage(t);
  const open = await start([]);
  const warnings = open.log().match(/connect\.secret_key is not set/g) ?? [];
  assert.equal(warnings.length, 1, open.log());
  await open.api.call('POST', '/connectors', { name: 'x', config });
  assert.equal(await tokenOf(1), `Bearer ${TOKEN}`);
  assert.match((await open.stored()).join('\n'), /geheim/);
  await open.stop();

  const sealed = await start([newKey()]);
  assert.equal(await tokenOf(2), `Bearer ${TOKEN}`);
  await until(
    async () => {
      const last = (await recordsOf(sealed.gateway, CONFIGS))
        .filter(({ key }) => key?.toString() === 'connector-x')
        .at(-1);
      return last !== undefined && !last.text.includes('geheim');
    },
    10_000,
    () => 'it is in the clear still',
  );
  const keys = (await recordsOf(sealed.gateway, CONFIGS)).filter(({ key }) => key?.toString() === 'session-key');
  assert.match(keys[0]?.text ?? '', /^\{"key":"/);
  assert.match(keys.at(-1)?.text ?? '', /^\{"key":\{"encrypted":"/, 'gateways have another key since');
  assert.doesNotMatch(sealed.log(), /geheim|is not set/);
});
