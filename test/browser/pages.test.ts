import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';
import { requireChromium, type Visitor, visit } from './visitor.ts';

const PAGES = {
  rooms: { config: 'config/examples/rooms.yaml', path: '/' },
  chat: { config: 'config/examples/chat.yaml', path: '/chat/' },
  channels: { config: 'test/fixtures/channels-page.yaml', path: '/prices/' },
} as const;
const SIZES = [
  { width: 375, height: 812 },
  { width: 1280, height: 800 },
];
/** Kept for people to look at. */
const SCREENSHOTS = resolve('test-artefacts/screenshots');

for (const [name, { config, path }] of Object.entries(PAGES)) {
  const fromDisk = pathToFileURL(resolve(`src/web/${name}.html`)).href;

  test(`${name}: the page works opened from disk, with the address of a gateway`, async (t) => {
    const stage = await prepare(t, config);
    if (stage === undefined) return;
    const visitor = await visit(stage.browser, fromDisk);
    await visitor.is('disconnected');
    assert.match(await visitor.page.inputValue('#server'), /^ws:\/\/localhost:(8088\/|9090\/(chat|prices)\/)$/);
    await visitor.page.fill('#server', `ws://localhost:${stage.port}${path}`);
    await enter(visitor, 'Dana');
    await say(visitor, stage.port, 'from a file');
    await visitor.reads('from a file');
    assert.deepEqual(visitor.complaints, []);
  });

  test(`${name}: the browser holds the page to its policy`, async (t) => {
    const stage = await prepare(t, config);
    if (stage === undefined) return;
    for (const url of [`http://localhost:${stage.port}${path}`, fromDisk]) {
      const { page, complaints } = await visit(stage.browser, url);
      await page.evaluate(`document.body.append(
        Object.assign(document.createElement('script'), { textContent: 'window.hacked = 1' }),
        Object.assign(document.createElement('img'), { src: 'http://localhost:${stage.port}/health' }),
      )`);
      await page.evaluate(`fetch('http://localhost:${stage.port}/health').catch(() => {})`);
      assert.equal(await page.evaluate('window.hacked'), undefined);
      const breaches = complaints.filter((complaint) => complaint.includes('Content Security Policy'));
      for (const directive of ['script-src', 'img-src', 'connect-src']) {
        assert.ok(
          breaches.some((breach) => breach.includes(directive)),
          `${directive} at ${url}`,
        );
      }
    }
  });

  test(`${name}: the page fits a phone and a desktop, light and dark`, async (t) => {
    const stage = await prepare(t, config);
    if (stage === undefined) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    const url = `http://localhost:${stage.port}${path}`;
    const other = await visit(stage.browser, url);
    await enter(other, 'Mo');
    for (const viewport of SIZES) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const visitor = await visit(stage.browser, url, { viewport, colorScheme });
        await enter(visitor, `${colorScheme} ${viewport.width}`);
        for (const line of CONVERSATION) {
          await say(visitor, stage.port, line);
          await visitor.reads(line);
        }
        await say(other, stage.port, 'Thanks. I am on my way.');
        await visitor.reads('Thanks. I am on my way.');
        await visitor.page.screenshot({ path: join(SCREENSHOTS, `${name}-${viewport.width}-${colorScheme}.png`) });
        const width = await visitor.page.evaluate('document.scrollingElement.scrollWidth');
        assert.ok(Number(width) <= viewport.width, `${width} px of content on ${viewport.width}`);
        await visitor.page.context().close();
      }
    }
  });
}

const CONVERSATION = [
  'Good morning! Is the pump in hall 3 running again?',
  'It shows <b>4.1 bar</b> & 61 °C, which is more than it had yesterday when the valve was still half closed.',
  `https://example.org/${'a-path-without-any-space/'.repeat(6)}`,
];

async function prepare(t: TestContext, config: string): Promise<{ browser: Browser; port: number } | undefined> {
  const browser = await requireChromium(t);
  if (browser === undefined) return undefined;
  const gateway = await startGateway(t, { config });
  await gateway.ready();
  return { browser, port: gateway.port };
}

/** Connects where the page has not done so by itself; the chat wants a name for it. */
async function enter({ page, is }: Visitor, name: string): Promise<void> {
  if ((await page.locator('#name').count()) > 0) await page.fill('#name', name);
  if (await page.locator('#connect').isVisible()) await page.click('#connect');
  await is('connected');
  if ((await page.locator('#channel').count()) === 0) return;
  for (const channel of ['symbol.pump', 'symbol.valve', 'private.plan']) {
    await page.fill('#channel', channel);
    await page.press('#channel', 'Enter');
  }
  await page.locator('#channels li', { hasText: 'Refused' }).waitFor();
}

/** In the page, or as a record of one of its channels. */
async function say({ page, say: write }: Visitor, port: number, text: string): Promise<void> {
  if ((await page.locator('#message').count()) > 0) return write(text);
  const client = await TestClient.open(`ws://localhost:${port}/send`);
  client.ws.send(JSON.stringify({ symbol: 'pump', text }));
  await client.until(() => client.frames.length > 0);
  client.ws.terminate();
}
