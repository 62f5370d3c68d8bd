import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { focusOf, requireChromium, tabTo, type Visitor, visit } from './visitor.ts';

const CONFIG = 'test/fixtures/channels-page.yaml';
const MARKUP = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1"> & <b>bold</b>';

interface Stage {
  readonly browser: Browser;
  readonly gateway: GatewayProcess;
  readonly visitor: Visitor;
}

async function prepare(t: TestContext, dataDir?: string): Promise<Stage | undefined> {
  const browser = await requireChromium(t);
  if (browser === undefined) return undefined;
  const gateway = await startGateway(t, { config: CONFIG, ...(dataDir !== undefined && { dataDir }) });
  await gateway.ready();
  const visitor = await visit(browser, `http://localhost:${gateway.port}/prices/`);
  await visitor.is('connected');
  return { browser, gateway, visitor };
}

/** A client whose frames become records of the channel of their symbol. */
async function senderTo(t: TestContext, { port }: GatewayProcess): Promise<(json: string) => Promise<void>> {
  const client = await TestClient.open(`ws://localhost:${port}/send`);
  t.after(() => client.ws.terminate());
  return async (json) => {
    const answers = client.frames.length;
    client.ws.send(json);
    await client.until(() => client.frames.length > answers);
  };
}

async function subscribe({ page }: Visitor, channel: string): Promise<void> {
  await page.fill('#channel', channel);
  await page.press('#channel', 'Enter');
}

/** Resolves when the row of a channel says this. */
async function rowSays({ page }: Visitor, channel: string, text: string | RegExp): Promise<void> {
  await page.locator(`#channels li[data-channel="${channel}"]`, { hasText: text }).waitFor();
}

test('a page shows the records of its channels as they are, and of no other', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { visitor, gateway } = stage;
  const send = await senderTo(t, gateway);
  await subscribe(visitor, 'symbol.ACME');
  await rowSays(visitor, 'symbol.ACME', 'Subscribed');
  await send('{"symbol":"IBM","price":1}');
  await send('{"symbol":"ACME","price":12345678901234567890,"of":1.50}');
  await visitor.reads('{"symbol":"ACME","price":12345678901234567890,"of":1.50}');
  await send(JSON.stringify({ symbol: 'ACME', text: MARKUP }));
  await visitor.reads(MARKUP.slice(0, 20));
  await rowSays(visitor, 'symbol.ACME', '2 records');
  assert.ok(!(await visitor.log()).some((line) => line.includes('IBM')));
  assert.equal(await visitor.page.evaluate('window.hacked'), undefined);
  assert.equal(await visitor.page.locator('#log script, #log img, #log b').count(), 0);

  await send(JSON.stringify({ symbol: 'ACME', text: 'x'.repeat(5_000) }));
  await visitor.reads(/5,\d\d\d characters/);
  const longest = Math.max(...(await visitor.log()).map((line) => line.length));
  assert.ok(longest < 2_200, `${longest} characters of a record`);

  await visitor.page.getByRole('button', { name: 'Unsubscribe from symbol.ACME' }).click();
  await visitor.reads('Unsubscribed from symbol.ACME.');
  assert.equal(await visitor.page.locator('#channels li').count(), 0);
  assert.deepEqual(visitor.complaints, []);
});

test('a channel that a client may not have is shown with the reason, and can be removed', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { visitor } = stage;
  await subscribe(visitor, 'user.ada');
  await rowSays(visitor, 'user.ada', /Refused.*user\.ada/);
  await visitor.reads('TG_NOT_ALLOWED');
  await subscribe(visitor, ' ');
  await visitor.page.locator('#channel-problem', { hasText: 'Write the name of a channel.' }).waitFor();
  assert.equal(await visitor.page.getAttribute('#channel', 'aria-invalid'), 'true');
  await subscribe(visitor, 'symbol.ACME');
  await rowSays(visitor, 'symbol.ACME', 'Subscribed');
  await subscribe(visitor, 'symbol.ACME');
  await visitor.page.locator('#channel-problem', { hasText: 'symbol.ACME is in the list.' }).waitFor();
  await visitor.page.getByRole('button', { name: 'Remove user.ada' }).click();
  assert.equal(await visitor.page.locator('#channels li').count(), 1);
});

