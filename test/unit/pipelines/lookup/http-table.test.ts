import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../../../src/core/clock.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { lookupOf, mistakesIn } from './rig.ts';

type Serve = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real server, and a lookup that asks it. `asked`: method, path and body of each request. */
async function serverOf(
  t: TestContext,
  serve: Serve,
  http: object = {},
  settings: object = {},
  path = '',
  clock: Clock = systemClock,
) {
  const asked: string[] = [];
  const listener: RequestListener = async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push(`${request.method} ${request.url} ${body}`.trim());
    serve(request, response, body);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${port}${path || '/users/${! json.user }'}`;
  const fast = { backoff: { initial: '1ms', max: '5ms' } };
  const made = lookupOf({ http: { url, ...fast, ...http }, into: 'found', ...settings }, clock);
  t.after(() => made.processor.close?.());
  return { ...made, asked, server };
}

const user = (name: string) => JSON.stringify({ user: name });
const ok: Serve = (_, response) => response.end('{"id":9007199254740993,"p":1.10}');

test('a value is put into the message digit by digit, and asked for once while it is in the cache', async (t) => {
  const { process, asked, count } = await serverOf(t, ok);
  const expected = '{"user":"ada","found":{"id":9007199254740993,"p":1.10}}';
  const answers = await Promise.all([process(user('ada')), process(user('ada')), process(user('ada'))]);
  assert.deepEqual([...answers, await process(user('ada'))], Array(4).fill(expected));
  assert.deepEqual(asked, ['GET /users/ada']);
  assert.equal(count('tidegate_lookup_requests_total', { result: 'found' }), 1);
});

test('values are percent-encoded, and cannot lead to another path or to all users', async (t) => {
  const { process, asked } = await serverOf(t, ok);
  await process(user('a/b?c#d %2e é\ud800'));
  assert.deepEqual(asked, ['GET /users/a%2Fb%3Fc%23d%20%252e%20%C3%A9%EF%BF%BD']);
  await assert.rejects(process(user('..')), { code: 'TG_EXPRESSION_FAILED', message: /has no place in the path/ });
  assert.equal(await process(user('')), user(''));
  assert.equal(await process('{}'), '{}');
  assert.equal(asked.length, 1);
});

test('a POST sends a body, and answers are kept by it', async (t) => {
  const { process, asked } = await serverOf(
    t,
    (_request, response, body) => response.end(body),
    { method: 'POST', body: { id: '${! json.user }', n: 1 } },
    {},
    '/find',
  );
  assert.equal(
    await process('{"user":12345678901234567890}'),
    '{"user":12345678901234567890,"found":{"id":12345678901234567890,"n":1}}',
  );
  await process(user('b'));
  await process(user('b'));
  assert.deepEqual(asked, ['POST /find {"id":12345678901234567890,"n":1}', 'POST /find {"id":"b","n":1}']);
});

test('404, 410, 204 and an empty answer are misses, which are kept for a while', async (t) => {
  for (const status of [404, 410, 204, 200]) {
    const { process, asked } = await serverOf(t, (_, response) => response.writeHead(status).end());
    assert.equal(await process(user('x')), user('x'));
    assert.equal(await process(user('x')), user('x'));
    assert.equal(asked.length, 1, String(status));
  }
});

test('5xx, 429, a reset and a wait that is too long are tried again', async (t) => {
  const troubles: readonly Serve[] = [
    (_, response) => response.writeHead(500).end('{"no":"value"}'),
    (_, response) => response.writeHead(429, { 'retry-after': '60' }).end(),
    (request) => request.socket.resetAndDestroy(),
    () => {},
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"half');
    },
  ];
  let n = 0;
  const serve: Serve = (request, response, body) => (troubles[n++] ?? ok)(request, response, body);
  const { process, asked, count } = await serverOf(t, serve, { retries: 5, timeout: '300ms' });
  assert.match((await process(user('ada'))) ?? '', /"found":\{"id"/);
  assert.equal(asked.length, 6);
  assert.equal(count('tidegate_lookup_requests_total', { result: 'failed' }), 5);
});

test('after the last retry the processor is busy; the next message asks again, as nothing of it is kept', async (t) => {
  let status = 503;
  const { process, asked } = await serverOf(t, (_, response) => response.writeHead(status).end('1'), { retries: 2 });
  await assert.rejects(process(user('ada')), {
    code: 'TG_PROCESSOR_BUSY',
    message: /^GET http:\/\/127\.0\.0\.1:\d+\/users\/\*\*\*: the server answered 503 after 3 tries$/,
  });
  status = 200;
  assert.equal(await process(user('ada')), '{"user":"ada","found":1}');
  assert.equal(asked.length, 4);
});

test('a lookup ends after give_up_after, whether the server hangs or refuses', async (t) => {
  const limits = { retries: 100, timeout: '80ms', give_up_after: '80ms', backoff: { initial: '10ms', max: '10ms' } };
  const hangs = await serverOf(t, () => {}, limits);
  await assert.rejects(hangs.process(user('ada')), { code: 'TG_PROCESSOR_BUSY', message: /within 80 ms/ });
  assert.equal(hangs.asked.length, 1);
  const refuses = await serverOf(t, (_, response) => response.writeHead(503).end(), limits);
  await assert.rejects(refuses.process(user('ada')), { code: 'TG_PROCESSOR_BUSY', message: /503/ });
  assert.ok(refuses.asked.length < 20, `${refuses.asked.length} requests`);
  const [mistake = ''] = mistakesIn({ http: { url: 'http://h/', timeout: '2s', give_up_after: '1s' } });
  assert.match(mistake, /shorter than timeout/);
});

test('another 4xx, a redirect, no JSON and an answer without an end fail the message at once', async (t) => {
  const endless: Serve = (_, response) => {
    const more = () => response.write('x'.repeat(10_000), () => setImmediate(more));
    more();
  };
  const refusals: readonly (readonly [Serve, RegExp])[] = [
    [(_, response) => response.writeHead(403).end('secret reasons'), /the server answered 403$/],
    [(_, response) => response.writeHead(302, { location: 'http://x/' }).end(), /answered 302, and redirects are not/],
    [(_, response) => response.end('<html>'), /the answer is not JSON$/],
    [endless, /more than max_bytes \(65536\)$/],
  ];
  for (const [serve, message] of refusals) {
    const { process, asked } = await serverOf(t, serve, { max_bytes: '64KiB' });
    await assert.rejects(process(user('ada')), { code: 'TG_PROCESSOR_FAILED', message });
    assert.equal(asked.length, 1);
  }
});

test('headers are sent, and neither they nor user, password and query are shown', async (t) => {
  const seen: unknown[] = [];
  const serve: Serve = ({ headers }, response) => {
    seen.push([headers.authorization, headers['x-tenant'], headers.accept]);
    response.writeHead(401).end();
  };
  const headers = { Authorization: 'Bearer very-secret-token', 'x-tenant': 7, Accept: 'text/plain' };
  const { process, lines } = await serverOf(t, serve, { headers }, {}, '/u?api_key=hidden-key&user=${! json.user }');
  const failure = await process(user('ada')).catch((error: Error) => error);
  assert.deepEqual(seen, [['Bearer very-secret-token', '7', 'text/plain']]);
  const told = JSON.stringify([String(failure), (failure as Error).stack, lines]);
  assert.doesNotMatch(told, /very-secret|hidden-key|ada/);
  for (const [name, value, why] of [
    ['Host', 'x', /follows from the request/],
    ['a b', 'x', /not a valid header name/],
    ['token', 'very-secret\n', /has a character that HTTP does not allow/],
  ] as const) {
    const [mistake = ''] = mistakesIn({ http: { url: 'http://h/', headers: { [name]: value } } });
    assert.match(mistake, why);
    assert.doesNotMatch(mistake, /very-secret/);
  }
});

test('the server is chosen by the configuration alone', () => {
  const mistake = (url: string, more: object = {}) => mistakesIn({ http: { url, ...more } })[0] ?? 'none';
  assert.match(mistake('https://${! json.host }/x'), /host and port are always the same/);
  assert.match(mistake('https://h:${! json.port }/x'), /host and port are always the same/);
  assert.match(mistake('${! json.url }'), /begins with http:\/\/ or https:/);
  assert.match(mistake('ftp://h/x'), /begins with http:\/\/ or https:/);
  assert.match(mistake('http://h/a b'), /a space/);
  assert.match(mistake('http://h/', { body: 1 }), /only a POST has a body/);
  assert.equal(mistake('http://user:pw@h/${! $uppercase(json.a) }?b=${! json.b }'), 'none');
});

test('the cache keeps within its limits, and an answer only for as long as it is good', async (t) => {
  const clock = new HandClock();
  const cache = { keys: 2, ttl: '20ms' };
  const { process, asked, processor } = await serverOf(t, ok, { cache }, {}, '', clock);
  for (const name of ['a', 'b', 'c', 'c', 'b', 'a']) await process(user(name));
  assert.deepEqual(asked.length, 4);
  await process(user('a'));
  assert.equal(asked.length, 4);
  clock.advance(20);
  await process(user('a'));
  assert.equal(asked.length, 5);
  assert.equal(processor.concurrency, 8);
  const none = await serverOf(t, ok, { cache: { keys: 0 }, concurrency: 3 });
  await none.process(user('a'));
  await none.process(user('a'));
  assert.deepEqual([none.asked.length, none.processor.concurrency], [2, 3]);
});

test('closing ends a request that waits', async (t) => {
  const { process, processor, asked } = await serverOf(t, () => {});
  const waiting = process(user('ada'));
  waiting.catch(() => {});
  while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  processor.close?.();
  await assert.rejects(waiting, { code: 'TG_STOPPING' });
});

test('https asks only a server whose certificate is trusted; a file that is missing is named at the start', async (t) => {
  const file = (name: string) => `test/fixtures/tls/${name}`;
  const options = { key: readFileSync(file('server.key.pem')), cert: readFileSync(file('server.pem')) };
  const server = createTlsServer(options, (_, response) => response.end('1')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = (tls?: object) => {
    const made = lookupOf({ http: { url, retries: 0, ...(tls && { tls }) }, into: 'found' }, systemClock);
    t.after(() => made.processor.close?.());
    return made;
  };
  await assert.rejects(ask().process('{}'), { code: 'TG_PROCESSOR_BUSY', message: /certificate/ });
  const trusting = ask({ ca: file('ca.pem'), servername: 'localhost' });
  await trusting.processor.open?.();
  assert.equal(await trusting.process('{}'), '{"found":1}');
  await assert.rejects(Promise.resolve(ask({ ca: 'nowhere.pem' }).processor.open?.()), /tls\.ca: ENOENT/);
});
