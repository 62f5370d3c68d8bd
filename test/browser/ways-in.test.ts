import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayOf, MEMORY, ready } from '../unit/library/rig.ts';
import { requireChromium } from './visitor.ts';

test('a page gets the same records by a compressed WebSocket and by server-sent events', async (t) => {
  const browser = await requireChromium(t);
  if (browser === undefined) return;
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    listeners: { public: { port: 0 } },
    endpoints: {
      talk: { listener: 'public', path: '/talk', codec: 'raw', sse: true, compression: { threshold: '1B' } },
    },
    pipelines: {
      in: { source: { endpoint: 'talk' }, sink: { topic: { name: 'talk' } } },
      out: { source: { topic: { names: ['talk'] } }, sink: { endpoint: 'talk' } },
    },
  });
  await ready(gateway);
  const page = await browser.newPage();
  // The page has another origin than the gateway: none.
  const found = await page.evaluate(`new Promise((resolve) => {
    const at = '127.0.0.1:${gateway.ports().listeners.public}/talk';
    const text = 'the same words, '.repeat(1000);
    const heard = {};
    const events = new EventSource('http://' + at);
    const done = (way, data) => {
      heard[way] = data === text;
      if ('events' in heard && 'socket' in heard) resolve({ ...heard, extensions: socket.extensions });
    };
    events.onmessage = ({ data }) => done('events', data);
    let socket;
    events.onopen = () => {
      socket = new WebSocket('ws://' + at);
      socket.onmessage = ({ data }) => done('socket', data);
      socket.onopen = () => socket.send(text);
    };
  })`);
  const extensions = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
  assert.deepEqual(found, { events: true, socket: true, extensions });
});
