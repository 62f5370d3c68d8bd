import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../../helpers/client.ts';
import { keptLogger } from '../actors/rig.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

const config = (origins: readonly string[]) => ({
  ...MEMORY,
  admin: { enabled: false },
  listeners: { public: { port: 0 } },
  endpoints: { ticks: { listener: 'public', path: '/ticks', codec: 'json', origins } },
  pipelines: { in: { source: { endpoint: 'ticks' }, sink: { topic: { name: 'ticks' } } } },
});

test('pages of allowed origins come in, and clients that are not browsers; a refused page is in the log', async (t) => {
  const kept = keptLogger();
  const gateway = await gatewayOf(t, config(['https://*.example.com', 'HTTP://Localhost:80']), { logger: kept.logger });
  await ready(gateway);
  const url = `ws://127.0.0.1:${gateway.ports().listeners.public}/ticks`;
  for (const origin of ['https://a.example.com', 'https://a.b.example.com', 'http://localhost', undefined]) {
    const client = await TestClient.open(url, origin === undefined ? {} : { origin });
    client.ws.terminate();
  }
  for (const origin of ['https://evil-example.com', 'https://a.example.com.evil.org', 'https://example.com'])
    await assert.rejects(TestClient.open(url, { origin }), /403/);
  const lines = kept.lines.filter(({ level }) => level === 'warn');
  assert.deepEqual(
    lines.map(({ facts }) => facts),
    [{ endpoint: 'ticks', reason: 'origin', origin: 'https://evil-example.com', refused: 1 }],
  );
  assert.match(
    lines[0]?.text ?? '',
    /^clients of ticks are turned away: the origin https:\/\/evil-example\.com is not in endpoints\.ticks\.origins; add it there/,
  );
});

test('what a client sends as its origin cannot forge lines of a log', async (t) => {
  const kept = keptLogger();
  const gateway = await gatewayOf(t, config(['https://example.com']), { logger: kept.logger });
  await ready(gateway);
  const url = `ws://127.0.0.1:${gateway.ports().listeners.public}/ticks`;
  await assert.rejects(TestClient.open(url, { origin: `https://\u009b31m${'x'.repeat(5_000)}` }), /403/);
  const [facts] = kept.lines.filter(({ level }) => level === 'warn').map((line) => line.facts as { origin?: string });
  assert.equal(facts?.origin, `https://?31m${'x'.repeat(188)}`);
});
