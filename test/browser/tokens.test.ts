import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { ConfigObject } from '../../src/index.ts';
import { SECRET, tokenOf } from '../unit/auth/rig.ts';
import { gatewayOf, MEMORY, ready } from '../unit/library/rig.ts';
import { letPass, requireChromium, visit } from './visitor.ts';

const JWT = { secret: SECRET, algorithms: ['HS256'], clock_skew: '0s' };
const PIPES = (name: string) => ({
  [`${name}-in`]: { source: { endpoint: name }, sink: { topic: { name } } },
  [`${name}-out`]: { source: { topic: { names: [name], from: 'latest' } }, sink: { endpoint: name } },
});
const CONFIG = {
  ...MEMORY,
  admin: { enabled: false },
  auth: {
    users: { jwt: JWT, token: ['protocol', { query: 'access_token' }] },
    visitors: { jwt: JWT, token: [{ cookie: 'sid' }] },
  },
  listeners: { public: { port: 0, host: '127.0.0.1' } },
  endpoints: {
    orders: { listener: 'public', path: '/orders', codec: 'json', auth: 'users', protocols: ['tidegate.v1'] },
    own: { listener: 'public', path: '/own', codec: 'json', auth: 'visitors', direction: 'out' },
    rooms: {
      ...{ listener: 'public', path: '/rooms', codec: 'rooms', auth: 'users', web_client: '/rooms/' },
      ...{ presence: { topic: 'rooms' }, allow: { connect: "${! auth.sub != 'eve' }" } },
    },
    chat: {
      ...{ listener: 'public', path: '/chat/{username}', codec: 'chat', auth: 'users', web_client: '/chat/' },
      presence: { topic: 'chat' },
    },
  },
  pipelines: { ...PIPES('orders'), ...PIPES('rooms'), ...PIPES('chat') },
} as ConfigObject;

/** A token that ends in so many seconds. */
function sign(seconds: number, claims: object = {}): string {
  return tokenOf({ alg: 'HS256' }, { sub: 'ada', exp: Date.now() / 1_000 + seconds, ...claims }, SECRET);
}

async function setUp(t: TestContext) {
  const browser = await requireChromium(t);
  if (browser === undefined) return undefined;
  const gateway = await gatewayOf(t, CONFIG);
  await ready(gateway);
  const host = `127.0.0.1:${gateway.ports().listeners.public}`;
  return { browser, site: `http://${host}`, url: `ws://${host}` };
}

/** What becomes of a socket that a script opens: its protocol, its frames and its end; `renewal` is sent when the gateway asks for it. */
function talk(page: Page, url: string, protocols: readonly string[], renewal = ''): Promise<string[]> {
  return page.evaluate(`new Promise((resolve) => {
    const said = [];
    const socket = new WebSocket(${JSON.stringify(url)}, ${JSON.stringify(protocols)});
    socket.onopen = () => said.push('open ' + socket.protocol);
    socket.onclose = ({ code, reason }) => resolve([...said, code + ' ' + reason]);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type !== 'ack') said.push(frame.type ?? data);
      if (frame.type === 'renew') socket.send(JSON.stringify({ type: 'renew', token: ${JSON.stringify(renewal)} }));
      if (frame.type === 'renewed') socket.send('{"n":1}');
      if (frame.n === 1) socket.close(1000, 'enough');
    };
  })`);
}

test('a page shows its token as a subprotocol, renews it when it is asked, and goes on', async (t) => {
  const stage = await setUp(t);
  if (stage === undefined) return;
  const { page } = await visit(stage.browser, `${stage.site}/health`);
  const orders = `${stage.url}/orders`;
  const offer = (token: string) => ['tidegate.v1', `bearer.${token}`];
  assert.deepEqual(await talk(page, orders, offer(sign(1)), sign(60)), [
    ...['open tidegate.v1', 'renew', 'renewed', '{"n":1}'],
    '1000 enough',
  ]);
  assert.deepEqual(await talk(page, orders, offer(sign(-60))), ['open tidegate.v1', '4401 token_expired']);
  assert.deepEqual(await talk(page, orders, ['tidegate.v1']), ['open tidegate.v1', '4401 token_missing']);
  const other = sign(60, { sub: 'eve' });
  const closed = await talk(page, orders, offer(sign(1)), other);
  assert.equal(closed.at(-1), '4403 the token is of another client');
});

test('a page of another origin does not come in by the cookie of a user; one of the same origin does', async (t) => {
  const stage = await setUp(t);
  if (stage === undefined) return;
  const context = await stage.browser.newContext();
  await context.addCookies([{ name: 'sid', value: sign(60), url: stage.site }]);
  const opens = async (at: string) => {
    const page = await context.newPage();
    await page.goto(at);
    return page.evaluate(`new Promise((resolve) => {
      const socket = new WebSocket(${JSON.stringify(`${stage.url}/own`)});
      socket.onopen = () => setTimeout(() => resolve(socket.readyState === 1), 200);
      socket.onerror = () => resolve(false);
    })`);
  };
  assert.equal(await opens(`${stage.site}/health`), true);
  // Cookies do not tell ports of a host apart, and origins do.
  const neighbour = await gatewayOf(t, CONFIG);
  await ready(neighbour);
  assert.equal(await opens(`http://127.0.0.1:${neighbour.ports().listeners.public}/health`), false);
});

test('our pages say why they are not let in, and stay out', async (t) => {
  const stage = await setUp(t);
  if (stage === undefined) return;
  const rooms = await visit(stage.browser, `${stage.site}/health`);
  await rooms.page.clock.install();
  await rooms.page.goto(`${stage.site}/rooms/`);
  await rooms.reads('Disconnected: this server wants a valid token (token_missing)');
  await rooms.is('disconnected');
  await letPass(rooms.page, 60);
  await rooms.is('disconnected');
  const connect = async (claims: object) => {
    await rooms.page.fill('#server', `${stage.url}/rooms?access_token=${sign(60, claims)}`);
    await rooms.page.click('#connect');
  };
  await connect({ sub: 'eve' });
  await rooms.reads('Disconnected: this server does not let you in (not_allowed)');
  await rooms.is('disconnected');
  await connect({});
  await rooms.is('connected');

  const chat = await visit(stage.browser, `${stage.site}/chat/`);
  await chat.page.fill('#name', 'Ada');
  await chat.page.click('#connect');
  await chat.reads('Disconnected: this server wants a valid token (token_missing)');
  await chat.is('disconnected');
});
