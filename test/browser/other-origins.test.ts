import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { gatewayOf, MEMORY, ready } from '../unit/library/rig.ts';
import { requireChromium } from './visitor.ts';

/** The origin of an empty page, on a port of its own. */
async function siteOf(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>a page</title>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function pageAt(browser: Browser, url: string) {
  const page = await browser.newPage();
  await page.goto(url);
  /** What a script of the page gets: status and text, or why it gets nothing. */
  const fetched = (target: string, options: object = {}) =>
    page.evaluate(
      `fetch(${JSON.stringify(target)}, ${JSON.stringify(options)})
        .then(async (response) => response.type + ' ' + response.status + ' ' + await response.text(), () => 'blocked')`,
    ) as Promise<string>;
  const socket = (target: string) =>
    page.evaluate(
      `new Promise((resolve) => {
        const socket = new WebSocket(${JSON.stringify(target)});
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('refused');
      })`,
    ) as Promise<string>;
  return { page, fetched, socket };
}

test('a page of another origin reads and changes nothing of admin and Connect; one that is listed may', async (t) => {
  const browser = await requireChromium(t);
  if (browser === undefined) return;
  const [evil, ui] = [await siteOf(t), await siteOf(t)];
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    admin: { port: 0 },
    listeners: { public: { port: 0 } },
    endpoints: { words: { listener: 'public', path: '/ws', codec: 'json', origins: ['self'], direction: 'out' } },
    connect: { port: 0, access_control_allow_origin: [ui], access_control_allow_methods: ['GET', 'PUT', 'POST'] },
  });
  await ready(gateway);
  const { admin, connect, listeners } = gateway.ports();
  const at = (port: number | undefined, path: string) => `http://127.0.0.1:${port}${path}`;
  const connector = JSON.stringify({ name: 'theirs', config: { 'connector.class': 'x', 'websocket.url': 'ws://x' } });
  const json = { 'content-type': 'application/json' };

  const attacker = await pageAt(browser, evil);
  for (const target of [at(admin, '/metrics'), at(admin, '/health'), at(connect, '/connectors'), at(connect, '/')])
    assert.equal(await attacker.fetched(target), 'blocked', target);
  for (const options of [
    { method: 'POST', mode: 'no-cors', body: connector },
    { method: 'POST', headers: json, body: connector },
  ])
    assert.match(await attacker.fetched(at(connect, '/connectors'), options), /^(?:opaque 0 |blocked)$/);
  assert.equal(await attacker.fetched(at(connect, '/admin/loggers/root'), { method: 'PUT', headers: json }), 'blocked');
  assert.equal(await attacker.socket(`ws://127.0.0.1:${listeners.public}/ws`), 'refused');
  assert.deepEqual(await (await fetch(at(connect, '/connectors'))).json(), []);

  const listed = await pageAt(browser, ui);
  assert.equal(await listed.fetched(at(connect, '/connectors')), 'cors 200 []');
  const put = { method: 'PUT', headers: json, body: '{}' };
  assert.match(await listed.fetched(at(connect, '/connector-plugins/none/config/validate'), put), /^cors (?!403)\d+ /);
  assert.equal(await listed.fetched(at(connect, '/connectors/x'), { method: 'DELETE' }), 'blocked');
  assert.equal(await listed.fetched(at(admin, '/metrics')), 'blocked');

  const own = await pageAt(browser, at(listeners.public, '/health'));
  assert.equal(await own.socket(`ws://127.0.0.1:${listeners.public}/ws`), 'open');
});
