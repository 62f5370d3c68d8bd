import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createGateway, type TopicRecord } from '../../src/index.ts';
import { asTexts } from '../../src/testing/contract/header-forms.ts';
import { TestClient } from '../helpers/client.ts';
import { until } from '../helpers/gateway-process.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

const NO_VALUE = '${! headers.none }';
/** The trace of a message does not need them: the gateway that has read it puts it back. */
const STRIPPED = { b3: NO_VALUE, 'uber-trace-id': NO_VALUE, traceparent: NO_VALUE };

/** A gateway that writes what clients send to `in`, and copies it to `out` without headers of traces; nothing is recorded. */
async function start(t: TestContext, tracing: object) {
  const warnings: string[] = [];
  const quiet = () => {};
  const logger = { debug: quiet, info: quiet, error: quiet, warn: (_: object, text: string) => warnings.push(text) };
  const gateway = await createGateway({
    logger: { ...logger, trace: quiet, fatal: quiet, child: () => logger } as never,
    config: {
      log: {
        driver: 'embedded',
        embedded: { memory: true },
        topics: { in: { partitions: 1 }, out: { partitions: 1 } },
      },
      tracing: { exporter: 'none', ...tracing },
      listeners: { public: { port: 0 } },
      endpoints: { messages: { listener: 'public', path: '/ws', codec: 'envelope' } },
      pipelines: {
        in: {
          source: { endpoint: 'messages' },
          processors: [{ map: { headers: { seen: '${! headers.baggage }' } } }],
          sink: { topic: { name: 'in' } },
        },
        copy: {
          source: { topic: { names: ['in'], group: 'copy', from: 'earliest' } },
          processors: [{ map: { headers: STRIPPED } }],
          sink: { topic: { name: 'out' } },
        },
      },
      shutdown: { jitter: '0s' },
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  const records: TopicRecord[] = [];
  gateway.topic('out').records$.subscribe((record) => records.push(record));
  const headersOf = async (count: number) => {
    await until(
      () => records.length === count,
      10_000,
      () => `${records.length} of ${count} records`,
    );
    return asTexts(records.at(-1)?.headers ?? []).filter(([name]) => name !== 'seen');
  };
  const seen = () => asTexts(records.at(-1)?.headers ?? []).find(([name]) => name === 'seen')?.[1];
  return { url: `ws://127.0.0.1:${gateway.ports().listeners.public}/ws`, headersOf, seen, warnings };
}

test('a trace that a frame says in one format goes through two topics in all that are listed', async (t) => {
  const { url, headersOf } = await start(t, { propagators: ['b3', 'jaeger'] });
  const client = await TestClient.open(url);
  client.send('zipkin', { b3: `${TRACE}-${SPAN}-0`, 'uber-trace-id': 'nonsense', traceparent: 'not listed' });
  const both = [
    ['b3', `${TRACE}-${SPAN}-0`],
    ['uber-trace-id', `${TRACE}:${SPAN}:0:00`],
  ];
  assert.deepEqual(await headersOf(1), both);
  client.send('jaeger', { 'uber-trace-id': `${TRACE}:${SPAN}:0:0`, baggage: 'tenant=acme' });
  assert.deepEqual(await headersOf(2), both);
  client.send('none of these', { traceparent: `00-${TRACE}-${SPAN}-00` });
  assert.deepEqual(await headersOf(3), []);
});

test('baggage of a handshake goes with each message that brings none, to topics and into expressions', async (t) => {
  const { url, headersOf, seen, warnings } = await start(t, { propagators: ['w3c', 'jaeger'], baggage: true });
  const client = await TestClient.open(url, { headers: { baggage: 'tenant=acme, user=a%20b' } });
  client.send('as the handshake');
  assert.deepEqual(await headersOf(1), [
    ['baggage', 'tenant=acme,user=a%20b'],
    ['uberctx-tenant', 'acme'],
    ['uberctx-user', 'a%20b'],
  ]);
  assert.equal(seen(), 'tenant=acme,user=a%20b');
  client.send('its own', { baggage: 'tenant=other' });
  assert.deepEqual(await headersOf(2), [
    ['baggage', 'tenant=other'],
    ['uberctx-tenant', 'other'],
  ]);
  const browser = await TestClient.open(`${url}?baggage=${encodeURIComponent('tenant=web,broken')}`);
  browser.send('by the query');
  assert.deepEqual(await headersOf(3), [
    ['baggage', 'tenant=web'],
    ['uberctx-tenant', 'web'],
  ]);
  browser.send('again', { baggage: 'broken' });
  assert.deepEqual(await headersOf(4), [
    ['baggage', 'tenant=web'],
    ['uberctx-tenant', 'web'],
  ]);
  assert.equal(warnings.filter((text) => text.startsWith('baggage of a client')).length, 1);
});

test('baggage of clients stays out of records where it is not switched on', async (t) => {
  const { url, headersOf } = await start(t, {});
  const client = await TestClient.open(url, { headers: { baggage: 'tenant=acme' } });
  client.send('quiet', { baggage: 'tenant=acme', traceparent: `00-${TRACE}-${SPAN}-00` });
  assert.deepEqual(await headersOf(1), [['traceparent', `00-${TRACE}-${SPAN}-00`]]);
});
