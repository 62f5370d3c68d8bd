import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { letPass, lookOf, requireChromium, tabTo, timesShown, type Visitor, visit } from './visitor.ts';

interface Stage {
  readonly browser: Browser;
  readonly gateway: GatewayProcess;
  open(): Promise<Visitor>;
  /** Opens the page and connects under a name. */
  join(name: string, age?: string): Promise<Visitor>;
}

async function prepare(t: TestContext): Promise<Stage | undefined> {
  const browser = await requireChromium(t);
  if (browser === undefined) return undefined;
  const gateway = await startGateway(t, { config: 'config/examples/chat.yaml' });
  await gateway.ready();
  const open = () => visit(browser, `http://localhost:${gateway.port}/chat/`);
  const join = async (name: string, age = '') => {
    const visitor = await open();
    await visitor.page.fill('#name', name);
    await visitor.page.fill('#age', age);
    await visitor.page.click('#connect');
    return visitor;
  };
  return { browser, gateway, open, join };
}

test('two browsers chat, lines appear as the server wrote them, and markup is shown as text', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const alice = await stage.join('Alice', '20');
  await alice.is('connected');
  await alice.reads('Hi Alice! You have succesfully connected to the chat');
  const zoe = await stage.join('Zoë & Söhne?/#');
  await zoe.is('connected');
  await alice.reads('Zoë & Söhne?/# connected to chat');
  const bob = await stage.join('Bob', '7');
  await bob.is('connected');
  await zoe.reads('Bob with age 7 connected to chat');

  await alice.say('<script>window.hacked=1</script><img src=x onerror="window.hacked=1">');
  await bob.reads('Alice: <script>window.hacked=1</script>');
  await bob.say('  two   spaces');
  await alice.reads('Bob:   two   spaces');
  assert.deepEqual(await alice.log(), [
    'Hi Alice! You have succesfully connected to the chat',
    'Zoë & Söhne?/# connected to chat',
    'Bob with age 7 connected to chat',
    'Alice: <script>window.hacked=1</script><img src=x onerror="window.hacked=1">',
    'Bob:   two   spaces',
  ]);
  for (const { page, complaints } of [alice, bob, zoe]) {
    assert.equal(await page.evaluate('window.hacked'), undefined);
    assert.deepEqual(complaints, []);
  }

  await bob.page.click('#disconnect');
  await bob.is('disconnected');
  await alice.reads('Bob left the chat');
  assert.equal(await bob.page.locator('#connect').isVisible(), true);
  await bob.say('too late');
  assert.match((await bob.page.locator('#toasts').textContent()) ?? '', /Not sent/);
  assert.equal(await bob.page.inputValue('#message'), 'too late', 'what was not sent is not lost');
});

test('a name that is taken is refused with the reason, and the page does not try again by itself', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const alice = await stage.join('Alice');
  await alice.is('connected');
  const twin = await stage.open();
  await twin.page.clock.install();
  let sockets = 0;
  twin.page.on('websocket', () => {
    sockets += 1;
  });
  await twin.page.fill('#name', 'Alice');
  await twin.page.press('#name', 'Enter');
  await twin.reads('Username already exists.');
  await twin.is('disconnected');
  assert.equal(await timesShown(twin.page, 'Username already exists.'), 1);
  assert.deepEqual(await twin.log(), ['Disconnected: Username already exists.']);
  await letPass(twin.page, 120);
  await twin.is('disconnected');
  assert.equal(sockets, 1);
  assert.equal(await twin.page.evaluate('document.activeElement.id'), 'name');

  await twin.page.fill('#name', 'Alina');
  await twin.page.press('#name', 'Enter');
  await twin.is('connected');
  await alice.reads('Alina connected to chat');
  await twin.say('Hello: I am Alina');
  await alice.say('Hello');
  await twin.reads('Alice: Hello');
  const kinds = ['Alina: Hello: I am Alina', 'Alice: Hello', 'Hi Alina!'].map((text) => lookOf(twin.page, text));
  assert.equal(
    new Set(await Promise.all(kinds)).size,
    3,
    'own lines, those of others and those of the chat look different',
  );
  assert.ok(!(await alice.log()).some((line) => line.startsWith('Alice connected')));
});

test('an invalid name is explained before anything is sent', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { page } = await stage.open();
  let sockets = 0;
  page.on('websocket', () => {
    sockets += 1;
  });
  for (const [name, problem] of [
    ['   ', 'Tell the others your name.'],
    ['..', 'This name cannot be part of an address.'],
  ] as const) {
    await page.fill('#name', name);
    await page.press('#name', 'Enter');
    assert.equal(await page.locator('#name-problem').textContent(), problem);
    assert.equal(await page.getAttribute('#name', 'aria-invalid'), 'true');
  }
  await page.fill('#name', 'Alice');
  await page.fill('#server', 'http://localhost/');
  await page.press('#server', 'Enter');
  assert.match((await page.locator('#problem').textContent()) ?? '', /ws:\/\/ or wss:\/\//);
  assert.equal(sockets, 0);
});

test('a keyboard is enough: join, say something, and leave', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const ida = await stage.open();
  const { page } = ida;
  assert.equal(await page.evaluate('document.activeElement.id'), 'name');
  await page.keyboard.type('Ida');
  await tabTo(page, '#age');
  await page.keyboard.type('44');
  await tabTo(page, '#connect');
  await page.keyboard.press('Enter');
  await ida.is('connected');
  assert.equal(await page.evaluate('document.activeElement.id'), 'message');
  await page.keyboard.type('hello');
  await page.keyboard.press('Enter');
  await ida.reads('Ida: hello');
  await tabTo(page, '#disconnect', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await ida.is('disconnected');
  assert.equal(await page.evaluate('document.activeElement.id'), 'connect', 'the focus is not lost with the button');
});
