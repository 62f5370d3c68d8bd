import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { focusOf, letPass, lookOf, requireChromium, tabTo, timesShown, type Visitor, visit } from './visitor.ts';

const CONFIG = 'config/examples/rooms.yaml';
const MARKUP = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1"> & <b>bold</b>';

interface Stage {
  readonly browser: Browser;
  readonly gateway: GatewayProcess;
  enter(): Promise<Visitor>;
}

async function prepare(t: TestContext): Promise<Stage | undefined> {
  const browser = await requireChromium(t);
  if (browser === undefined) return undefined;
  const gateway = await startGateway(t, { config: CONFIG });
  await gateway.ready();
  const enter = async () => {
    const visitor = await visit(browser, `http://localhost:${gateway.port}/`);
    await visitor.page.locator('#clients .own').waitFor();
    return visitor;
  };
  return { browser, gateway, enter };
}

/** The ID that the room gave this visitor. */
async function idOf({ page }: Visitor): Promise<string> {
  return (await page.locator('#clients .own .name').textContent()) ?? '';
}

test('two browsers talk, each sees the members, and markup is shown as text', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await stage.enter();
  const [annId, benId] = [await idOf(ann), await idOf(ben)];
  assert.notEqual(annId, benId);
  for (const visitor of [ann, ben]) {
    await visitor.is('connected');
    await visitor.page.locator('#clients li').nth(1).waitFor();
    assert.equal(await visitor.page.locator('#count').textContent(), '2');
  }
  assert.match((await ann.page.locator('#clients .own').textContent()) ?? '', /you/);

  await ann.say('Is anyone here?');
  await ben.reads('Is anyone here?');
  await ben.say(MARKUP);
  await ann.reads(MARKUP);
  await ben.reads(MARKUP);

  assert.ok((await ann.log()).includes(`${benId} ${MARKUP}`));
  assert.ok((await ben.log()).includes(`${benId} (you) ${MARKUP}`));
  for (const { page, complaints } of [ann, ben]) {
    assert.equal(await page.evaluate('window.hacked'), undefined);
    assert.equal(await page.locator('#log script, #log img, #log b').count(), 0);
    assert.deepEqual(complaints, []);
  }

  await ben.page.close();
  await ann.reads(`${benId} left.`);
  assert.equal(await ann.page.locator('#count').textContent(), '1');
});

test('times are in the time zone of the reader', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  await ann.say('What time is it?');
  const time = ann.page.locator('#log .entry', { hasText: 'What time is it?' }).locator('time');
  const iso = (await time.getAttribute('datetime')) ?? '';
  assert.match(iso, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const expected = new Date(iso).toLocaleTimeString('en-GB', { timeZone: 'Asia/Hong_Kong' });
  assert.equal(await time.textContent(), expected);
});

test('a direct message reaches its target and no other client', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await stage.enter();
  const cal = await stage.enter();
  const [annId, benId] = [await idOf(ann), await idOf(ben)];

  await ann.page.getByRole('button', { name: `Write to ${benId}` }).click();
  assert.equal(await ann.page.locator('#to').textContent(), `To ${benId}`);
  await ann.say('only for you');
  await ben.reads('only for you');
  await ben.say('I have it');
  await cal.reads('I have it');

  assert.ok((await ann.log()).includes(`direct you to ${benId} only for you`));
  assert.ok((await ben.log()).includes(`direct ${annId} to you only for you`));
  assert.ok(!(await cal.log()).some((line) => line.includes('only for you')));

  // What was meant for one does not go to everyone when that one has gone.
  await ben.page.close();
  await ann.reads(`${benId} left.`);
  assert.equal(await ann.page.locator('#to').textContent(), `To ${benId} (gone)`);
  await ann.say('are you still there?');
  await ann.reads(`Error: there is no client ${benId}`);
  assert.match((await ann.page.locator('#toasts').textContent()) ?? '', new RegExp(`there is no client ${benId}`));
  await ann.page.keyboard.press('Escape');
  assert.equal(await ann.page.locator('#to').textContent(), 'To everyone');
  await ann.say('is anyone there?');
  await cal.reads('is anyone there?');
  assert.ok(!(await cal.log()).some((line) => line.includes('are you still there?')));
});

