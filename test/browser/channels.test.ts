import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Browser } from 'playwright-core';
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

test('after a restart of the gateway the page is subscribed again by itself, and not after Disconnect', async (t) => {
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
  await visitor.reads('symbol.ACME: subscribed again.');
  await visitor.reads('Subscribed to symbol.IBM.');
  const send = await senderTo(t, second);
  await send('{"symbol":"ACME","price":2}');
  await send('{"symbol":"IBM","price":3}');
  await visitor.reads('"price":2');
  await visitor.reads('"price":3');

  await visitor.page.click('#disconnect');
  await visitor.is('disconnected');
  await rowSays(visitor, 'symbol.ACME', 'Not connected');
  await visitor.page.click('#connect');
  await rowSays(visitor, 'symbol.ACME', 'Subscribed');
});
