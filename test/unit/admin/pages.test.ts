import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createPageHandler } from '../../../src/admin/pages.ts';
import type { PageName } from '../../../src/sdk/define.ts';

async function serve(t: TestContext, pages: readonly (readonly [string, PageName])[]): Promise<string> {
  const handle = createPageHandler(new Map(pages));
  const server = createServer((request, response) => {
    if (!handle(request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function file(name: PageName): string {
  return readFileSync(join('src/web', `${name}.html`), 'utf8');
}

test('a page is served at its path, and nothing else is', async (t) => {
  const url = await serve(t, [
    ['/', 'rooms'],
    ['/chat/', 'chat'],
  ]);
  assert.equal(await (await fetch(`${url}/`)).text(), file('rooms'));
  assert.equal(await (await fetch(`${url}/chat/?from=mail`)).text(), file('chat'));
  for (const path of ['/ws', '/chat/alice', '/chat/../package.json', '//', '/rooms.html', '/health']) {
    assert.equal((await fetch(url + path)).status, 418, path);
  }
});

test('a page is sent with the policy that it has itself, plus the one that only a header can set', async (t) => {
  const url = await serve(t, [['/', 'rooms']]);
  const { headers } = await fetch(url);
  const stated = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(file('rooms'))?.[1];
  assert.match(stated ?? '', /^default-src 'none'; script-src 'sha256-/);
  assert.equal(headers.get('content-security-policy'), `${stated}; frame-ancestors 'none'`);
  assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(headers.get('cache-control'), 'no-cache');
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('referrer-policy'), 'no-referrer');
});

test('HEAD gives the headers of GET without the page', async (t) => {
  const url = await serve(t, [['/', 'chat']]);
  const response = await fetch(url, { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(Number(response.headers.get('content-length')), Buffer.byteLength(file('chat')));
  assert.equal(await response.text(), '');
});

test('a path without its slash at the end leads to the page, also with a query and behind a prefix', async (t) => {
  const url = await serve(t, [['/chat/', 'chat']]);
  const response = await fetch(`${url}/chat?age=20`, { redirect: 'manual' });
  assert.equal(response.status, 308);
  assert.equal(response.headers.get('location'), 'chat/?age=20');
  const followed = await fetch(`${url}/chat?age=20`);
  assert.equal(followed.url, `${url}/chat/?age=20`);
  assert.equal(await followed.text(), file('chat'));
});

test('another method is 405 at a page, and left to others elsewhere', async (t) => {
  const url = await serve(t, [['/chat/', 'chat']]);
  for (const path of ['/chat/', '/chat']) {
    const response = await fetch(url + path, { method: 'POST', body: 'x' });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
  }
  assert.equal((await fetch(`${url}/`, { method: 'POST', body: 'x' })).status, 418);
});