test('a kicked client receives why and does not reconnect by itself, but the user may reconnect', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await stage.enter();
  const benId = await idOf(ben);
  let sockets = 0;
  ben.page.on('websocket', () => {
    sockets += 1;
  });
  await ben.page.clock.install();

  await ann.page.getByRole('button', { name: `Kick ${benId}` }).click();
  await ann.page.locator('#kick').click();
  await ben.is('kicked');
  await ann.reads(`${benId} left.`);
  const told = `You were kicked out by ${await idOf(ann)}.`;
  assert.equal((await ben.log()).at(-1), told);
  assert.equal(await timesShown(ben.page, told), 1);
  assert.equal(await focusOf(ben.page), 'connect', 'to write is of no use now');

  await letPass(ben.page, 120);
  await ben.is('kicked');
  assert.equal(sockets, 0);

  await ben.page.locator('#connect').click();
  await ben.is('connected');
  assert.notEqual(await idOf(ben), benId);
});

test('kick-all asks for confirmation, then removes everyone, the sender too', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await stage.enter();
  await ann.page.locator('#kick-all').click();
  await ann.page.locator('#refrain').click();
  assert.equal(await ann.page.locator('#confirm').isVisible(), false);
  await ann.say('I thought better of it');
  await ben.reads('I thought better of it');
  await ann.page.locator('#kick-all').click();
  await ann.page.locator('#kick').click();
  await ann.is('kicked');
  await ben.is('kicked');
  assert.equal((await ann.log()).at(-1), 'You were kicked out by yourself.');
});

test('the focus is on the message field once there is a connection, and on the address without one', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  await ann.is('connected');
  assert.equal(await focusOf(ann.page), 'message');
  const ben = await stage.enter();
  await ann.say('mine');
  await ben.say('of another');
  await ann.reads('of another');
  const looks = await Promise.all(['mine', 'of another', 'joined.'].map((text) => lookOf(ann.page, text)));
  assert.equal(new Set(looks).size, 3, 'own lines, those of others and those of the room look different');

  const browser = ann.page.context().browser();
  if (browser === null) return assert.fail('the browser is gone');
  const page = await visit(browser, pathToFileURL(resolve('src/web/rooms.html')).href);
  assert.equal(await focusOf(page.page), 'server');
  await page.page.fill('#server', `ws://localhost:${stage.gateway.port}/`);
  await page.page.keyboard.press('Enter');
  await page.is('connected');
  assert.equal(await focusOf(page.page), 'message');
});

test('the page reconnects by itself after a restart of the server, and not after Disconnect', async (t) => {
  const browser = await requireChromium(t);
  if (browser === undefined) return;
  const dataDir = mkdtempSync(join(tmpdir(), 'tidegate-browser-'));
  const first = await startGateway(t, { config: CONFIG, dataDir });
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  await first.ready();
  const { port } = first;
  const ann = await visit(browser, `http://localhost:${port}/`);
  const ben = await visit(browser, `http://localhost:${port}/`);
  for (const visitor of [ann, ben]) await visitor.page.locator('#clients .own').waitFor();
  const before = await idOf(ann);
  await ben.page.locator('#disconnect').click();
  await ben.is('disconnected');

  await first.stop();
  await ann.is('connecting');
  await ann.page.locator('#detail', { hasText: /^in \d+ s/ }).waitFor();
  assert.equal(await ann.page.locator('#connect').isVisible(), true);
  assert.equal(await ann.page.locator('#clients li').count(), 0);
  const second = await startGateway(t, { config: CONFIG, dataDir, port });
  await second.ready();

  await ann.is('connected');
  await ann.page.locator('#clients .own').waitFor();
  assert.notEqual(await idOf(ann), before);
  await ann.say('here again');
  await ann.reads('(you) here again');
  assert.equal(await ann.page.locator('#count').textContent(), '1');
  await ben.is('disconnected');
  await second.stop('SIGKILL');
});