test('a keyboard is enough to subscribe, to go through the channels and to unsubscribe', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { visitor } = stage;
  const { page } = visitor;
  assert.equal(await focusOf(page), 'channel');
  for (const symbol of ['A', 'B', 'C']) {
    await page.keyboard.type(`symbol.${symbol}`);
    await page.keyboard.press('Enter');
    await rowSays(visitor, `symbol.${symbol}`, 'Subscribed');
  }
  const focus = () => page.evaluate('document.activeElement.getAttribute("aria-label")');
  await tabTo(page, '#channels button');
  assert.equal(await focus(), 'Unsubscribe from symbol.A');
  await page.keyboard.press('End');
  assert.equal(await focus(), 'Unsubscribe from symbol.C');
  await page.keyboard.press('ArrowUp');
  assert.equal(await focus(), 'Unsubscribe from symbol.B');
  await page.keyboard.press('Enter');
  await visitor.reads('Unsubscribed from symbol.B.');
  assert.equal(await focus(), 'Unsubscribe from symbol.C', 'the focus is not lost with the row');
  await page.keyboard.press('Tab');
  assert.equal(await focusOf(page), 'log', 'the list is one stop of the Tab key');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await focus(), 'Unsubscribe from symbol.C', 'the way back leads to where one was');
});

test('what becomes of the subscriptions is read out, and records are not', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { visitor, gateway } = stage;
  const send = await senderTo(t, gateway);
  await subscribe(visitor, 'symbol.ACME');
  await visitor.page.getByRole('status').filter({ hasText: 'Subscribed to symbol.ACME.' }).waitFor();
  await send('{"symbol":"ACME","price":1}');
  await visitor.reads('"price":1');
  assert.equal(await visitor.page.locator('#said').textContent(), 'Subscribed to symbol.ACME.');
  assert.equal(await visitor.page.getAttribute('#log', 'aria-live'), 'off');
});

test('the page keeps the newest thousand lines, and counts all records', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { visitor, gateway } = stage;
  const client = await TestClient.open(`ws://localhost:${gateway.port}/send`);
  t.after(() => client.ws.terminate());
  await subscribe(visitor, 'symbol.ACME');
  await rowSays(visitor, 'symbol.ACME', 'Subscribed');
  for (let price = 1; price <= 5_000; price += 1) client.ws.send(JSON.stringify({ symbol: 'ACME', price }));
  await visitor.reads('"price":5000}');
  await rowSays(visitor, 'symbol.ACME', '5,000 records');
  const log = await visitor.log();
  assert.equal(log.length, 1_000);
  assert.match(log[0] ?? '', /"price":4001}/);
});

test('after a restart of the gateway the page is subscribed again by itself, and says what was recovered', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidegate-browser-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const stage = await prepare(t, dataDir);
  if (stage === undefined) return;
  const { visitor, gateway } = stage;
  await subscribe(visitor, 'symbol.ACME');
  await rowSays(visitor, 'symbol.ACME', 'Subscribed');
  await gateway.stop();
  await visitor.is('connecting');
  await rowSays(visitor, 'symbol.ACME', 'Not connected');
  await subscribe(visitor, 'symbol.IBM');
  const second = await startGateway(t, { config: CONFIG, dataDir, port: gateway.port });
  await second.ready();
  await visitor.is('connected');
  await rowSays(visitor, 'symbol.ACME', 'Recovered');
  await visitor.reads('symbol.ACME: subscribed again, nothing was missed.');
  await visitor.reads('Subscribed to symbol.IBM.');
  const send = await senderTo(t, second);
  await send('{"symbol":"ACME","price":2}');
  await send('{"symbol":"IBM","price":3}');
  await visitor.reads('"price":2');
  await visitor.reads('"price":3');
});

test('a page that was away gets what it missed in the order of the log, or says that it is lost', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { visitor, gateway } = stage;
  const send = await senderTo(t, gateway);
  const sendSome = async (from: number, to: number) => {
    for (let price = from; price <= to; price += 1) await send(`{"symbol":"ACME","price":${price}}`);
  };
  const prices = async () => (await visitor.log()).flatMap((line) => /"price":(\d+)/.exec(line)?.[1] ?? []).map(Number);
  await subscribe(visitor, 'symbol.ACME');
  await rowSays(visitor, 'symbol.ACME', /at [\w-]+\.0\.0/);
  await sendSome(1, 3);
  await rowSays(visitor, 'symbol.ACME', /3 records.*at [\w-]+\.0\.3/);

  await visitor.page.click('#disconnect');
  await visitor.is('disconnected');
  await rowSays(visitor, 'symbol.ACME', 'Not connected');
  await sendSome(4, 8);
  await visitor.page.click('#connect');
  await rowSays(visitor, 'symbol.ACME', /Recovered.*8 records.*at [\w-]+\.0\.8/);
  assert.deepEqual(await prices(), [1, 2, 3, 4, 5, 6, 7, 8]);

  await visitor.page.click('#disconnect');
  await visitor.is('disconnected');
  await sendSome(9, 20);
  await visitor.page.click('#connect');
  await rowSays(visitor, 'symbol.ACME', /Not recovered.*8 records.*at [\w-]+\.0\.20/);
  await visitor.reads('symbol.ACME: subscribed again, but records of the meantime are lost.');
  await sendSome(21, 21);
  await visitor.reads('"price":21');
  assert.deepEqual(await prices(), [1, 2, 3, 4, 5, 6, 7, 8, 21]);
});

