import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FeedServer } from '../../helpers/feed-server.ts';
import { until } from '../../helpers/gateway-process.ts';
import numbers from './dialling-plugin.ts';
import { gatewayOf, MEMORY, next, ready } from './rig.ts';

const PLUGIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'dialling-plugin.ts' : 'dialling-plugin.js', import.meta.url),
);

test('a source of a plugin dials a server, and after a lost connection continues where its saved cursor is', async (t) => {
  const server = await FeedServer.start(t);
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    plugins: [PLUGIN],
    log: { ...MEMORY.log, topics: { numbers: {}, copies: {} } },
    pipelines: {
      in: { source: { [numbers.name]: { url: server.url } }, sink: { topic: { name: 'numbers' } } },
      cursors: {
        source: { topic: { names: ['numbers.cursors'], from: 'earliest', group: 'copy' } },
        sink: { topic: { name: 'copies' } },
      },
    },
  });
  await ready(gateway);
  const values = { numbers: [] as string[], copies: [] as string[] };
  for (const [topic, read] of Object.entries(values)) {
    const isReading = next(gateway, 'consumer-ready', ({ topics }) => topics.includes(topic));
    gateway.topic(topic).records$.subscribe(({ value }) => read.push(String(value)));
    await isReading;
  }
  const first = await server.connection(1);
  await first.until(() => first.received.length === 1);
  first.ws.send('41');
  await first.until(() => first.received.length === 2);
  first.ws.terminate();
  const second = await server.connection(2);
  await second.until(() => second.received.length === 1);
  assert.deepEqual([...first.received, ...second.received], ['after nothing', 'saved 41', 'after 41']);
  assert.deepEqual(values.numbers, ['41']);
  await until(
    () => values.copies.length > 0,
    10_000,
    () => 'no cursor in its topic',
  );
  assert.match(values.copies[0] ?? '', /^{"cursor":41,"heardAt":\d+}$/);
});