test('a keyboard is enough: a direct message, everyone again, and a kick with its question', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await stage.enter();
  const cal = await stage.enter();
  const [benId, calId] = [await idOf(ben), await idOf(cal)];
  const { page } = ann;
  const focus = () => page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.id');
  await page.locator('#clients li').nth(2).waitFor();

  await tabTo(page, '#clients .write');
  assert.equal(await focus(), `Write to ${benId}`);
  await page.keyboard.press('ArrowDown');
  assert.equal(await focus(), `Write to ${calId}`);
  assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
  await page.keyboard.press('Enter');
  assert.equal(await focus(), 'message');
  await page.keyboard.type('by hand');
  await page.keyboard.press('Enter');
  await cal.reads('by hand');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#to').textContent(), 'To everyone');

  await tabTo(page, '#clients .kick', 'Shift+Tab');
  assert.equal(await focus(), `Kick ${calId}`);
  await page.keyboard.press('Enter');
  assert.equal(await focus(), 'refrain', 'what cannot be undone is not the default');
  await page.keyboard.press('Escape');
  assert.equal(await focus(), `Kick ${calId}`, 'the question gives the focus back');
  await page.keyboard.press('Enter');
  await tabTo(page, '#kick');
  await page.keyboard.press('Enter');
  await cal.is('kicked');
  await ann.reads(`${calId} left.`);
  assert.equal(await focus(), `Kick ${benId}`, 'the focus is not lost with the row');
  assert.ok(!(await ben.log()).some((line) => line.includes('by hand')));
});

test('a reader that has scrolled away gets a toast, which never covers the input', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await TestClient.open(`ws://localhost:${stage.gateway.port}/`);
  t.after(() => ben.ws.terminate());
  const broadcast = (message: string) => ben.ws.send(JSON.stringify({ type: 'broadcast-all', message }));
  for (let line = 1; line <= 60; line += 1) broadcast(`line ${line}`);
  await ann.reads('line 60');
  assert.equal(await ann.page.locator('.toast').count(), 0, 'a reader at the end of the log needs no toast');

  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 375, height: 812 },
  ]) {
    await ann.page.setViewportSize(viewport);
    await ann.page.locator('#log').hover();
    await ann.page.mouse.wheel(0, -600);
    await ann.page.locator('#latest').waitFor();
    broadcast(`Look at this, at ${viewport.width}`);
    const toast = ann.page.locator('.toast', { hasText: `at ${viewport.width}` });
    await toast.waitFor();
    const [over, input] = [await toast.boundingBox(), await ann.page.locator('#message').boundingBox()];
    assert.ok(over !== null && input !== null && over.y + over.height <= input.y);
    assert.ok(over.x >= 0 && over.x + over.width <= viewport.width);
    await toast.getByRole('button', { name: 'Dismiss' }).click();
    await toast.waitFor({ state: 'detached' });
    await ann.page.locator('#latest').click();
    await ann.page.locator('#latest').waitFor({ state: 'hidden' });
    assert.equal(await ann.page.evaluate('log.scrollHeight - log.scrollTop - log.clientHeight < 1'), true);
  }

  const show = (hidden: boolean) =>
    ann.page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));`);
  await show(true);
  broadcast('while you were away');
  await ann.page.locator('.toast', { hasText: 'while you were away' }).waitFor();
  assert.equal(await ann.page.title(), '(1) Rooms · Tidegate');
  await show(false);
  assert.equal(await ann.page.title(), 'Rooms · Tidegate');
});

test('the log keeps the newest thousand lines', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ann = await stage.enter();
  const ben = await TestClient.open(`ws://localhost:${stage.gateway.port}/`);
  t.after(() => ben.ws.terminate());
  for (let line = 1; line <= 1_100; line += 1) {
    ben.ws.send(JSON.stringify({ type: 'broadcast-all', message: `line ${line} of many` }));
  }
  await ann.reads('line 1100 of many');
  const log = await ann.log();
  assert.equal(log.length, 1_000);
  assert.match(log[0] ?? '', /line 101 of many$/);
});
