import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { startGateway } from '../helpers/gateway-process.ts';
import { tokenOf } from '../unit/auth/rig.ts';
import { requireChromium, visit } from './visitor.ts';

/** The library as pages load it. */
const LIBRARY = join(dirname(createRequire(import.meta.url).resolve('centrifuge')), '../dist/centrifuge.js');
const CONFIG = 'config/examples/centrifuge.yaml';
const SECRET = 'a secret of this test, 32 bytes or more';

const token = (sub: string) => tokenOf({ alg: 'HS256' }, { sub, exp: Math.ceil(Date.now() / 1_000) + 600 }, SECRET);

/** A client of the page that is subscribed to a channel; what it gets is in `seen`, how it was subscribed in `subscribed`. */
const SUBSCRIBE = (port: number, user: string) => `new Promise((resolve) => {
  window.seen = [];
  window.subscribed = [];
  window.client = new Centrifuge('ws://127.0.0.1:${port}/connection/websocket', { token: '${token(user)}', minReconnectDelay: 100 });
  const subscription = client.newSubscription('news.a');
  subscription.on('publication', ({ data }) => seen.push(data.n));
  subscription.on('subscribed', ({ recovered, wasRecovering }) => {
    subscribed.push({ recovered, wasRecovering });
    resolve();
  });
  subscription.subscribe();
  client.connect();
})`;

test("a page with Centrifugo's library publishes, and misses nothing while its gateway restarts", async (t) => {
  const browser = await requireChromium(t);
  if (browser === undefined) return;
  const dataDir = mkdtempSync(join(tmpdir(), 'tidegate-centrifuge-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const env = { JWT_SECRET: SECRET };
  const first = await startGateway(t, { config: CONFIG, dataDir, env });
  await first.ready();
  const { port } = first;
  const open = async (user: string) => {
    // Any page of the gateway's own will do: from elsewhere Chromium does not let a page reach this machine.
    const { page } = await visit(browser, `http://127.0.0.1:${port}/nothing`);
    await page.addScriptTag({ path: LIBRARY });
    await page.evaluate(SUBSCRIBE(port, user));
    return page;
  };
  const ann = await open('ann');
  await ann.evaluate(`client.publish('news.a', { n: 1 })`);
  await ann.waitForFunction('seen.length === 1');

  await ann.evaluate(`client.on('connecting', () => { window.hasLost = true; })`);
  await first.stop();
  await ann.waitForFunction('window.hasLost');
  // The library would be there again before the records that it is to miss.
  await ann.context().setOffline(true);
  const second = await startGateway(t, { config: CONFIG, dataDir, env, port });
  await second.ready();
  const bob = await open('bob');
  for (const n of [2, 3]) await bob.evaluate(`client.publish('news.a', { n: ${n} })`);
  await bob.waitForFunction('seen.length === 2');
  await ann.context().setOffline(false);
  await ann.waitForFunction('subscribed.length === 2');
  await bob.evaluate(`client.publish('news.a', { n: 4 })`);
  await ann.waitForFunction('seen.length === 4');
  assert.deepEqual(await ann.evaluate('seen'), [1, 2, 3, 4]);
  assert.deepEqual(await ann.evaluate('subscribed'), [
    { recovered: false, wasRecovering: false },
    { recovered: true, wasRecovering: true },
  ]);
});
