import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { TestClient } from '../helpers/client.ts';
import { freePort, until } from '../helpers/gateway-process.ts';
import { manifestsOf, missingHelm, template } from '../helpers/helm.ts';
import { missingService } from '../services/missing.ts';
import { programOf } from '../services/reverse-proxy.ts';

test('the chart’s web client in a real nginx: it serves the page, and sockets go to the gateway', {
  skip: await missingHelm(),
}, async (t) => {
  const program = programHere(t);
  if (program === undefined) return;
  const gateway = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => {
    for (const client of gateway.clients) client.terminate();
    gateway.close();
  });
  await once(gateway, 'listening');
  const { port: gatewayPort } = gateway.address() as { port: number };

  const manifests = manifestsOf(await template('t', '--set', 'webClient.enabled=true'));
  const { data = {} } = manifests.find(({ metadata }) => metadata.name === 't-tidegate-web-client') ?? {};
  const folder = mkdtempSync(join(tmpdir(), 'web-client-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Where the tests run as root, workers are another user.
  chmodSync(folder, 0o755);
  const port = await freePort();
  // What a container has of its own: addresses, and /tmp as the only folder to write into.
  const config = (data['nginx.conf'] ?? '')
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replace('http://t-tidegate:8088/', `http://127.0.0.1:${gatewayPort}/`)
    .replaceAll(' /tmp/', ` ${folder}/`)
    .replace('/usr/share/nginx/html', folder);
  writeFileSync(join(folder, 'nginx.conf'), config);
  writeFileSync(join(folder, 'index.html'), data['index.html'] ?? '');
  const nginx = spawn(program, ['-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // Its workers go with it; killed, it would leave them.
  t.after(() => nginx.kill('SIGTERM'));
  let said = '';
  nginx.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const url = `http://127.0.0.1:${port}`;
  const isUp = async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.ok === true;
  await until(isUp, 5_000, () => `nginx does not answer: ${said}`);

  for (const path of ['/', '/ws', '/any/where?user=a']) {
    const page = await fetch(url + path);
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    assert.match(await page.text(), /<!doctype html>/i);
  }
  const arrived = once(gateway, 'connection');
  const client = await TestClient.open(`ws://127.0.0.1:${port}/ws?token=${'x'.repeat(12_000)}`);
  t.after(() => client.ws.terminate());
  const [, { url: asked, headers }] = await arrived;
  assert.equal(asked, `/?token=${'x'.repeat(12_000)}`);
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(said, '', 'it has nothing to complain of');

  // One worker for each processor of a large node would not fit into the container.
  assert.match(config, /^worker_processes \d;$/m);
});

function programHere(t: TestContext): string | undefined {
  try {
    return programOf('NGINX_BIN', 'nginx');
  } catch (error) {
    return missingService(t, 'nginx', error);
  }
}