test('gaps and dropped records are shown, and channels of the handshake show where they were', async (t) => {
  const browser = await requireChromium(t);
  if (browser === undefined) return;
  // In place of a gateway: retention and slow clients cannot be had at will.
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const urls: string[] = [];
  server.on('connection', (socket, { url = '' }) => {
    urls.push(url);
    const say = (frame: object) => socket.send(JSON.stringify(frame));
    const isBack = urls.length > 1;
    for (const [channel, at] of Object.entries({ 'user.ada': 'e.2.7', 'tenant.a': 'e.2.4', news: 'e.0.1' }))
      say({ type: 'subscribed', channel, position: at, ...(isBack && { recovered: channel !== 'news' }) });
    if (isBack) return;
    say({ type: 'message', channel: 'tenant.a', position: 'e.2.9', data: 1 });
    say({ type: 'message', channel: 'team.b', data: 2 });
    say({ type: 'message', channel: 'client.7', data: 3 });
    say({ type: 'gap', channel: 'news', position: 'e.0.50', reason: 'expired' });
    say({ type: 'dropped', count: 3 });
    say({ type: 'renew', within: 30 });
  });
  const visitor = await visit(browser, pathToFileURL(resolve('src/web/channels.html')).href);
  await visitor.page.fill('#server', `ws://127.0.0.1:${(server.address() as AddressInfo).port}/prices?access_token=x`);
  await visitor.page.click('#connect');
  await visitor.is('connected');
  await rowSays(visitor, 'user.ada', /Joined.*at e\.2\.7/);
  await rowSays(visitor, 'team.b', /Joined.*1 record$/);
  await rowSays(visitor, 'client.7', /Joined.*1 record$/);
  await rowSays(visitor, 'news', /Gap.*at e\.0\.50/);
  await visitor.reads('news: records are missing (expired). It goes on at e.0.50.');
  await visitor.reads('This page was too slow: 3 records were left out.');
  await visitor.reads('The token of this connection ends in 30 s.');

  for (const socket of server.clients) socket.terminate();
  await rowSays(visitor, 'user.ada', 'Recovered');
  await rowSays(visitor, 'news', 'Not recovered');
  assert.equal(await visitor.page.locator('#channels li[data-channel="client.7"]').count(), 0);
  assert.deepEqual(urls, ['/prices?access_token=x', '/prices?access_token=x&since=e.2.9&since=e.0.50']);
});

test('an unsubscribe holds that is not answered yet, or comes before the answer to the subscribe', async (t) => {
  const browser = await requireChromium(t);
  if (browser === undefined) return;
  // In place of a gateway: one that reads a topic again takes its time.
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const asked: string[] = [];
  server.on('connection', (socket) => {
    const say = (frame: object) => socket.send(JSON.stringify(frame));
    socket.on('message', (frame: Buffer) => {
      const { type, channel, id } = JSON.parse(frame.toString());
      asked.push(`${type} ${channel}`);
      if (type === 'unsubscribe' && channel === 'slow') {
        say({
          type: 'error',
          id: id - 1,
          channel,
          code: 'TG_NOT_SUBSCRIBED',
          message: 'it has ended',
          retryable: false,
        });
        say({ type: 'unsubscribed', id, channel });
      } else if (type === 'subscribe' && channel === 'news')
        say({ type: 'subscribed', id, channel, position: 'e.0.1' });
    });
  });
  const visitor = await visit(browser, pathToFileURL(resolve('src/web/channels.html')).href);
  await visitor.page.fill('#server', `ws://127.0.0.1:${(server.address() as AddressInfo).port}/prices`);
  await visitor.page.click('#connect');
  await visitor.is('connected');
  await subscribe(visitor, 'slow');
  await rowSays(visitor, 'slow', 'Subscribing');
  await visitor.page.getByRole('button', { name: 'Unsubscribe from slow' }).click();
  await visitor.reads('Unsubscribed from slow.');
  assert.ok(!(await visitor.log()).some((line) => line.includes('it has ended')));

  await subscribe(visitor, 'news');
  await rowSays(visitor, 'news', 'Subscribed');
  await visitor.page.getByRole('button', { name: 'Unsubscribe from news' }).click();
  await rowSays(visitor, 'news', 'Unsubscribing');
  for (const socket of server.clients) socket.terminate();
  await visitor.reads('Connected again.');
  assert.equal(await visitor.page.locator('#channels li').count(), 0);
  assert.deepEqual(asked.slice(2), ['subscribe news', 'unsubscribe news']);
});
