import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';

const CONFIG = 'test/fixtures/output-only.yaml';
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

test('endpoints whose clients only receive start without a warning, and refuse what is sent', async (t) => {
  const gateway = await startGateway(t, { config: CONFIG });
  await gateway.ready();
  const news = await TestClient.open(`ws://127.0.0.1:${gateway.port}/news`);
  for (const id of [1, 2]) news.send('hello', { id });
  await news.until(() => news.of('ERROR').length === 2);
  assert.deepEqual(
    news.of('ERROR').map(({ code, retryable, id }) => [code, retryable, id]),
    [
      ['TG_NOT_ALLOWED', false, 1],
      ['TG_NOT_ALLOWED', false, 2],
    ],
  );
  assert.equal(news.closed, undefined);
  const { body } = await gateway.get('/metrics');
  assert.match(body, /tidegate_sockets_paused\{[^}]*endpoint="news"[^}]*\} 0\n/, 'it is read on');
  const plain = await TestClient.open(`ws://127.0.0.1:${gateway.port}/plain`);
  plain.ws.send('hello');
  await plain.until(() => plain.closed !== undefined);
  assert.deepEqual(plain.closed, { code: 1003, reason: 'no messages are taken here' });
  assert.equal(await gateway.stop(), 0);
  assert.doesNotMatch(gateway.output(), /no pipeline reads/);
});

test('errors over HTTP have one form on all ports', async (t) => {
  const gateway = await startGateway(t, { config: CONFIG });
  await gateway.ready();
  const { port, adminPort } = gateway;
  const held = await TestClient.open(`ws://127.0.0.1:${port}/plain`);
  t.after(() => held.ws.terminate());
  const answers = await Promise.all([
    answerTo(adminPort, '/nothing'),
    answerTo(adminPort, '/health', {}, 'POST'),
    answerTo(port, '/health', {}, 'POST'),
    answerTo(port, '/nothing'),
    answerTo(port, '/news'),
    answerTo(port, '/nothing', HANDSHAKE),
    answerTo(port, '/plain', { ...HANDSHAKE, origin: 'https://example.com' }),
    answerTo(port, '/plain', HANDSHAKE),
    answerTo(port, '/news', { ...HANDSHAKE, 'sec-websocket-version': '9' }),
    answerTo(port, '/news', HANDSHAKE, 'POST'),
  ]);
  assert.deepEqual(
    answers.map(({ status, code }) => [status, code]),
    [
      [404, 'not_found'],
      [405, 'method_not_allowed'],
      [405, 'method_not_allowed'],
      [404, 'not_found'],
      [426, 'upgrade_required'],
      [404, 'not_found'],
      [403, 'origin'],
      [503, 'full'],
      [400, 'bad_handshake'],
      [405, 'bad_handshake'],
    ],
  );
});

test('health, readiness and metrics are answered with a slash at the end, and to HEAD', async (t) => {
  const gateway = await startGateway(t, { config: CONFIG });
  await gateway.ready();
  for (const path of ['/health', '/ready', '/metrics', '/health/', '/ready/', '/metrics/', '/health/?a=/']) {
    const { status, body } = await gateway.get(path);
    assert.ok(status === 200 && body.length > 0, path);
    const head = await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, { method: 'HEAD' });
    assert.equal(head.status, 200, path);
  }
  const health = await (await fetch(`http://127.0.0.1:${gateway.port}/health/`)).json();
  const { status, log, driver, kafka } = health as Record<string, unknown>;
  assert.deepEqual([status, log, driver, kafka], ['healthy', 'up', 'embedded', 'unused']);
  assert.equal((await gateway.get('/health//')).status, 404);
});

/** The answer to a request that is not let in; its body must be an error as documented. */
function answerTo(port: number, path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number | undefined; code: string }>((resolve, reject) => {
    const request = httpRequest({ port, path, headers, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        assert.equal(response.headers['content-type'], 'application/json; charset=utf-8');
        const { error, ...more } = JSON.parse(text) as { error: { code: string; message: string } };
        assert.deepEqual(more, {});
        assert.deepEqual(Object.keys(error), ['code', 'message']);
        assert.match(error.message, /^(?:[a-z/]|POST)/);
        resolve({ status: response.statusCode, code: error.code });
      });
    });
    request.on('upgrade', () => reject(new Error(`${path} was upgraded`)));
    request.on('error', reject).end();
  });
}
