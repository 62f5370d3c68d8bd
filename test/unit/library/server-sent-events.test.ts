import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { gatewayOf, MEMORY, next, ready } from './rig.ts';

type EndpointSettings = Partial<NonNullable<ConfigObject['endpoints']>[string]>;

function talk(endpoint: EndpointSettings = {}): ConfigObject {
  return {
    ...MEMORY,
    listeners: { public: { port: 0 } },
    endpoints: { talk: { listener: 'public', path: '/talk', codec: 'raw', sse: true, ...endpoint } },
    pipelines: {
      in: { source: { endpoint: 'talk' }, sink: { topic: { name: 'talk' } } },
      out: { source: { topic: { names: ['talk'] } }, sink: { endpoint: 'talk' } },
    },
  };
}

const EVENTS = { accept: 'text/event-stream' };

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function clientsOf(gateway: Gateway): number | undefined {
  return gateway.inspect().endpoints.find(({ name }) => name === 'talk')?.connections;
}

/** The answer to a GET, and the text that has come of it. */
async function requested(t: TestContext, gateway: Gateway, headers: Readonly<Record<string, string>> = EVENTS) {
  const request = get({ port: gateway.ports().listeners.public, path: '/talk', headers, agent: false });
  t.after(() => request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  let hasEnded = false;
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  response
    .on('error', () => {})
    .on('close', () => {
      hasEnded = true;
    });
  return { response, request, text: () => text, hasEnded: () => hasEnded };
}

async function speaker(t: TestContext, gateway: Gateway, path = '/talk'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports().listeners.public}${path}`);
  t.after(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

test('clients of events get what clients of WebSockets get, and late ones what was said before', async (t) => {
  const gateway = await gatewayOf(t, talk({ replay: { last: 10 } }));
  await ready(gateway);
  const events = await requested(t, gateway);
  assert.equal(events.response.statusCode, 200);
  assert.equal(events.response.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(events.response.headers['cache-control'], 'no-store');
  const socket = await speaker(t, gateway);
  socket.send('one');
  socket.send('two\nlines\r\nand more\r');
  socket.send(Buffer.from([1, 255]));
  socket.send('last');
  const expected =
    ': open\n\ndata: one\n\ndata: two\ndata: lines\ndata: and more\ndata: \n\nevent: binary\ndata: Af8=\n\ndata: last\n\n';
  await until(() => events.text().length >= expected.length);
  assert.equal(events.text(), expected);
  const late = await requested(t, gateway);
  await until(() => late.text().length >= expected.length);
  assert.equal(late.text(), expected);
  assert.equal(clientsOf(gateway), 3);
});

test('a client that goes away is forgotten', async (t) => {
  const gateway = await gatewayOf(t, talk());
  await ready(gateway);
  const events = await requested(t, gateway);
  assert.equal(clientsOf(gateway), 1);
  events.request.destroy();
  await until(() => clientsOf(gateway) === 0);
});

test('a gateway that stops tells clients when to come back, and ends their streams', async (t) => {
  const gateway = await gatewayOf(t, talk());
  await ready(gateway);
  const events = await requested(t, gateway);
  await until(() => events.text() !== '');
  await gateway.stop();
  await until(events.hasEnded);
  const said = /^: open\n\nretry: (\d+)\nevent: close\ndata: (.*)\n\n$/.exec(events.text());
  assert.deepEqual(JSON.parse(said?.[2] ?? 'null'), { code: 1012, reason: 'service restart' });
  const retry = Number(said?.[1]);
  assert.ok(retry >= 1_000 && retry <= 2_000, `${retry} ms`);
});

for (const [what, endpoint, headers, status, code] of [
  ['a request that does not ask for events', {}, { accept: 'text/html' }, 426, 'upgrade_required'],
  ['an endpoint without them', { sse: false }, EVENTS, 426, 'upgrade_required'],
  [
    'a page that may not connect',
    { origins: ['https://a.example'] },
    { ...EVENTS, origin: 'https://b.example' },
    403,
    'origin',
  ],
  [
    'a client that allow.connect refuses',
    { allow: { connect: '${! meta.path = "/other" }' } },
    { ...EVENTS, origin: 'https://b.example' },
    403,
    'not_allowed',
  ],
] as const) {
  test(`${what} is answered with ${status}`, async (t) => {
    const gateway = await gatewayOf(t, talk(endpoint));
    await ready(gateway);
    const refused = await requested(t, gateway, headers);
    assert.equal(refused.response.statusCode, status);
    await until(refused.hasEnded);
    assert.equal(JSON.parse(refused.text()).error.code, code);
  });
}

test('a request without the Accept of events hears of it where there are some', async (t) => {
  for (const sse of [true, false]) {
    const gateway = await gatewayOf(t, talk({ sse }));
    await ready(gateway);
    const refused = await requested(t, gateway, {});
    await until(refused.hasEnded);
    const { message } = JSON.parse(refused.text()).error;
    assert.equal(/or ask for server-sent events by Accept: text\/event-stream$/.test(message), sse, message);
  }
});

test('a page that may connect may read the stream', async (t) => {
  const gateway = await gatewayOf(t, talk({ origins: ['https://a.example'] }));
  await ready(gateway);
  const { response } = await requested(t, gateway, {
    accept: 'text/plain, text/event-stream;q=0.9',
    origin: 'https://a.example',
  });
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['access-control-allow-origin'], 'https://a.example');
  assert.equal(response.headers.vary, 'Origin');
});

test('a client that does not read is treated as slow_consumer says', async (t) => {
  const { endpoints, pipelines, ...rest } = talk({ slow_consumer: { queue: '64KiB', when_full: 'disconnect' } });
  // The one who speaks listens elsewhere: its own queue would be full as well.
  const gateway = await gatewayOf(t, {
    ...rest,
    endpoints: { ...endpoints, said: { listener: 'public', path: '/said', codec: 'raw' } },
    pipelines: { ...pipelines, in: { source: { endpoint: 'said' }, sink: { topic: { name: 'talk' } } } },
  });
  await ready(gateway);
  const events = await requested(t, gateway);
  const closed = next(gateway, 'ws-close', ({ endpoint }) => endpoint === 'talk');
  events.response.pause();
  const socket = await speaker(t, gateway, '/said');
  const text = 'x'.repeat(100_000);
  // More than the buffers of both sockets hold.
  for (let sent = 0; sent < 500 && clientsOf(gateway) === 1; sent += 1) {
    await new Promise((resolve) => socket.send(text, resolve));
  }
  events.response.resume();
  const [, { code, reason }] = await closed;
  assert.deepEqual({ code, reason }, { code: 1008, reason: 'slow' });
  await until(events.hasEnded);
});
